"""tidb-ansible itself, as the tests of the drop-in need it: fetched when they run, never part of this repository.

TBU_TIDB_ANSIBLE names a clone with its branches; without it one is made, where the machine reaches GitHub.
"""
import functools
import os
import pathlib
import subprocess
import tempfile

URL = "https://github.com/pingcap/tidb-ansible"
BRANCHES = ("release-2.0-new-binlog", "release-2.1", "release-3.0", "release-3.1", "release-4.0", "master")
NOT_TESTED = 77  # the exit status that ctest reports as "Skipped", see CMakeLists.txt


@functools.lru_cache(maxsize=None)
def clone():
    """Folder of the clone, or None."""
    given = os.environ.get("TBU_TIDB_ANSIBLE")
    if given:
        return given
    folder = pathlib.Path(tempfile.gettempdir(), "tidb-ansible.git")  # kept for the next test file
    if not folder.exists():
        part = tempfile.mkdtemp(prefix="tidb-ansible.")
        done = subprocess.run(["git", "clone", "--quiet", "--bare", "--filter=blob:none", URL, part], check=False,
                              capture_output=True, timeout=300, env={**os.environ, "GIT_TERMINAL_PROMPT": "0"})
        if done.returncode:
            return None
        try:
            os.rename(part, folder)
        except OSError:
            pass  # another test file was faster
    return str(folder)


def git(folder, *arguments):
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True).stdout


def check_out(branch, folder):
    """The branch's files in the folder, as a git repository of its own, so that it can tell what changed."""
    known = git(clone(), "for-each-ref", "--format=%(refname)").split()
    ref = next(name for name in (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}") if name in known)
    folder.mkdir(parents=True)
    archive = subprocess.run(["git", "-C", clone(), "archive", ref], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    git(folder, "init", "--quiet")
    commit(folder)
    return folder


def commit(folder):
    git(folder, "add", "--all", "--force")
    git(folder, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "-m", "as it was")


def changes(folder):
    """{path: status} of what differs from the last commit: M changed, ?? new, D gone."""
    listed = git(folder, "status", "--porcelain", "--untracked-files=all", "--ignored").splitlines()
    return {line[3:]: line[:2].strip() for line in listed}

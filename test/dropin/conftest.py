"""Fixtures of the drop-in's tests: tidb-ansible checkouts, and install-into."""
import subprocess

import pytest
import upstream

from support import paths


def install_into(folder, *arguments):
    return subprocess.run([paths.PLAYBOOKS / "install-into", "--library", paths.LIBRARY, *arguments, folder], check=False,
                          capture_output=True, text=True)


@pytest.fixture
def install():
    """install(folder, *options): playbooks/install-into, which must succeed."""
    def run(folder, *arguments):
        done = install_into(folder, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
    return run


@pytest.fixture
def refuse():
    """refuse(folder, *options): install-into, which must refuse and change nothing; what it said."""
    def run(folder, *arguments):
        before = snapshot(folder)
        done = install_into(folder, *arguments)
        assert done.returncode == 1, done.stdout + done.stderr
        assert snapshot(folder) == before
        return done.stderr
    return run


def snapshot(folder):
    """{path: content and mode, or link target} of everything in the folder but git's own files."""
    seen = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if ".git" in path.relative_to(folder).parts:
            continue
        name = str(path.relative_to(folder))
        seen[name] = (str(path.readlink()) if path.is_symlink() else None if path.is_dir()
                      else (path.read_bytes(), path.stat().st_mode))
    return seen


@pytest.fixture
def checkout(request, tmp_path):
    """A checkout of the branch that the test names: @pytest.mark.parametrize("checkout", [...], indirect=True)."""
    return upstream.check_out(request.param, tmp_path / "tidb-ansible")


def pytest_collection_modifyitems(items):
    if any(item.get_closest_marker("upstream") for item in items) and not upstream.clone():
        pytest.exit(f"not tested here: no tidb-ansible (set TBU_TIDB_ANSIBLE to a clone; {upstream.URL} is out of reach)",
                    returncode=upstream.NOT_TESTED)

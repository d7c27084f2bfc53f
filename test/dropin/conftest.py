"""Fixtures of the drop-in's tests: tidb-ansible checkouts, and install-into."""
import subprocess

import pytest
import upstream

from support import cluster as clusters
from support import paths, playbook


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


@pytest.fixture(scope="module")
def rolled(tmp_path_factory):
    """A cluster with all files as our roles render them."""
    old = clusters.make_peer(str(tmp_path_factory.mktemp("peers") / "old"), "v4.0.14")
    with clusters.Cluster(old=old) as cluster:
        cluster.offer(old)
        playbook.roll(cluster).assert_done()
        yield cluster


def assert_nothing_to_change(cluster):
    """With the inventory it has now every path, port, address, unit and file comes out as it is on its hosts."""
    plan = playbook.roll(cluster, "--check", "--diff").assert_done()
    staged = plan.results("copy-binary", "ok")
    assert len(staged) == 3
    assert not [result["diff"] for _, result in staged if result["changed"]]
    assert plan.changed_hosts() == []


@pytest.fixture
def checkout(request, tmp_path):
    """A checkout of the branch that the test names: @pytest.mark.parametrize("checkout", [...], indirect=True)."""
    return upstream.check_out(request.param, tmp_path / "tidb-ansible")


def pytest_collection_modifyitems(items):
    if any(item.get_closest_marker("upstream") for item in items) and not upstream.clone():
        pytest.exit(f"not tested here: no tidb-ansible (set TBU_TIDB_ANSIBLE to a clone; {upstream.URL} is out of reach)",
                    returncode=upstream.NOT_TESTED)

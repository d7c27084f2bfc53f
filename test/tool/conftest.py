"""Fixtures of the tool tests: Pumps run by a plain command, as a manual deployment has them; and for copy-binary,
programs, calls in both faces, and places to put files."""
import pytest

from support import cluster as clusters
from support import copying


@pytest.fixture(scope="session")
def binaries(tmp_path_factory):
    folder = tmp_path_factory.mktemp("binaries")

    class Binaries:
        old = clusters.make_peer(str(folder / "old"), "v4.0.14")
        new = clusters.make_peer(str(folder / "new"), "v4.0.16")
    return Binaries


@pytest.fixture
def manual(binaries):
    """Three Pumps on the old version that nobody supervises."""
    with clusters.Cluster(old=binaries.old, supervision="command") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Programs good and bad."""
    folder = tmp_path_factory.mktemp("programs")

    class Made:
        old = copying.program(folder / "old-pump", version="v4.0.14")
        pump = copying.program(folder / "pump", version="v4.0.16")
        drainer = copying.program(folder / "drainer", name="drainer")
        other = copying.program(folder / "other", name="tidb-server")
        failing = copying.program(folder / "failing", status=1)
        silent = copying.program(folder / "silent", text="")
        hanging = copying.program(folder / "hanging", hang=True)
        object_file = copying.program(folder / "pump.o", options=["-c"])
    return Made


@pytest.fixture(params=copying.FACES)
def call(request, tmp_path):
    """A call in each face; options as keywords."""
    folder = tmp_path / "ansible-tmp"
    folder.mkdir()
    return lambda **options: copying.FACES[request.param](folder, **options)


@pytest.fixture
def deploy(tmp_path, made):
    """A host with the old Pump in place."""
    folder = tmp_path / "deploy"
    (folder / "bin").mkdir(parents=True)
    (folder / "conf").mkdir()
    (folder / "bin/pump").write_bytes(made.old.read_bytes())
    (folder / "bin/pump").chmod(0o751)
    return folder


@pytest.fixture
def dest(tmp_path):
    """An old file that nothing refused may touch."""
    folder = tmp_path / "deploy/bin"
    folder.mkdir(parents=True)
    (folder / "pump").write_bytes(b"the old one")
    (folder / "pump").chmod(0o755)
    return folder / "pump"

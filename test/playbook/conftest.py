"""Fixtures of the playbook tests: an old and a new Pump, and clusters running the old one."""
import pytest

from support import cluster as clusters

OLD, NEW = "v4.0.14", "v4.0.16"


@pytest.fixture(scope="session")
def binaries(tmp_path_factory):
    folder = tmp_path_factory.mktemp("binaries")

    class Binaries:
        old = clusters.make_peer(str(folder / "old"), OLD)
        new = clusters.make_peer(str(folder / "new"), NEW)
    return Binaries


@pytest.fixture
def cluster(binaries):
    """Three Pumps on the old version; ends with the test."""
    with clusters.Cluster(old=binaries.old) as running:
        yield running


@pytest.fixture(scope="module")
def shared(binaries):
    """Three Pumps on the old version for all tests of a file: each leaves them as it found them."""
    with clusters.Cluster(old=binaries.old) as running:
        yield running

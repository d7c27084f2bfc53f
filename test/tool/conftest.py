"""Fixtures of the tool tests: Pumps run by a plain command, as a manual deployment has them."""
import pytest

from support import cluster as clusters


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

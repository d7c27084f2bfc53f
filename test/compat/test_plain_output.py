"""What an operator reads on this version of Ansible: no warning about what our playbooks use. support.playbook looks for one in
every run of theirs."""
import pathlib

import pytest

from support import cluster as clusters
from support import playbook

OLD, NEW = "v4.0.14", "v4.0.16"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("binaries")
    pump, drainer = (clusters.make_peer(str(folder / name), OLD, program=name) for name in ("pump", "drainer"))
    with clusters.Cluster(old=pump, old_drainer=drainer, drainers=1) as running:
        for name in ("pump", "drainer"):
            running.offer(clusters.make_peer(str(folder / f"new-{name}"), NEW, program=name), name)
        yield running


@pytest.mark.parametrize("book,tag", [("status.yml", "pump"), ("rolling_update.yml", "pump"), ("stop_drainer.yml", "drainer"),
                                      ("start_drainer.yml", "drainer"), ("status.yml", "drainer"), ("rollback.yml", "pump")])
def test_no_deprecation(cluster, book, tag):
    variables = {"accept_downgrade": True} if book == "rollback.yml" else None
    playbook.run(cluster, book, tags=tag, variables=variables).assert_done()


def test_a_deprecation_warning_fails_any_playbook_test(cluster):
    book = pathlib.Path(playbook.copy_of_playbooks(cluster), "warns.yml")
    book.write_text("- hosts: localhost\n  tasks: [{debug: {msg: '[DEPRECATION WARNING]: old'}}]\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="DEPRECATION WARNING"):
        playbook.run(cluster, book.name, tags=None)

"""The documented shortcut: the old version is given up, and what it has not applied with it."""
import pytest

from support import process
from support.migration import CLUSTER_ID, Migration


@pytest.fixture(scope="module")
def given_up():
    """Its old nodes are kept by daemontools."""
    with Migration(mode="rc2.3", downstream="file", rate=20, old_supervision="supervise") as cluster:
        cluster.migrate().assert_refused("waiting_for_operator")
        yield cluster


def test_the_old_version_is_not_given_up_by_mistake(given_up):
    pids = given_up.old_pids()
    given_up.decommission().assert_refused("wrong_order")
    given_up.decommission(abandon_data=CLUSTER_ID + 1).assert_refused("wrong_cluster")
    assert given_up.old_pids() == pids


def test_it_is_not_given_up_while_a_tidb_writes_to_an_old_pump(given_up):
    """Its Drainer goes first, on a host from which no TiDB's socket can be seen."""
    pids = given_up.old_pids()
    given_up.tidbs[0].switch(given_up.new_tidb())
    refused = given_up.decommission(abandon_data=CLUSTER_ID, legacy_accept="metrics").assert_refused("unproven")
    assert "does not tell its binlog_status" in " ".join(refused.output.split())
    given_up.switch_halfway(given_up.tidbs[1], given_up.new_tidb())
    given_up.decommission(abandon_data=CLUSTER_ID, legacy_accept="metrics").assert_refused("still_written")
    assert given_up.old_pids() == pids


def test_given_up_it_is_retired_without_a_proof(given_up):
    given_up.switch(given_up.new_tidb())
    # without metrics nothing tells whether an old Pump is called
    untold = given_up.decommission(abandon_data=CLUSTER_ID).assert_refused("unproven")
    assert given_up.old_drainer.pid and "accept metrics" in " ".join(untold.output.split())
    given_up.old_drainer.set_knobs(stuck=True)
    run = given_up.decommission(abandon_data=CLUSTER_ID, legacy_accept="metrics").assert_done()
    assert [host for host, _ in run.results("decommission-legacy", "ok")] == ["olddrainer", "tidb1", "tidb2"]
    assert not any(given_up.old_pids().values())
    assert given_up.record["steps"]["retired"]["abandoned"] is True


def test_what_supervise_kept_goes_back_under_it(given_up):
    for tag in ("pump", "drainer"):
        given_up.decommission(tags=tag, legacy_action="undo").assert_done()
    for node in (*given_up.old_pumps, given_up.old_drainer):
        assert process.parent(node.pid) in node.supervisors()

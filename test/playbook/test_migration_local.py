"""The migration from the Local version, whose checkpoint is a file of another name; and the way back from step 6."""
import pytest

from support import wait
from support.migration import Migration


@pytest.fixture(scope="module")
def local():
    with Migration(mode="rc2.3", rate=20) as cluster:
        wait.until("rows arrive downstream", lambda: cluster.received, 60)
        yield cluster


def test_from_the_local_version_every_row_arrives_exactly_once(local):
    local.migrate().assert_refused("waiting_for_operator")
    barrier = local.pause_business()
    local.switch(local.new_tidb())
    local.migrate(migration_barrier=barrier, migration_until=5).assert_done()
    assert local.steps == ["pumps", "switched", "synced"] and local.old_drainer.pid, "migration_until holds it"
    local.resume_business()
    run = local.migrate().assert_done()
    assert local.steps == ["pumps", "switched", "synced", "drainers"]
    assert f"stands at {barrier}" in " ".join(run.output.split()), "the barrier is kept in the record"
    local.assert_rows_go_on_and_each_arrived_once()


def test_going_back_the_old_drainer_is_started_again_once_the_new_one_is_stopped(local):
    undo = {"tags": "drainer", "legacy_action": "undo"}
    local.decommission(**undo).assert_refused("wrong_order")
    assert not local.old_drainer.pid
    local.new_drainer.stop()
    local.decommission(**undo).assert_done()
    assert local.old_drainer.is_online()
    assert local.steps == ["pumps", "switched"], "what was undone is to be proven anew"
    # it has saved nothing since its start: only the operator can say that what was applied before is still there
    local.migrate(migration_wait=8).assert_refused("timed_out")
    local.migrate(migration_accept="applied").assert_done()
    assert local.new_drainer.is_online() and not local.old_drainer.pid


def test_step_7_without_kafka(local):
    local.decommission().assert_done()
    assert not any(local.old_pids().values())

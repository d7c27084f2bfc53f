"""The migration from the Local version, whose checkpoint is a file of another name; and the way back from step 6."""
import pytest

from support import wait
from support.migration import BY_HAND, Migration


@pytest.fixture(scope="module")
def local():
    with Migration(mode="rc2.3", rate=20) as cluster:
        wait.until("rows arrive downstream", lambda: cluster.received, 60)
        yield cluster


def test_from_the_local_version_every_row_arrives_exactly_once(local):
    turn = local.migrate().assert_refused("waiting_for_operator")
    assert "legacy_accept=metrics -e migration_accept=old_writes_flat,drained,applied" in turn.output
    barrier = local.pause_business()
    local.switch(local.new_tidb())
    # it serves no metrics: each step says what the operator has to answer for, and takes no more than that
    step3 = local.migrate(migration_barrier=barrier).assert_refused("timed_out")
    assert local.steps == ["pumps"] and "then accept drained,applied,old_writes_flat" in " ".join(step3.output.split())
    step5 = local.migrate(migration_barrier=barrier, migration_accept="old_writes_flat", migration_wait=8)
    step5.assert_refused("timed_out")
    assert local.steps == ["pumps", "switched"] and "then accept drained,applied" in " ".join(step5.output.split())
    wait.until("the barrier is in savePoint", lambda: (local.checkpoint or {}).get("commitTS", 0) >= barrier)
    local.migrate(migration_until=5, **BY_HAND).assert_done()
    assert local.steps == ["pumps", "switched", "synced"] and local.old_drainer.pid, "migration_until holds it"
    local.resume_business()
    local.migrate(**{**BY_HAND, "legacy_accept": "loss"}).assert_refused("unproven")
    assert local.old_drainer.pid
    run = local.migrate(**BY_HAND).assert_done()
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
    local.migrate(**BY_HAND).assert_done()
    assert local.new_drainer.is_online() and not local.old_drainer.pid


def test_step_7_without_kafka(local):
    local.decommission().assert_refused("unproven")
    assert all(pump.pid for pump in local.old_pumps)
    local.decommission(legacy_accept="metrics").assert_done()
    assert not any(local.old_pids().values())

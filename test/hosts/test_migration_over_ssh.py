"""The seven steps on hosts: over SSH as tidb, old Pumps kept by systemd with Restart=always, Kafka and ZooKeeper by nohup; no Python
there. From the Kafka version with unread messages, from the Local version, and the shortcut that gives the old version up."""
import os
import time

import pytest

from hosts.rig.old import OldRig
from support import process, wait
from support.migration import BY_HAND, CLUSTER_ID
from support.retiring import running_as

pytestmark = pytest.mark.kafka


def as_it_ran(program):
    executable, words, folder, _, user = running_as(program.pid)
    return executable, words, folder, user


@pytest.fixture(scope="module", params=[("kafka", None), ("rc2.3", "drainer")], ids=["kafka", "local"])
def migrated(request):
    """All seven steps; each test below judges what was seen. The old Drainer was started by nohup, or is kept by a unit."""
    mode, unit = request.param
    with OldRig(mode, drainer_unit=unit) as rig:
        wait.until("rows arrive downstream", lambda: rig.received, 60)
        rig.drainer_was = as_it_ran(rig.old_drainer)
        by_hand = BY_HAND if mode == "rc2.3" else {}
        # nobody can have seen yet that all has arrived
        at_first = {**by_hand, "migration_accept": "old_writes_flat"} if by_hand else {}
        rig.first = rig.migrate()
        rig.old_drainer.set_knobs(stuck=True, lie_synced=True)  # from here on there is something unread
        enough = len(rig.sent) + 100
        wait.until("there are unread messages", lambda: len(rig.sent) > enough, 60)
        barrier = rig.pause_business()
        before_the_barrier = set(rig.sent)
        rig.unread = len(before_the_barrier - set(rig.received))
        rig.switch(rig.new_tidb())
        rig.unproven = rig.migrate(migration_barrier=barrier, migration_wait=8, **at_first)
        rig.resume_business()
        rig.drainer_then = rig.old_drainer.pid, rig.new_drainer.pid
        rig.old_drainer.set_knobs()
        if by_hand:
            wait.until("all before the barrier has arrived", lambda: before_the_barrier <= set(rig.received), 60)
        rig.second = rig.migrate(**by_hand)
        rig.upto = list(rig.steps)
        rig.before_retiring = rig.old_pids()
        rig.digests = [process.file_digest(pump.unit_file) for pump in rig.old_pumps]
        rig.retiring = {name: by_hand[name] for name in by_hand if name == "legacy_accept"}
        rig.third = rig.decommission(**rig.retiring)
        yield rig


def test_the_operators_turn_is_said(migrated):
    migrated.first.assert_refused("waiting_for_operator")


def test_unread_messages_hold_it(migrated):
    migrated.unproven.assert_refused("timed_out")
    assert migrated.unread > 50
    assert migrated.drainer_then[0] and not migrated.drainer_then[1]


def test_the_new_drainer_takes_over_once_all_is_proven(migrated):
    migrated.second.assert_done()
    assert migrated.upto == ["pumps", "switched", "synced", "drainers"]
    assert not migrated.before_retiring.pop("drainer") and all(migrated.before_retiring.values())


def test_the_old_ones_are_retired_in_order(migrated):
    migrated.third.assert_done()
    wanted = ["tidb1", "tidb2", *(["kafka1", "zk1"] if migrated.kafka else [])]
    assert [host for host, _ in migrated.third.results("decommission-legacy", "ok")] == wanted
    assert not any(migrated.old_pids().values())


def test_no_supervisor_brings_an_old_pump_back(migrated):
    for pump in migrated.old_pumps:
        assert pump.machine.systemctl("is-enabled", "pump.service", check=False) == "masked"
        assert os.readlink(pump.unit_file) == "/dev/null"
        assert pump.machine.systemctl("start", "pump.service", check=False) == "" and not pump.pid
        kept = pump.machine.seen(f"{pump.deploy_dir}/decommission/pump-8250/pump.service")
        assert process.file_digest(kept) in migrated.digests


def test_none_was_ended_by_force(migrated):
    for pump in migrated.old_pumps:
        journal = pump.machine.run("journalctl", "--no-pager", "-u", "pump.service", check=False).stdout
        assert "Deactivated successfully" in journal, journal
        assert "SIGKILL" not in journal and "status=9" not in journal, journal


def test_the_old_ones_go_back_and_are_retired_again(migrated):
    for tag in (["zookeeper", "kafka"] if migrated.kafka else []) + ["pump"]:
        migrated.decommission(tags=tag, legacy_action="undo").assert_done()
    for pump, digest in zip(migrated.old_pumps, migrated.digests):
        assert pump.is_online() and pump.machine.systemctl("is-enabled", "pump.service") == "enabled"
        assert process.file_digest(pump.unit_file) == digest
    migrated.decommission(**migrated.retiring).assert_done()
    assert not any(migrated.old_pids().values())


def test_nothing_old_comes_back_after_a_reboot(migrated):
    migrated.assert_rows_go_on_and_each_arrived_once()
    assert migrated.refused == 0
    machine = migrated.old_pumps[0].machine
    machine.lose_power()
    machine.reboot_after_power_loss()
    time.sleep(3)
    assert not migrated.old_pumps[0].pid
    assert machine.systemctl("is-enabled", "pump.service", check=False) == "masked"


def test_the_way_back_from_step_6(migrated):
    """README's, from after step 7 and over a reboot: business goes on through the old version, and what arrived by the new one is
    not applied again."""
    migrated.new_drainer.systemctl("stop", migrated.new_drainer.unit)
    migrated.put_checkpoint_back()
    for tag in (["zookeeper", "kafka"] if migrated.kafka else []) + ["pump", "drainer"]:
        migrated.decommission(tags=tag, legacy_action="undo").assert_done()
    assert as_it_ran(migrated.old_drainer) == migrated.drainer_was
    if migrated.old_drainer.unit:
        assert migrated.old_drainer.machine.systemctl("is-enabled", migrated.old_drainer.unit) == "enabled"
    assert migrated.steps == ["pumps", "switched"]
    wait.until("the old Drainer has its Pumps", migrated.old_drainer.is_online, 60)
    migrated.switch_back()
    migrated.resume_business()
    migrated.assert_rows_go_on_and_each_arrived_once()


def test_the_shortcut_gives_the_old_version_up():
    with OldRig("rc2.3") as rig:
        rig.migrate().assert_refused("waiting_for_operator")
        rig.switch(rig.new_tidb())
        rig.old_drainer.set_knobs(stuck=True)
        rig.decommission().assert_refused("wrong_order")
        assert all(rig.old_pids().values())
        rig.decommission(abandon_data=CLUSTER_ID, legacy_accept="metrics").assert_done()
        assert not any(rig.old_pids().values())
        assert rig.record["steps"]["retired"]["abandoned"] is True
        assert os.listdir(rig.old_drainer.data_dir), "data stays"

"""two rolls at once, one-off calls at once, a dead owner's lock, a lost lock."""
import os
import shutil
import signal
import subprocess

import pytest

from support import kill, process, tool, wait
from support.cluster import Cluster
from support.playbook import start_roll
from support.watcher import Watcher
from support.writer import Writer


@pytest.fixture(scope="module")
def slow(binaries):
    """Pumps whose start takes long enough for others to come in between."""
    from support.cluster import make_peer
    with Cluster(old=make_peer(f"{binaries.old}-slow", "v4.0.14", "start_delay=700")) as cluster:
        yield cluster


def restart(cluster, pump, *arguments):
    return tool.start("rolling-restart", "--component", "pump", "--deploy-dir", pump.deploy_dir, "--port", pump.port,
                      "--supervision", "supervise", "--force", "--stable-for", "1", *arguments,
                      environment=cluster.environment)


def test_two_rolls_with_different_binaries_take_turns(slow):
    ours, theirs = (slow.peer("v4.0.16", f"start_delay={delay}") for delay in (500, 501))
    folders = {}
    for name, binary in (("ours", ours), ("theirs", theirs)):
        folders[name] = slow.new_path(name)
        os.makedirs(f"{folders[name]}/bin")
        shutil.copy2(binary, f"{folders[name]}/bin/pump")
    with Watcher(slow) as watcher, Writer(slow) as writer:
        rolls = {name: start_roll(slow, variables={"resources_dir": folder}) for name, folder in folders.items()}
        for roll in rolls.values():
            roll.wait()
    watcher.assert_one_at_a_time()
    writer.assert_nothing_refused()
    for name, roll in rolls.items():
        own = process.file_digest(f"{folders[name]}/bin/pump")
        for host, result in roll.restarts():
            assert result["node"]["after"]["exe_sha256"] == own, f"{name} put another file in place on {host}"
        # who comes last at a Pump differs from Pump to Pump: a roll that was not the last one says so
        assert roll.status == 0 or "it was restarted since" in roll.output, roll.output
    known = {process.file_digest(binary) for binary in (ours, theirs)}
    assert set(slow.digests().values()) <= known
    assert all(pump.is_online() for pump in slow.pumps)
    last = start_roll(slow, variables={"resources_dir": folders["ours"]})
    last.wait()
    last.assert_done()
    assert set(slow.digests().values()) == {process.file_digest(ours)}


def test_who_asks_for_versions_all_the_time_is_in_nobodys_way(slow, tmp_path):
    """`bin/pump -V` is a process of that executable, too; status.yml and every call of the tools start one."""
    binary = slow.peer("v4.0.16", "start_delay=400")
    os.makedirs(tmp_path / "bin")
    shutil.copy2(binary, tmp_path / "bin/pump")
    asking = subprocess.Popen(["bash", "-c", 'trap exit TERM; while :; do for pump; do "$pump" -V; done; done', "asking",
                               *(str(pump.binary) for pump in slow.pumps)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with Watcher(slow) as watcher:
            roll = start_roll(slow, variables={"resources_dir": str(tmp_path)})
            roll.wait()
            roll.assert_done()
    finally:
        asking.terminate()  # once the last one has answered
        asking.wait()
    watcher.assert_one_at_a_time()
    assert set(slow.digests().values()) == {process.file_digest(binary)}


def test_three_calls_in_parallel_restart_one_pump_after_the_other(slow):
    before = slow.pids()
    with Watcher(slow) as watcher, Writer(slow) as writer:
        calls = [tool.finish(call) for call in [restart(slow, pump) for pump in slow.pumps]]
    for call in calls:
        assert call.status == 0, call
        assert call["changed"] is True
    assert all(before[name] != pid for name, pid in slow.pids().items())
    watcher.assert_one_at_a_time()
    writer.assert_nothing_refused()


def test_a_held_lock_is_waited_for_no_longer_than_said(slow):
    holder = restart(slow, slow.pump("pump1"))
    wait.until("the lock is taken", slow.pd.lock_holder)
    late = tool.finish(restart(slow, slow.pump("pump2"), "--lock-timeout", "0"))
    assert (late.status, late.code) == (1, "lock_held")
    assert tool.finish(holder).status == 0


def test_the_lock_of_a_dead_owner_frees_itself(slow):
    call = restart(slow, slow.pump("pump1"))
    kill.wait_for_phase(slow, "start", pumps=[slow.pump("pump1")])
    os.kill(call.pid, signal.SIGKILL)
    call.wait()
    assert slow.pd.lock_holder() is not None
    wait.until("the lock is free", lambda: slow.pd.lock_holder() is None, seconds=35, every=0.2)
    done = tool.finish(restart(slow, slow.pump("pump1")))
    assert done.status == 0, done
    assert slow.pump("pump1").is_online()


def test_a_lock_lost_in_the_stopped_window_does_not_leave_the_pump_behind(slow):
    pump = slow.pump("pump2")
    before = pump.pid
    call = restart(slow, pump)
    kill.wait_for_phase(slow, "start", pumps=[pump])
    slow.pd.delete("/tidb-binlog-upgrade/lock")
    done = tool.finish(call)
    assert (done.status, done.code) == (1, "lock_lost"), done
    assert pump.is_online() and pump.pid != before


def test_a_lock_taken_by_somebody_else_before_the_stop_keeps_the_pump_running(slow):
    pump = slow.pump("pump3")
    before = pump.pid
    slow.pd.put("/tidb-binlog-upgrade/lock", "somebody else", lease=slow.pd.lease(60))
    try:
        late = tool.finish(restart(slow, pump, "--lock-timeout", "1"))
        assert (late.status, late.code) == (1, "lock_held")
        assert pump.pid == before
    finally:
        slow.pd.delete("/tidb-binlog-upgrade/lock")


def test_without_the_gateway_only_an_explicit_word_goes_on(binaries):
    with Cluster(old=binaries.old, gateway=False) as cluster:
        pump = cluster.pump("pump1")
        before = pump.pid
        peers = ",".join(other.advertised for other in cluster.pumps[1:])
        refused = tool.finish(restart(cluster, pump, "--peers", peers))
        assert refused.code == "lock_unavailable", refused
        assert pump.pid == before
        done = tool.finish(restart(cluster, pump, "--peers", peers, "--lock", "none"))
        assert done.status == 0, done
        assert pump.pid != before

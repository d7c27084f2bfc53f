"""systemd's ugly ends: a stop that times out, a unit in auto-restart, a masked unit, a unit edited by hand."""
import itertools
import os
import signal

import pytest

from hosts.rig import layout, plugs, prober, verdict
from hosts.rig.rig import OLD, Rig
from support import playbook, process, wait
from support.writer import Writer

STOP_TIMEOUT = 2  # systemd's, scaled down from 90 s by configuration


@pytest.fixture(scope="module")
def rig():
    with Rig(drainers=0, stop_timeout=STOP_TIMEOUT) as rig:
        rig.versions = (f"v4.1.{number}" for number in itertools.count())
        yield rig


def offer_newer(rig, *knobs):
    binary = rig.peer(next(rig.versions), *knobs)
    rig.offer(binary)
    return process.file_digest(binary)


def assert_all_run(rig, digest):
    assert set(rig.digests().values()) == {digest}
    assert all(pump.is_online() for pump in rig.pumps)


def shown(pump, *names):
    return dict(line.split("=", 1) for line in pump.systemctl("show", "-p", ",".join(names), pump.unit).splitlines())


def test_a_stop_that_times_out_starts_no_second_process(rig):
    """systemd gives up and calls the unit failed; the Pump lives on. When it has ended, the same command starts it."""
    target = rig.pump("pump2")
    before = rig.pids()
    new = offer_newer(rig)
    target.set_knobs(stop_delay=15_000)
    with prober.Prober(rig) as watch, Writer(rig) as writer:
        run = playbook.roll(rig, variables={"pump_stop_timeout": STOP_TIMEOUT + 2})
        run.assert_refused("stop_timeout")
        failed, others = verdict.read(run)
        assert list(failed) == ["pump2"] and failed["pump2"]["where"] == "phase stop"
        assert "is still alive" in failed["pump2"]["found"] and "[stop_timeout]" in failed["pump2"]["found"]
        assert f"runs, version {OLD}" in failed["pump2"]["now"]
        assert "wait for it to end, then run the same command again" in failed["pump2"]["to do"]
        assert others == {"pump1": "done: v4.1.0, online", "pump3": f"not touched by this run: {OLD}, online"}
        assert shown(target, "ActiveState", "SendSIGKILL") == {"ActiveState": "failed", "SendSIGKILL": "no"}
        assert target.pids("pump") == [before["pump2"]], "killed, or a second one started"
        assert rig.pump("pump3").pid == before["pump3"]

        again = playbook.roll(rig, variables={"pump_stop_timeout": STOP_TIMEOUT + 2})
        if target.pids("pump") == [before["pump2"]]:
            again.assert_refused("stop_timeout", "start_failed")
            assert rig.pump("pump3").pid == before["pump3"]
        wait.until("the old Pump ends by itself", lambda: not process.alive(before["pump2"]), seconds=60)
        target.set_knobs()
        done = playbook.roll(rig).assert_done()
    assert [host for host, _ in done.restarts()][:1] == ["pump2"] or again.status == 0
    watch.assert_one_at_a_time()
    writer.assert_nothing_refused()
    assert_all_run(rig, new)


def test_a_unit_between_two_tries_is_taken_first_and_started_once(rig):
    target = rig.pump("pump3")
    new = offer_newer(rig)
    target.set_knobs(exit_at_start=1)
    os.kill(target.pid, signal.SIGKILL)
    wait.until("systemd waits to try again", lambda: shown(target, "SubState") == {"SubState": "auto-restart"})
    plan = playbook.roll(rig, "--check").assert_done()
    planned = [host for host, result in plan.results("rolling-restart") if result["changed"]]
    assert planned == ["pump3", "pump1", "pump2"]
    with prober.Prober(rig, down=["pump3"]) as watch, Writer(rig) as writer:
        with playbook.start_roll(rig) as run:
            plugs.wait_for_phase([target], "stop")
            target.set_knobs()
            run.wait().assert_done()
    assert [host for host, _ in run.restarts()] == ["pump3", "pump1", "pump2"], "broken ones come first"
    watch.assert_one_at_a_time()
    writer.assert_nothing_refused()
    assert shown(target, "NRestarts", "ActiveState", "DropInPaths") == {
        "NRestarts": "0", "ActiveState": "active", "DropInPaths": ""}
    assert_all_run(rig, new)


def test_a_new_version_that_crash_loops_goes_back(rig):
    """Restart=on-failure would try it every 15 s for ever."""
    before = rig.digests()
    offer_newer(rig, "exit_at_start=1")
    with prober.Prober(rig) as watch, Writer(rig) as writer:
        run = playbook.roll(rig)
    run.assert_refused("rolled_back")
    failed, others = verdict.read(run)
    assert list(failed) == ["pump1"] and failed["pump1"]["where"] == "phase put_back"
    assert "[rolled_back]" in failed["pump1"]["found"] and " runs, version " in failed["pump1"]["now"]
    assert sorted(others) == ["pump2", "pump3"] and all("not touched" in standing for standing in others.values())
    watch.assert_one_at_a_time()
    watch.assert_only("pump1")
    writer.assert_nothing_refused()
    assert rig.digests() == before
    assert shown(rig.pump("pump1"), "ActiveState", "NRestarts")["ActiveState"] == "active"


def mask(pump):
    """As far as it goes: `systemctl mask` refuses units that lie in /etc."""
    kept = pump.unit_file.read_text(encoding="utf-8")
    pump.unit_file.unlink()
    pump.unit_file.symlink_to("/dev/null")
    pump.systemctl("daemon-reload")
    return kept


def unmask(pump, text):
    pump.unit_file.unlink()
    layout.write_unit(pump, text)


@pytest.mark.sample("masked")
@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "when it is down"])
def test_a_masked_unit_is_refused(rig, running):
    target, before = rig.pump("pump2"), rig.pids()
    new = offer_newer(rig)
    if not running:
        target.systemctl("stop", target.unit)
        before["pump2"] = None
    kept = mask(target)
    try:
        with prober.Prober(rig, down=[] if running else ["pump2"]) as watch:
            run = playbook.roll(rig)
        run.assert_refused("service_masked")
        assert "pump2" in run.output and "systemctl unmask pump-8250" in run.output, run.output
        assert target.unit_file.is_symlink(), "somebody's decision was overwritten"
        watch.assert_only(*([] if running else ["pump2"]))
        assert rig.pids() == before
    finally:
        unmask(target, kept)
    playbook.roll(rig).assert_done()
    assert_all_run(rig, new)


def test_a_unit_edited_by_hand_is_shown_and_replaced(rig):
    target = rig.pump("pump2")
    kept, pids = target.unit_file.read_text(encoding="utf-8"), rig.pids()
    layout.write_unit(target, kept.replace("LimitNOFILE=1000000", "LimitNOFILE=4096\nMemoryMax=2G"))
    edited = target.unit_file.read_text(encoding="utf-8")
    plan = playbook.roll(rig, "--check", "--diff").assert_done()
    for line in ("-LimitNOFILE=4096", "-MemoryMax=2G", "+LimitNOFILE=1000000"):
        assert line in plan.output, plan.output
    assert (target.unit_file.read_text(encoding="utf-8"), rig.pids()) == (edited, pids)

    with prober.Prober(rig) as watch:
        run = playbook.roll(rig).assert_done()
    watch.assert_only("pump2")
    assert [host for host, _ in run.restarts()] == ["pump2"]
    assert target.unit_file.read_text(encoding="utf-8") == kept
    assert shown(target, "LimitNOFILE", "MemoryMax")["MemoryMax"] == "infinity"
    assert shown(target, "NeedDaemonReload") == {"NeedDaemonReload": "no"}

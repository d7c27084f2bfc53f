"""plugs pulled during a roll over SSH; the same command again, until all is well; never a Pump lost.

Many of these are samples: see conftest.py.
"""
import contextlib
import itertools
import json
import os

import pytest

from hosts.rig import plugs, prober
from hosts.rig.rig import Rig
from support import kill, playbook, process, wait
from support.writer import Writer

SLOW = ("start_delay=400", "stop_delay=400")  # so that each phase can be met
# A connection gone silent is noticed after 12 s, not the minute of ansible.cfg.
IMPATIENT = "-C -o ControlMaster=auto -o ControlPersist=600s -o ServerAliveInterval=4 -o ServerAliveCountMax=3"


@pytest.fixture(scope="module")
def rig():
    with Rig(drainers=0) as rig:
        rig.environment["ANSIBLE_SSH_ARGS"] = IMPATIENT
        rig.versions = (f"v4.1.{number}" for number in itertools.count())
        yield rig


def offer_newer(rig):
    binary = rig.peer(next(rig.versions), *SLOW)
    rig.offer(binary)
    return process.file_digest(binary)


@contextlib.contextmanager
def watched(rig):
    """Within, one Pump is down at a time and no write is refused."""
    with prober.Prober(rig) as watch, Writer(rig) as writer:
        yield watch
    watch.assert_one_at_a_time()
    writer.assert_nothing_refused()


def assert_all_run(rig, digest):
    assert set(rig.digests().values()) == {digest}
    assert all(pump.is_online() for pump in rig.pumps)
    assert rig.pd.lock_holder() is None
    assert sorted(rig.pd.pumps()) == sorted(pump.node_id for pump in rig.pumps), "a node id is new or lost"


def assert_failed(run, *hosts):
    """The run failed at these hosts alone, in words for people."""
    assert run.status != 0, f"went through:\n{run.output}"
    assert "Traceback" not in run.output, run.output
    failed = {record["host"] for record in run.records if record["outcome"] in ("failed", "unreachable")}
    assert failed == set(hosts), run.output


def order_of_turns(run):
    return [host for host, _ in run.restarts()]


@pytest.mark.sample("control host gone")
@pytest.mark.parametrize("point", ("stage", *kill.PHASES))
def test_control_host_gone(rig, point):
    target = rig.pump("pump2")
    new = offer_newer(rig)
    with watched(rig):
        with playbook.start_roll(rig) as run:
            if point == "stage":
                plugs.wait_for_tool(rig.pumps, "copy-binary")
            else:
                plugs.wait_for_phase([target], point)
            plugs.kill_control_host(rig, run)
        plugs.wait_for_tools_to_end(rig.hosts)
        assert all(pump.is_online() for pump in rig.pumps), "what was begun on a host is brought to an end there"
        playbook.roll(rig).assert_done()
    assert_all_run(rig, new)


@pytest.mark.sample("network")
def test_network_cut_while_staging(rig):
    target, before = rig.pump("pump2"), rig.pids()
    new = offer_newer(rig)
    with watched(rig) as watch:
        with playbook.start_roll(rig) as run:
            plugs.wait_for_tool([target], "copy-binary")
            target.cut_from_control()
            try:
                run.wait()
            finally:
                target.rejoin_control()
    assert_failed(run, "pump2")
    assert rig.pids() == before
    watch.assert_only("pump2")  # which the prober, on the control host, did not reach either
    plugs.wait_for_tools_to_end(rig.hosts)
    with watched(rig):
        playbook.roll(rig).assert_done()
    assert_all_run(rig, new)


@pytest.mark.sample("network")
def test_network_cut_in_the_stopped_window(rig):
    target, last = rig.pump("pump2"), rig.pump("pump3")
    before = rig.pids()
    new = offer_newer(rig)
    with watched(rig):
        with playbook.start_roll(rig) as run:
            plugs.wait_for_phase([target], "stop")
            target.cut_from_control()
            try:
                run.wait()
                # Nobody on the control host can have done it: still cut off, the tool on the host goes on to the end.
                plugs.wait_for_tools_to_end([target])
                wait.until("pump2 is online in PD", lambda: rig.pd.pumps()[target.node_id]["state"] == "online")
                assert target.running_digest == new and target.pid != before["pump2"]
                done = json.loads((target.deploy / "stage/pump/last.json").read_text())
                assert not done.get("code"), done
            finally:
                target.rejoin_control()
        assert_failed(run, "pump2")
        assert last.pid == before["pump3"], "another node was touched after one failed"
        again = playbook.roll(rig).assert_done()
    assert order_of_turns(again) == ["pump3"]
    assert_all_run(rig, new)


@pytest.mark.sample("power lost")
@pytest.mark.parametrize("point", ("stop", "activate", "start", "ready"))
def test_power_lost_in_the_stopped_window(rig, point):
    target, last = rig.pump("pump2"), rig.pump("pump3")
    before = rig.pids()
    new = offer_newer(rig)
    with watched(rig):
        with playbook.start_roll(rig) as run:
            plugs.wait_for_phase([target], point)
            target.lose_power()
            run.wait()
        assert_failed(run, "pump2")
        assert last.pid == before["pump3"], "another node was touched after one failed"
        target.reboot_after_power_loss()
        assert target.systemctl("is-enabled", target.unit, check=False) == "disabled"
        assert target.pid is None, "the stock unit does not start by itself"
        seen = playbook.run(rig, "status.yml").assert_done()
        assert "pump2: " in seen.output and "BROKEN" in seen.output, seen.output
        again = playbook.roll(rig).assert_done()
    assert order_of_turns(again)[0] == "pump2", "broken ones come first"
    assert "no process of it runs" in again.output or "down" in again.output, again.output
    assert_all_run(rig, new)


# Enough for the binlogs and logs of a running Pump, and too little for another executable.
LITTLE = 5_000_000


def fill(folder, leave=LITTLE):
    """A file that takes the file system's space; as an administrator's log or dump would."""
    path = folder / "filler"

    def taken():
        system = os.statvfs(folder)
        with open(path, "wb") as file, contextlib.suppress(OSError):  # others write meanwhile
            os.posix_fallocate(file.fileno(), 0, max(1, system.f_bavail * system.f_frsize - leave))
            return True
        return False
    wait.until("the disk is full", taken)
    return path


@pytest.mark.sample("disk or PD")
def test_disk_full_before_the_roll(rig):
    target, before = rig.pump("pump2"), rig.pids()
    new = offer_newer(rig)
    filler = fill(target.data)
    try:
        with watched(rig) as watch:
            run = playbook.roll(rig)
        run.assert_refused("no_space")
        assert_failed(run, "pump2")
        watch.assert_only()
        assert rig.pids() == before
    finally:
        filler.unlink()
    with watched(rig):
        playbook.roll(rig).assert_done()
    assert_all_run(rig, new)


@pytest.mark.sample("disk or PD")
def test_system_disk_full_before_the_roll(rig):
    """Where Ansible itself puts the modules, and the unit lies."""
    target, before = rig.pump("pump2"), rig.pids()
    new = offer_newer(rig)
    filler = fill(target.folder / "layer", leave=0)
    try:
        with watched(rig) as watch:
            run = playbook.roll(rig)
        assert_failed(run, "pump2")
        watch.assert_only()
        assert rig.pids() == before
    finally:
        filler.unlink()
    with watched(rig):
        playbook.roll(rig).assert_done()
    assert_all_run(rig, new)


@pytest.mark.sample("disk or PD")
@pytest.mark.parametrize("point", ("staged", "stop", "start"))
def test_disk_full_in_the_middle(rig, point):
    target = rig.pump("pump2")
    new = offer_newer(rig)
    with watched(rig):
        with playbook.start_roll(rig) as run:
            # from its lock to its stop it is less than a tenth of a second: too short to fill a disk in
            plugs.wait_for_phase(*(([rig.pump("pump1")], "stable") if point == "staged" else ([target], point)))
            filler = fill(target.data, leave=0)
            try:
                run.wait()
                # Before the stop it is refused; later no Pump can start, and the run says so.
                assert point != "staged" or target.is_online(), f"a Pump is lost:\n{run.output}"
            finally:
                filler.unlink()
        if run.status:
            assert_failed(run, "pump2")
        playbook.roll(rig).assert_done()
        assert target.is_online()
    assert_all_run(rig, new)


@pytest.mark.sample("disk or PD")
@pytest.mark.parametrize("point", ("peers", "stop", "ready"))
def test_pd_away_for_a_while(rig, point):
    target = rig.pump("pump2")
    new = offer_newer(rig)
    with prober.Prober(rig) as watch:
        with playbook.start_roll(rig) as run:
            plugs.wait_for_phase([target], point)
            rig.pd.stop()
            wait.until("PD is away", lambda: not rig.pd.alive)
            with contextlib.suppress(wait.NotInTime):  # what comes first: the run ends, or the Pump tried without PD
                wait.until("the run ends", lambda: run.process.poll() is not None, seconds=6)
            rig.pd.start()
            run.wait()
        if run.status:
            assert_failed(run, "pump2")
        playbook.roll(rig).assert_done()
    watch.assert_one_at_a_time()
    assert_all_run(rig, new)


@pytest.mark.sample("disk or PD")
def test_pd_away_before_the_roll(rig):
    before = rig.pids()
    new = offer_newer(rig)
    rig.pd.stop()
    try:
        run = playbook.roll(rig)
    finally:
        rig.pd.start()
    run.assert_refused("registry_unreadable")
    assert "Traceback" not in run.output
    assert rig.pids() == before
    for pump in rig.pumps:
        pump.wait_ready()
    with watched(rig):
        playbook.roll(rig).assert_done()
    assert_all_run(rig, new)


def rename(host, name):
    (host.root / "etc/hostname").write_text(f"{name}\n")
    host.run("hostname", name)


def test_host_renamed(rig):
    """.node holds the id. Without it the Pump would come back as another one, its former self stay paused for ever."""
    target, before = rig.pump("pump2"), rig.pids()
    new = offer_newer(rig)
    node = target.data_dir / ".node"
    kept, owner = node.read_text(), node.stat()
    node.unlink()
    rename(target, "renamed")
    try:
        with watched(rig) as watch:
            run = playbook.roll(rig)
        run.assert_refused("node_ambiguous")
        assert_failed(run, "pump2")
        assert target.node_id in run.output and "renamed:8250" in run.output and ".node" in run.output, run.output
        watch.assert_only()
        assert rig.pids() == before
        node.write_text(kept)  # as the error says
        os.chown(node, owner.st_uid, owner.st_gid)
        with watched(rig):
            playbook.roll(rig).assert_done()
        assert target.run("hostname").stdout.strip() == "renamed"
    finally:
        rename(target, target.name)
    assert_all_run(rig, new)

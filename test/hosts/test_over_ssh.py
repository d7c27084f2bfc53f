"""the documented roll over SSH as tidb with sudo, over what tidb-ansible deployed, under systemd and under supervise."""
import json
import os
import pathlib

import pytest

from hosts.rig import prober
from hosts.rig.host import DEPLOY_DIR, UID
from hosts.rig.rig import NEW, OLD, Rig
from hosts.rig.sampling import one_of
from support import playbook, process, wait
from support.writer import Writer

# Every bash script that runs on a host says so here: BASH_ENV is read by all of them.
SCRIPTS_RUN = "/data/scripts-run"


@pytest.fixture(scope="module", params=one_of("systemd", "supervise"))
def rolled(request):
    """Plan, roll, roll again; each test below judges their evidence."""
    with Rig(supervision=request.param) as rig:
        for pump in rig.pumps:
            with open(pump.root / "etc/soft-ulimit", "a", encoding="ascii") as file:
                file.write(f'echo "$0" >> {SCRIPTS_RUN} 2>/dev/null || true\n')
        rig.new = rig.peer(NEW)
        rig.offer(rig.new)
        rig.before, rig.files_before = rig.pids(), rig.files()
        rig.registry_before = rig.pd.pumps()
        rig.plan = playbook.roll(rig, "--check", "--diff")
        rig.pids_after_plan, rig.files_after_plan = rig.pids(), rig.files()
        with prober.Prober(rig) as rig.prober, Writer(rig, rows=True) as rig.writer:
            rig.roll = playbook.roll(rig)
        rig.scripts_run = {pump.name: scripts_run(pump) for pump in rig.pumps}
        print(f"{request.param}: down for {rig.prober.downtimes()} ms, writes {rig.writer.summary}")
        rig.after = rig.pids()
        rig.again = playbook.roll(rig)
        yield rig


def scripts_run(pump):
    path = pump.data / "scripts-run"
    return path.read_text(encoding="utf-8").split() if path.exists() else []


# What differs on hosts that tidb-ansible deployed. supervise's scripts are not here word for word as it writes them.
DIFFERING = {"systemd": {"deploy/bin/pump"},
             "supervise": {"deploy/bin/pump", "deploy/scripts/start_pump.sh", "deploy/scripts/stop_pump.sh"}}


def test_the_plan_touches_nothing_and_names_only_what_differs(rolled):
    rolled.plan.assert_done()
    assert (rolled.pids_after_plan, rolled.files_after_plan) == (rolled.before, rolled.files_before)
    for host, result in rolled.plan.results("copy-binary"):
        assert {file["dest"].removeprefix("/data/") for file in result["files"] if file["changed"]} \
            == DIFFERING[rolled.supervision], host


def test_the_roll_goes_through(rolled):
    rolled.roll.assert_done()
    assert sorted(host for host, _ in rolled.roll.restarts()) == ["pump1", "pump2", "pump3"]


def test_one_pump_was_down_at_a_time_and_each_once(rolled):
    rolled.prober.assert_one_at_a_time()
    assert all(len(windows) == 1 for windows in rolled.prober.downtimes().values()), rolled.prober.downtimes()


def test_no_write_was_refused(rolled):
    rolled.writer.assert_nothing_refused()


def test_every_pump_runs_the_new_file_as_tidb_below_its_supervisor(rolled):
    wanted = process.file_digest(rolled.new)
    for pump in rolled.pumps:
        assert pump.pid != rolled.before[pump.name]
        assert pump.running_digest == wanted
        assert process.user(pump.pid) == UID
        if rolled.supervision == "systemd":
            inside = int(pump.systemctl("show", "-p", "MainPID", "--value", pump.unit))
            assert pump.run("readlink", f"/proc/{inside}/exe").stdout.strip() == f"{DEPLOY_DIR}/bin/pump"
        else:
            assert process.command_line(process.parent(pump.pid))[0].endswith("supervise")
            assert len(pump.pids("supervise")) == 1


def test_the_unit_is_as_tidb_ansible_wrote_it(rolled):
    if rolled.supervision != "systemd":
        assert all(not pump.unit_file.exists() for pump in rolled.pumps)
        return
    for pump in rolled.pumps:
        assert pump.files()[pump.unit_file.name] == rolled.files_before[pump.name][pump.unit_file.name]
        names = "SendSIGKILL,Restart,RestartUSec,NRestarts,DropInPaths,UnitFileState,Result"
        shown = pump.systemctl("show", "-p", names, pump.unit).splitlines()
        assert dict(line.split("=", 1) for line in shown) == {"SendSIGKILL": "no", "Restart": "on-failure", "RestartUSec": "15s", "NRestarts": "0",
                         "DropInPaths": "", "UnitFileState": "disabled", "Result": "success"}


def test_tidb_ansibles_start_and_stop_scripts_were_not_run(rolled):
    """They end processes with kill -9."""
    for name, scripts in rolled.scripts_run.items():
        assert f"{DEPLOY_DIR}/scripts/run_pump.sh" in scripts, f"nothing would be noticed on {name}"
        assert not [script for script in scripts if "start_" in script or "stop_" in script]


def test_only_what_differed_changed(rolled):
    for pump in rolled.pumps:
        before, after = rolled.files_before[pump.name], pump.files()
        changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        assert changed == DIFFERING[rolled.supervision]


def test_the_drainer_kept_running_and_lost_no_row(rolled):
    sent = rolled.writer.rows
    received = rolled.drainers[0].data_dir / "rows"

    def arrived():
        return [line.partition("\t")[0] for line in received.read_text(encoding="utf-8").splitlines()]
    wait.until("every row has arrived", lambda: set(sent) <= set(arrived()), seconds=60, every=0.5)
    assert len(sent) == len(set(sent)) == len(arrived()) > 0, "rows were lost or doubled"
    assert [node["state"] for node in rolled.pd.drainers().values()] == ["online"]
    assert rolled.drainers[0].running_digest


def test_the_result_tells_versions_and_a_downtime_that_was_seen(rolled):
    for host, result in rolled.roll.restarts():
        node = result["node"]
        assert (node["before"]["version"], node["after"]["version"]) == (OLD, NEW)
        seen, = rolled.prober.downtimes()[host]
        assert seen - 300 < result["downtime_ms"], "made to look shorter than it was"


def test_the_same_again_changes_nothing(rolled):
    rolled.again.assert_done()
    assert rolled.again.changed_hosts() == []
    assert rolled.pids() == rolled.after


def test_the_lock_is_free_and_no_tool_runs(rolled):
    assert rolled.pd.lock_holder() is None
    wait.until("no tool runs", lambda: not any(pump.pids("rolling-restart") for pump in rolled.pumps))


def test_the_tools_stay_on_the_hosts_whole(rolled):
    def kept(pump):
        folder = pump.root / "home/tidb/.ansible/tmp/tidb-binlog-upgrade"
        return {path.name: path for path in folder.iterdir()}
    before = {pump.name: sorted(kept(pump)) for pump in rolled.pumps}
    for pump in rolled.pumps:
        assert [name.rpartition("-")[0] for name in before[pump.name]] == ["copy-binary", "rolling-restart"]
        os.truncate(kept(pump)[before[pump.name][1]], 1000000)  # the disk lost the rest of it
    playbook.run(rolled, "status.yml").assert_done()
    for pump in rolled.pumps:
        assert sorted(kept(pump)) == before[pump.name]
        assert all(process.file_digest(path) == name.rpartition("-")[2] for name, path in kept(pump).items())


def test_a_tool_that_is_changed_between_two_tasks_is_not_called(rolled):
    """Of the same size, and its time put back."""
    pump = rolled.pump("pump1")
    folder = pump.root / "home/tidb/.ansible/tmp/tidb-binlog-upgrade"
    tool, = folder.glob("copy-binary-*")
    spoil = f"cp -p {tool} {tool}.right && dd if=/dev/urandom of={tool} bs=1M count=1 conv=notrunc && touch -r {tool}.right {tool}"
    copy = {"name": "Copy", "copy-binary": {"content": "one", "dest": "/data/one"}, "become": True}
    change = {"name": "Spoil", "command": f"sh -c '{spoil}'", "delegate_to": "localhost"}
    play = [{"hosts": "pump1", "gather_facts": False, "tasks": [copy, change, copy]}]
    pathlib.Path(playbook.copy_of_playbooks(rolled), "spoil.yml").write_text(json.dumps(play), encoding="utf-8")
    results = playbook.run(rolled, "spoil.yml", tags=None).assert_done().results("copy-binary")
    assert [result["changed"] for _, result in results] == [True, False]
    assert process.file_digest(tool) == tool.name.rpartition("-")[2]
    (pump.data / "one").unlink()


def test_one_content_for_two_files_goes_over_once(rolled):
    source = pathlib.Path(rolled.new_path("source"))
    source.write_bytes(os.urandom(3 << 20))
    files = [{"src": str(source), "dest": f"/data/{name}"} for name in ("one", "two")]
    play = [{"hosts": "pump1", "gather_facts": False, "tasks": [{"name": "Copy", "copy-binary": {"files": files}, "become": True}]}]
    pathlib.Path(playbook.copy_of_playbooks(rolled), "copy.yml").write_text(json.dumps(play), encoding="utf-8")
    (_, result), = playbook.run(rolled, "copy.yml", tags=None).assert_done().results("copy-binary")
    assert result["changed"]
    for name in ("one", "two"):
        arrived = rolled.pump("pump1").data / name
        assert arrived.read_bytes() == source.read_bytes()
        arrived.unlink()


def test_a_host_that_can_check_no_digest_is_called_ansibles_own_way(rolled):
    program = rolled.pump("pump1").root / "usr/bin/sha256sum"
    program.rename(f"{program}.away")
    try:
        playbook.run(rolled, "status.yml").assert_done()
    finally:
        program.with_name("sha256sum.away").rename(program)


@pytest.mark.sample("after a power loss")
def test_after_a_power_loss_the_same_command_brings_it_back(rolled):
    """Neither supervisor does: the unit is disabled, and nobody starts tidb-ansible's supervise. The last test: it
    restarts a Pump."""
    target = rolled.pump("pump2")
    target.lose_power()
    target.reboot_after_power_loss()
    assert target.pid is None
    with prober.Prober(rolled, down=["pump2"]) as watch, Writer(rolled) as writer:
        run = playbook.roll(rolled).assert_done()
    assert [host for host, _ in run.restarts()] == ["pump2"]
    watch.assert_only("pump2")
    writer.assert_nothing_refused()
    assert target.is_online() and target.running_digest == process.file_digest(rolled.new)
    assert playbook.roll(rolled).assert_done().changed_hosts() == []

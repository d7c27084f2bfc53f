"""hosts without Python, of an older Debian, and with nothing but Python 2.7: everything works from first install on."""
import json
import shutil

import pytest

from hosts.rig import prober
from hosts.rig.host import DEPLOY_DIR
from hosts.rig.rig import NEW, OLD, Rig
from support import paths, playbook, process
from support.writer import Writer


def pythons(host):
    return host.ssh("compgen -c | grep -E '^python[0-9.]*$' | sort -u", check=False).stdout.split()


class TestWithoutPython:
    """One life of three Pumps, in order, from bare hosts on."""

    @pytest.fixture(scope="class")
    def rig(self):
        with Rig(deployed=False, drainers=0) as rig:
            yield rig

    def test_the_hosts_have_no_python_at_all(self, rig):
        assert [pythons(host) for host in rig.hosts] == [[]] * 3

    def test_first_install_is_planned_without_touching_anything(self, rig):
        rig.offer(rig.peer(OLD))
        run = playbook.run(rig, "deploy_pump.yml", "--check", "--diff").assert_done()
        assert not any(host.deploy.exists() for host in rig.hosts)
        assert run.changed_hosts() == ["pump1", "pump2", "pump3"]
        assert "ExecStart=" in run.output and "advertise-addr" in run.output, "the diff shows what would be written"

    def test_first_install(self, rig):
        playbook.run(rig, "deploy_pump.yml").assert_done()
        assert {node["state"] for node in rig.pd.pumps().values()} == {"online"}
        assert sorted(rig.pd.pumps()) == ["pump1:8250", "pump2:8250", "pump3:8250"]

    def test_first_install_again_changes_nothing(self, rig):
        pids, files = rig.pids(), rig.files()
        assert playbook.run(rig, "deploy_pump.yml").assert_done().changed_hosts() == []
        assert (rig.pids(), rig.files()) == (pids, files)

    def test_roll_is_planned_without_touching_anything(self, rig):
        rig.offer(rig.peer(NEW))
        pids, files = rig.pids(), rig.files()
        run = playbook.roll(rig, "--check", "--diff").assert_done()
        assert (rig.pids(), rig.files()) == (pids, files)
        assert f"{DEPLOY_DIR}/bin/pump" in run.output and NEW in run.output

    def test_roll(self, rig):
        with prober.Prober(rig) as watch, Writer(rig) as writer:
            playbook.roll(rig).assert_done()
        print(f"down for {watch.downtimes()} ms")
        watch.assert_one_at_a_time()
        writer.assert_nothing_refused()
        assert set(rig.digests().values()) == {process.file_digest(f"{rig.resources_dir}/bin/pump")}

    def test_roll_again_changes_nothing(self, rig):
        pids = rig.pids()
        assert playbook.roll(rig).assert_done().changed_hosts() == []
        assert rig.pids() == pids

    def test_status_tells_what_runs(self, rig):
        output = playbook.run(rig, "status.yml").assert_done().output
        assert all(f"{pump.name}: {NEW}, online" in output for pump in rig.pumps), output

    def test_stop_and_start_by_hand_on_the_host(self, rig):
        """The same executable, copied there: one JSON object each."""
        pump = rig.pump("pump2")
        shutil.copy2(paths.tool("rolling-restart"), pump.data / "rolling-restart")
        call = (f"sudo /data/rolling-restart --component=pump --deploy-dir={DEPLOY_DIR} --supervision=systemd "
                "--stable-for=1")
        with prober.Prober(rig) as watch, Writer(rig) as writer:
            stopped = json.loads(pump.ssh(f"{call} --action=stop").stdout)
            assert stopped["failed"] is False and pump.pid is None, stopped
            assert rig.pd.pumps()[pump.node_id]["state"] == "paused"
            started = json.loads(pump.ssh(f"{call} --action=start", timeout=120).stdout)
            assert started["failed"] is False and pump.is_online(), started
        watch.assert_only("pump2")
        writer.assert_nothing_refused()

    def test_rollback(self, rig):
        with prober.Prober(rig) as watch, Writer(rig) as writer:
            playbook.run(rig, "rollback.yml", variables={"accept_downgrade": True}).assert_done()
        watch.assert_one_at_a_time()
        writer.assert_nothing_refused()
        assert all(pump.is_online() and pump.running_digest == pump.files()["deploy/bin/pump"][2] for pump in rig.pumps)
        output = playbook.run(rig, "status.yml").assert_done().output
        assert all(f"{pump.name}: {OLD}, online" in output for pump in rig.pumps), output


@pytest.mark.sample("old user land")
@pytest.mark.parametrize("userland, version, wanted", [
    ("debian11", "11.", []),
    ("debian11-python2", "11.", ["python", "python2", "python2.7"]),
])
def test_an_old_user_land_takes_the_same_executables(userland, version, wanted):
    with Rig(userland, drainers=0) as rig:
        assert all((host.root / "etc/debian_version").read_text().startswith(version) for host in rig.hosts)
        assert [pythons(host) for host in rig.hosts] == [wanted] * 3
        rig.offer(rig.peer(NEW))
        playbook.roll(rig, "--check", "--diff").assert_done()
        with prober.Prober(rig) as watch, Writer(rig) as writer:
            playbook.roll(rig).assert_done()
        print(f"{userland}: up in {rig.boot_seconds:.1f} s, down for {watch.downtimes()} ms")
        watch.assert_one_at_a_time()
        writer.assert_nothing_refused()
        assert set(rig.digests().values()) == {process.file_digest(f"{rig.resources_dir}/bin/pump")}
        assert playbook.roll(rig).assert_done().changed_hosts() == []

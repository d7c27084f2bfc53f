"""the three documented steps for a Drainer over SSH: under systemd, with TLS from its [security]; under supervise."""
import pytest

from hosts.rig.rig import NEW, OLD, Rig
from hosts.rig.sampling import one_of
from support import playbook, process, tool, wait
from support.writer import Writer


@pytest.fixture(scope="module", params=one_of("systemd", "supervise"))
def upgraded(request):
    """Stopped, started, started again; each test below judges their evidence."""
    with Rig(pumps=1, supervision=request.param, tls=request.param == "systemd") as rig:
        rig.drainer, = rig.drainers
        rig.new = rig.peer(NEW, program="drainer")
        call = tool.run("copy-binary", "--src", rig.new, "--dest", f"{rig.resources_dir}/bin/drainer",
                        "--component", "drainer", environment=rig.environment)
        assert call.status == 0, call
        with Writer(rig, rate=20, rows=True) as rig.writer:
            wait.until("rows arrive", lambda: received(rig))
            rig.stop = playbook.run(rig, "stop_drainer.yml", tags="drainer").assert_done()
            rig.pid_between, (rig.entry_between,) = rig.drainer.pid, rig.pd.drainers().values()
            rig.start = playbook.run(rig, "start_drainer.yml", tags="drainer").assert_done()
        rig.pid = rig.drainer.pid
        rig.again = playbook.run(rig, "start_drainer.yml", tags="drainer")
        yield rig


def received(rig):
    path = rig.drainer.data_dir / "rows"
    return [line.split()[0] for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def test_stop_returned_when_it_was_gone_and_paused(upgraded):
    assert upgraded.pid_between is None
    assert upgraded.entry_between["state"] == "paused"
    stopped = upgraded.stop.results("rolling-restart", "ok")[-1][1]
    assert stopped["checkpoint"]["source"] == "savepoint" and stopped["checkpoint"]["commit_ts"] > 0


def test_the_new_drainer_runs_and_was_proven(upgraded):
    assert upgraded.drainer.running_digest == process.file_digest(upgraded.new)
    started = next(result for _, result in upgraded.start.results("rolling-restart", "ok") if result["changed"])
    assert (started["node"]["before"]["version"], started["node"]["after"]["version"]) == (OLD, NEW)
    assert started["node"]["after"]["state"] == "online"


def test_every_row_arrives_once(upgraded):
    wait.until("every row arrives", lambda: set(upgraded.writer.rows) <= set(received(upgraded)), seconds=60)
    rows = received(upgraded)
    assert len(rows) == len(set(rows)) > 0


def test_the_same_again_changes_nothing(upgraded):
    assert upgraded.again.assert_done().changed_hosts() == []
    assert upgraded.drainer.pid == upgraded.pid


CONFIGURATION = """\
detect-interval = 1
[syncer]
db-type = "file"
txn-batch = {batch}
[syncer.to]
dir = "/data/deploy/data.drainer"
"""


class TestFromABareHost:
    """One life of a Drainer, in order, from first install on; its configuration is the operator's own file."""

    @pytest.fixture(scope="class")
    def rig(self):
        with Rig(deployed=False, pumps=1) as rig:
            rig.offer(rig.peer(OLD))
            playbook.run(rig, "deploy_pump.yml", variables={"pump_min_online": 0}).assert_done()
            call = tool.run("copy-binary", "--src", rig.peer(OLD, program="drainer"), "--dest",
                            f"{rig.resources_dir}/bin/drainer", environment=rig.environment)
            assert call.status == 0, call
            rig.drainer, = rig.drainers
            rig.conf = rig.playbooks() / "conf/drainer1_drainer.toml"
            yield rig

    def test_first_install_wants_a_configuration(self, rig):
        run = playbook.run(rig, "deploy_drainer.yml", tags="drainer")
        run.assert_refused("source_unreadable")
        assert "conf/drainer1_drainer.toml" in run.output
        assert not rig.drainer.deploy.exists()

    def test_first_install(self, rig):
        rig.conf.write_text(CONFIGURATION.format(batch=20), encoding="ascii")
        playbook.run(rig, "deploy_drainer.yml", tags="drainer").assert_done()
        entry, = rig.pd.drainers().values()
        assert entry["state"] == "online" and rig.drainer.running_digest

    def test_first_install_again_changes_nothing(self, rig):
        pid = rig.drainer.pid
        assert playbook.run(rig, "deploy_drainer.yml", tags="drainer").assert_done().changed_hosts() == []
        assert rig.drainer.pid == pid

    def test_a_changed_configuration_is_shown_and_then_used(self, rig):
        rig.conf.write_text(CONFIGURATION.format(batch=40), encoding="ascii")
        plan = playbook.run(rig, "stop_drainer.yml", "--check", "--diff", tags="drainer").assert_done()
        assert "+txn-batch = 40" in plan.output and "-txn-batch = 20" in plan.output
        assert "txn-batch = 20" in (rig.drainer.deploy / "conf/drainer.toml").read_text(encoding="ascii")
        playbook.run(rig, "stop_drainer.yml", tags="drainer").assert_done()
        playbook.run(rig, "start_drainer.yml", tags="drainer").assert_done()
        assert "txn-batch = 40" in (rig.drainer.deploy / "conf/drainer.toml").read_text(encoding="ascii")
        assert rig.drainer.running_digest

"""what start_drainer.yml and stop_drainer.yml refuse, and what happens to several Drainers when one fails."""
import contextlib
import json
import os
import subprocess

import pytest

from support import cluster as clusters
from support import net, playbook, process, tool, wait

OLD = "v4.0.14"


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return clusters.make_peer(str(tmp_path_factory.mktemp("drainers") / "old"), OLD, program="drainer")


@pytest.fixture(scope="module")
def cluster(binaries, old):
    with clusters.Cluster(old=binaries.old, pumps=2, old_drainer=old, drainers=2) as running:
        yield running


@pytest.fixture
def drainer(cluster):
    """The first Drainer, running; brought back after the test."""
    first = cluster.drainers[0]
    yield first
    if not first.supervisors():
        first.start()
    elif not first.pid:
        assert call(cluster, "start").status == 0
    wait.until("the Drainer replicates", first.is_online)


def has_saved(drainer):
    return (drainer.status() or {}).get("LastTS", 0) > 0


def arguments(cluster, action, *more):
    drainer = cluster.drainers[0]
    return ["--component", "drainer", "--action", action, "--deploy-dir", drainer.deploy_dir, "--port", drainer.port,
            "--supervision", "supervise", "--service", f"{drainer.deploy_dir}/status/drainer", "--user", "tidb",
            "--stable-for", "1", *more]


def call(cluster, action, *more):
    return cluster.tool("rolling-restart", *arguments(cluster, action, *more))


def stop(cluster):
    wait.until("it has saved a checkpoint", lambda: has_saved(cluster.drainers[0]))
    stopped = call(cluster, "stop")
    assert (stopped.status, stopped["changed"]) == (0, True), stopped
    return stopped


def assert_not_started(cluster, code, *more):
    refused = call(cluster, "start", *more)
    assert (refused.status, refused.code) == (1, code), refused
    assert cluster.drainers[0].pid is None
    return refused["msg"]


@contextlib.contextmanager
def entry_of(cluster, drainer, **changes):
    """The registry entry of a stopped Drainer, changed for a while."""
    key = f"/tidb-binlog/v1/drainers/{drainer.node_id}"
    before = cluster.pd.get(key)
    cluster.pd.put(key, json.dumps({**json.loads(before), **changes}))
    yield
    cluster.pd.put(key, before)


@contextlib.contextmanager
def moved(path):
    os.rename(path, f"{path}.away")
    yield
    os.rename(f"{path}.away", path)


def test_no_checkpoint_and_no_initial_commit_ts(cluster, drainer):
    stopped = stop(cluster)
    assert stopped["checkpoint"]["source"] == "savepoint"
    run_script = f"{drainer.deploy_dir}/scripts/run_drainer.sh"
    with open(run_script, encoding="utf-8") as file:
        text = file.read()
    with moved(f"{drainer.data_dir}/savepoint"):
        said = assert_not_started(cluster, "no_checkpoint")
        assert "its savepoint is gone" in said and str(stopped["checkpoint"]["commit_ts"]) in said
        drainer.write("scripts/run_drainer.sh", text.replace('--initial-commit-ts="0"', '--initial-commit-ts=""'), 0o755)
        said = assert_not_started(cluster, "no_checkpoint", "--accept", "initial_commit_ts")
        assert "initial_commit_ts is not given" in said
        drainer.write("scripts/run_drainer.sh", text, 0o755)


def test_a_checkpoint_older_than_what_the_pumps_hold(cluster, drainer):
    checkpoint = stop(cluster)["checkpoint"]["commit_ts"]
    pump = cluster.pumps[1]
    pump.set_knobs(gc_ts=(checkpoint >> 18) + 60_000)
    said = assert_not_started(cluster, "checkpoint_too_old")
    assert pump.node_id in said and str(checkpoint) in said
    pump.set_knobs()


def test_a_node_id_that_would_change(cluster, drainer):
    stop(cluster)
    ours = f"/tidb-binlog/v1/drainers/{drainer.node_id}"
    entry = json.loads(cluster.pd.get(ours))
    cluster.pd.put("/tidb-binlog/v1/drainers/renamed:8249", json.dumps({**entry, "nodeId": "renamed:8249"}))
    cluster.pd.delete(ours)
    said = assert_not_started(cluster, "node_ambiguous")
    assert "renamed:8249" in said and drainer.node_id in said
    cluster.pd.put(ours, json.dumps(entry))
    cluster.pd.delete("/tidb-binlog/v1/drainers/renamed:8249")


def test_a_pump_neither_online_nor_offline(cluster, drainer):
    stop(cluster)
    pump = cluster.pumps[1]
    pump.stop()
    said = assert_not_started(cluster, "peers_not_ready")
    assert pump.node_id in said and "paused" in said
    pump.start()


def test_another_process_that_serves_under_its_id(cluster, drainer, old):
    stop(cluster)
    folder = cluster.new_path("elsewhere")
    os.makedirs(folder)
    with open(f"{folder}/drainer.toml", "w", encoding="utf-8") as file:
        file.write(f'[syncer]\ndb-type = "file"\n[syncer.to]\ndir = "{folder}"\n')
    elsewhere = subprocess.Popen(
        [old, f"--node-id={drainer.node_id}", f"--addr={drainer.address}:{net.free_port()}", f"--data-dir={folder}",
         f"--advertise-addr={drainer.advertised}", f"--pd-urls={cluster.pd.url}", f"--config={folder}/drainer.toml",
         f"--log-file={folder}/log"], env=cluster.environment)
    wait.until("it is registered", lambda: cluster.pd.drainers()[drainer.node_id]["state"] == "online")
    said = assert_not_started(cluster, "node_ambiguous")
    assert "another process serves as" in said
    elsewhere.terminate()
    elsewhere.wait(30)


def test_a_process_left_over_from_before(cluster, drainer):
    """Never two Drainers with one id: one that is still ending is waited for, not doubled."""
    drainer.set_knobs(stop_delay=4000)
    subprocess.run([f"{drainer.deploy_dir}/bin/svc", "-d", f"{drainer.deploy_dir}/status/drainer"], check=True)
    wait.until("it is paused, but not gone",
               lambda: cluster.pd.drainers()[drainer.node_id]["state"] == "paused" and drainer.pid)
    left = drainer.pid
    first = call(cluster, "start")
    assert first.code == "not_ready", first
    drainer.set_knobs()
    wait.until("it has ended", lambda: not process.alive(left))
    again = call(cluster, "start")
    assert (again.status, again["changed"]) == (0, True), again


def test_one_that_was_killed_is_not_called_stopped(cluster, drainer):
    drainer.kill()
    refused = call(cluster, "stop")
    assert refused.code == "stale_drainer", refused


def test_a_long_load_of_ddl_history_is_waited_for_and_told_of(cluster, drainer):
    stop(cluster)
    drainer.set_knobs(start_delay=6000)
    started = tool.start("rolling-restart", *arguments(cluster, "start", "--progress"), environment=cluster.environment)
    done = tool.finish(started)
    drainer.set_knobs()
    assert (done.status, done["changed"]) == (0, True), done
    assert next(phase["ms"] for phase in done["phases"] if phase["name"] == "ready") >= 6000
    assert "its port is closed" in done.stderr


def test_one_that_loads_for_longer_than_it_is_waited_for_is_left_running(cluster, drainer):
    stop(cluster)
    drainer.set_knobs(start_delay=8000)
    done = call(cluster, "start", "--ready-timeout", "2")
    drainer.set_knobs()
    assert (done.status, done.code) == (99, "not_ready"), done
    pid = drainer.pid
    assert pid, "alive with its port closed is loading, not broken"
    again = call(cluster, "start")
    assert (again.status, drainer.pid) == (0, pid), again


def test_one_that_does_not_read_from_the_pumps_is_left_running_and_named(cluster, drainer):
    stop(cluster)
    drainer.set_knobs(no_pumps=True)
    done = call(cluster, "start", "--ready-timeout", "4")
    drainer.set_knobs()
    assert (done.status, done.code) == (99, "not_ready"), done
    assert "has not looked for Pumps yet" in done["msg"] and str(drainer.pid) in done["msg"]


def offer_and_run(cluster, binary, playbook_name):
    assert cluster.offer(binary, "drainer").status == 0
    return playbook.run(cluster, playbook_name, tags="drainer",
                        variables={"drainer_stable_for": 3, "drainer_ready_timeout": 20})


def test_a_configuration_the_new_one_rejects_is_found_before_the_stop(cluster):
    pids = [drainer.pid for drainer in cluster.drainers]
    strict = cluster.peer("v4.0.16", "reject_key=detect-interval", program="drainer")
    offer_and_run(cluster, strict, "stop_drainer.yml").assert_refused("config_rejected")
    assert [drainer.pid for drainer in cluster.drainers] == pids


@pytest.mark.parametrize("version, knob", [("v4.0.16", "exit_at_start=1"), ("v4.0.7", "sync_error=1500")])
def test_the_first_that_fails_goes_back_and_the_others_start_on_the_version_they_had(cluster, old, version, knob):
    """v4.0.7 exits 0 after an error: that is no success."""
    bad = cluster.peer(version, knob, program="drainer")
    playbook.run(cluster, "stop_drainer.yml", tags="drainer", variables={"drainer_binary": "keep"}).assert_done()
    assert cluster.offer(bad, "drainer").status == 0
    run = playbook.run(cluster, "start_drainer.yml", tags="drainer",
                       variables={"drainer_stable_for": 3, "drainer_ready_timeout": 20, "accept_downgrade": True})
    run.assert_refused("rolled_back")
    assert [drainer.running_digest for drainer in cluster.drainers] == [process.file_digest(old)] * 2
    for drainer in cluster.drainers:
        wait.until(f"{drainer.name} replicates", drainer.is_online)
    assert [host for host, result in run.results("rolling-restart") if result.get("rolled_back")] == ["drainer1"]
    assert f"drainer1: FAILED, put back: cannot upgrade drainer-{cluster.drainers[0].port} to {version}" in run.output
    assert f"drainer2: {OLD} -> {OLD}" in run.output

"""what is found only after the start is put back and proven, and the run stops there."""
import pytest

from support import process
from support.cluster import Cluster
from support.playbook import roll
from support.watcher import Watcher
from support.writer import Writer

# The stand-ins are ready in well under a second; this is how long one is waited for that never will be.
PATIENCE = {"pump_ready_timeout": 8}


@pytest.fixture(scope="module")
def cluster(binaries):
    with Cluster(old=binaries.old) as running:
        yield running


def assert_put_back(cluster, bad, *codes):
    """Rolls a bad Pump; afterwards all is as it was, but for the first Pump's pid."""
    cluster.offer(bad)
    pids, files, digests = cluster.pids(), cluster.snapshot(), cluster.digests()
    with Watcher(cluster) as watcher, Writer(cluster) as writer:
        run = roll(cluster, variables=PATIENCE)
    run.assert_refused(*(codes or ("rolled_back",)))
    assert cluster.digests() == digests
    assert {name: facts["bin/pump"] for name, facts in cluster.snapshot().items()} == \
           {name: facts["bin/pump"] for name, facts in files.items()}
    touched = [name for name, pid in cluster.pids().items() if pid != pids[name]]
    assert touched == ["pump1"], "the run must stop before the next host"
    watcher.assert_one_at_a_time()
    writer.assert_nothing_refused()
    assert all(pump.is_online() for pump in cluster.pumps)
    assert cluster.pd.lock_holder() is None
    return run, watcher


def test_a_pump_that_exits_at_each_start(cluster):
    run, _ = assert_put_back(cluster, cluster.peer("v4.0.16", "exit_at_start=1"))
    host, result = run.results("rolling-restart", "failed")[0]
    assert host == "pump1"
    assert result["rolled_back"] is True
    assert result["node"]["after"]["version"] == "v4.0.14"
    assert result["node"]["after"]["exe_sha256"] == process.file_digest(cluster.pump("pump1").binary)
    assert "to v4.0.16" in result["msg"] and "deploy/log" in result["msg"]


def test_a_pump_that_crashes_soon_after_it_was_ready(cluster):
    assert_put_back(cluster, cluster.peer("v4.0.16", "crash_after_start=600"))


def test_a_pump_that_never_registers(cluster):
    assert_put_back(cluster, cluster.peer("v4.0.16", "never_register"))


def test_a_pump_that_serves_without_being_registered(cluster):
    assert_put_back(cluster, cluster.peer("v4.0.16", "serve_unregistered"))


def test_a_pump_whose_status_never_answers(cluster):
    assert_put_back(cluster, cluster.peer("v4.0.16", "hang_status"))


def test_a_pump_that_comes_up_under_another_node_id_leaves_no_ghost(cluster):
    assert_put_back(cluster, cluster.peer("v4.0.16", "wrong_node_id=stranger:8250"))
    ghost = cluster.pd.pumps().get("stranger:8250")
    assert ghost is None or ghost["state"] == "offline"


def test_the_same_bad_pump_again_never_counts_as_former_and_a_good_one_goes_through(cluster, binaries):
    bad = cluster.peer("v4.0.17", "exit_at_start=1")
    assert_put_back(cluster, bad)
    assert_put_back(cluster, bad)
    cluster.offer(binaries.new)
    roll(cluster).assert_done()
    assert set(cluster.digests().values()) == {process.file_digest(binaries.new)}

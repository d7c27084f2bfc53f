"""The stand-ins for the Local version are held to facts 3.3, and all old versions to their command lines."""
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from support import shapes, wait
from support.cluster import make_peer
from support.legacy import LegacyCluster


@pytest.fixture(scope="module")
def old():
    with LegacyCluster(mode="rc2.3", downstream="file", tidbs=2) as running:
        yield running


def text(host, path="/status"):
    with urllib.request.urlopen(f"http://{host.advertised}{path}", timeout=5) as answer:
        return answer.read().decode()


def test_the_answers_have_the_shapes_of_the_samples(old):
    pump, drainer = old.old_pumps[0], old.old_drainer
    assert shapes.of(text(pump)) == shapes.of_sample("pump-local-status-ok.json")
    assert shapes.of(text(drainer)) == shapes.of_sample("drainer-local-status-not-synced-normal-idle.json")
    assert shapes.of(old.pd.get(f"/tidb-binlog/pumps/{pump.node_id}/object")) \
        == shapes.of_sample("etcd-value-local-pump-object.json")
    assert pump.alive_key[:-2] == shapes.sample("etcd-value-local-pump-alive-key-plain-text.txt").strip()[:-2]


def test_the_checkpoint_is_a_file_of_that_name_and_rows_arrive_once(old):
    for tidb in old.tidbs:
        tidb.pause()
    barrier = old.tidbs[0].ddl("create table t(id int)")
    wait.until("the barrier is saved", lambda: (old.checkpoint or {}).get("commitTS", 0) >= barrier)
    assert old.old_drainer.savepoint.endswith("/savePoint")
    assert set(old.checkpoint) == {"commitTS", "suffixs"}
    old.old_drainer.stop()
    old.old_drainer.start()
    for tidb in old.tidbs:
        tidb.resume()
        tidb.pause()
    old.wait_received()
    assert sorted(old.received) == sorted(old.sent)


def test_the_first_answer_is_null(old):
    old.old_drainer.stop()
    old.old_drainer.set_knobs(window_frozen=True)
    old.old_drainer.start(wait_ready=False)
    wait.until("it listens", lambda: _answers(old.old_drainer))
    assert text(old.old_drainer) == shapes.sample("drainer-local-status-just-started-null-body.json")
    old.old_drainer.set_knobs()
    old.old_drainer.wait_ready()


def _answers(host):
    try:
        return text(host)
    except OSError:
        return None


@pytest.mark.parametrize("path", ["/metrics", "/drainers"])
def test_it_serves_nothing_but_its_status(old, path):
    """tidb-binlog@rc2.3:pump/server.go and drainer/server.go register /status alone."""
    for node in (*old.old_pumps, old.old_drainer):
        with pytest.raises(urllib.error.HTTPError) as refused:
            text(node, path)
        assert refused.value.code == 404 and refused.value.read() == b"404 page not found\n"


def test_no_failed_write_is_tolerated(old):
    """tidb-binlog@rc2.3:pump/server.go WriteBinlog: TiDB is told, and tries again until it is written."""
    pump, tidb = old.old_pumps[1], old.tidbs[1]
    pump.set_knobs(fail_writes=True)
    committed = tidb.summary["committed"]
    tidb.resume()
    time.sleep(2)
    assert tidb.summary["committed"] == committed
    pump.set_knobs()
    wait.until("TiDB writes", lambda: tidb.summary["committed"] > committed)
    tidb.pause()
    assert old.refused == 0
    old.wait_received()


def test_a_graceful_stop_deletes_the_keys_and_the_drainer_forgets_the_pump(old):
    pump = old.old_pumps[1]
    pump.stop()
    assert old.pd.prefix(f"/tidb-binlog/pumps/{pump.node_id}/") == {}
    wait.until("it is gone from PumpPos", lambda: pump.node_id not in old.old_drainer.status()["PumpPos"])


@pytest.mark.parametrize("version, stream, line", [
    ("kafka", "stderr", "Release Version: kafka"), ("v1.1", "stderr", "Git Commit Hash: "), ("v1.0", "stderr", "Git Commit Hash: "),
    ("rc2.3", "stdout", "pump Version: 2.0.0+git")])
def test_the_command_line_of_each_version(tmp_path, version, stream, line):
    pump = make_peer(str(tmp_path / "pump"), version, program="old-pump")
    run = lambda *words: subprocess.run([pump, *words], check=False, capture_output=True, text=True, timeout=10)
    said = run("-V")
    assert said.returncode == 0 and line in getattr(said, stream)
    assert ("Release Version" in said.stderr + said.stdout) == (version == "kafka")
    assert "Usage of pump:" in run("-help").stderr
    assert run("--kafka-addrs=127.0.0.1:1", "-V").returncode == (2 if version == "rc2.3" else 0)

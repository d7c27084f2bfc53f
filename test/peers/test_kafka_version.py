"""The stand-ins for the Kafka version are held to facts 3 and 6.3, with a real Kafka and ZooKeeper, into a real MariaDB."""
import json
import subprocess
import urllib.request

import pytest

from support import net, process, shapes, wait
from support.cluster import make_peer
from support.legacy import LegacyCluster

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def old():
    with LegacyCluster() as running:
        yield running


@pytest.fixture
def paused(old):
    """Business stands still, and all of it has arrived."""
    for tidb in old.tidbs:
        tidb.pause()
    old.wait_received()
    yield old
    for tidb in old.tidbs:
        tidb.resume()


def text(host, path="/status"):
    with urllib.request.urlopen(f"http://{host.advertised}{path}", timeout=5) as answer:
        return answer.read().decode()


def assert_all_arrived_once(old):
    assert sorted(old.received) == sorted(old.sent)
    assert old.sent and old.refused == 0


def position(old, part="lower"):
    return old.old_drainer.metrics().get(f'binlog_drainer_window{{marker="{part}"}}', 0)


def test_the_answers_have_the_shapes_of_the_samples(old):
    pump, drainer = old.old_pumps[0], old.old_drainer
    wait.until("something was copied", lambda: pump.status()["Checkpoint"])
    assert shapes.of(text(pump)) == shapes.of_sample("pump-kafka-status-ok.json")
    assert shapes.of(text(pump, "/drainers")) == shapes.of_sample("pump-kafka-drainers-ok.json")
    assert shapes.of(text(drainer)) == shapes.of_sample("drainer-kafka-status-not-synced.json")
    registered = {key: shapes.of(value) for key, value in old.pd.prefix("/tidb-binlog/").items()}
    alive, thing = (shapes.of_sample(f"etcd-value-kafka-pump-{name}.json") for name in ("alive-key", "object-alive"))
    assert registered == {
        f"/tidb-binlog/{kind}/{host.node_id}/{leaf}": shape
        for kind, hosts in (("pumps", old.old_pumps), ("cisterns", [drainer])) for host in hosts
        for leaf, shape in (("alive", alive), ("object", thing))}


@pytest.mark.parametrize("host, name", [("pump", "metrics-pump-kafka-write-counter.txt"),
                                        ("drainer", "metrics-drainer-kafka.txt")])
def test_the_metrics_have_the_names_of_the_samples(old, host, name):
    if host == "drainer":
        wait.until("both ends of the window", lambda: position(old), every=0.2)
        old.tidbs[0].ddl("create table if not exists standin.first(id int)")
    lines = shapes.sample(name).splitlines()
    wanted = {line.rpartition(" ")[0] for line in lines if not line.startswith("#")}
    found = old.old_pumps[0] if host == "pump" else old.old_drainer
    wait.until(f"{wanted} are shown", lambda: wanted <= set(found.metrics()), every=0.2)


def test_a_topic_for_each_pump(old):
    assert set(old.kafka.topics()) == {pump.topic for pump in old.old_pumps}


def test_rows_arrive_once_over_a_restart_of_the_drainer(old):
    old.old_drainer.stop()
    assert old.pd.prefix("/tidb-binlog/cisterns/") == {}
    sent = len(old.sent)
    wait.until("business goes on", lambda: len(old.sent) > sent)
    old.old_drainer.start()
    for tidb in old.tidbs:
        tidb.pause()
    old.wait_received()
    assert_all_arrived_once(old)
    for tidb in old.tidbs:
        tidb.resume()


def test_the_first_answer_is_that_of_the_sample(old):
    old.old_drainer.stop()
    old.old_drainer.set_knobs(window_frozen=True)
    old.old_drainer.start(wait_ready=False)
    try:
        status = wait.until("it answers", old.old_drainer.status)
        assert status == json.loads(shapes.sample("drainer-kafka-status-just-started.json"))
    finally:
        old.old_drainer.set_knobs()
    old.old_drainer.wait_ready()


def test_a_ddl_is_a_barrier_and_saves_the_checkpoint(paused):
    barrier = paused.tidbs[1].ddl("create table standin.barrier(id int)")
    wait.until("the barrier is saved", lambda: (paused.checkpoint or {}).get("commitTS", 0) >= barrier)
    assert paused.mariadb.query("select count(*) from standin.barrier") == [["0"]]
    row = paused.mariadb.query("select checkPoint from tidb_binlog.checkpoint")[0][0]
    assert shapes.of(row) == shapes.of_sample("checkpoint-row-kafka-mysql-dest.json")
    assert paused.old_drainer.metrics()["binlog_drainer_position"] >= barrier - 64


def test_a_stuck_downstream_shows_nowhere_but_in_the_events(paused):
    paused.old_drainer.set_knobs(stuck=True)
    for tidb in paused.tidbs:
        tidb.resume()
    before, arrived = position(paused), len(paused.received)
    wait.until("the window moves on", lambda: position(paused) > before + (3000 << 18), every=0.2)
    assert len(paused.received) == arrived
    assert paused.old_drainer.status()["Synced"] is False
    paused.old_drainer.set_knobs()


def test_one_pump_that_is_not_read_holds_the_window(paused):
    pump = paused.old_pumps[0].node_id
    paused.old_drainer.set_knobs(firewalled=pump)
    wait.until("the window stands", lambda: position(paused, "upper") - position(paused) > (5000 << 18), every=0.2)
    assert pump in paused.old_drainer.status()["PumpPos"]
    paused.old_drainer.set_knobs(forgotten=pump)
    wait.until("it is gone from PumpPos", lambda: pump not in paused.old_drainer.status()["PumpPos"])
    paused.old_drainer.set_knobs()
    wait.until("all is read again", lambda: pump in paused.old_drainer.status()["PumpPos"])


def test_a_killed_pump_leaves_its_object(paused):
    pump = paused.old_pumps[0]
    assert pump.alive_key
    pump.kill()
    wait.until("the alive key is gone", lambda: pump.alive_key is None, seconds=15)
    assert pump.registered["IsOffline"] is False
    pump.start()
    assert wait.until("it is alive", lambda: pump.alive_key)


def test_a_graceful_stop_marks_the_pump_offline(paused):
    pump = paused.old_pumps[1]
    written = wait.until("all is in Kafka", lambda: _all_copied(pump))
    pump.stop()
    assert shapes.of(json.dumps(pump.registered)) == shapes.of_sample("etcd-value-kafka-pump-object-offline.json")
    assert pump.registered["IsOffline"] and pump.registered["OfflineTS"]
    assert pump.registered["LatestFilePos"]["offset"] >= written
    pump.start()
    assert pump.registered["IsOffline"] is False


def _all_copied(pump):
    ends = [pump.metrics()[f'binlog_pump_checkpoint{{label="{label}"}}'] for label in ("latest", "current")]
    return ends[0] == ends[1] and ends[0]


def test_without_kafka_a_stop_does_not_end_and_a_start_fails_with_0(paused):
    old, (first, second) = paused, paused.old_pumps
    second.stop()
    old.kafka.stop()
    again = old.kafka.script("stop")
    assert (again.returncode, again.stdout) == (0, "not running\n")
    assert "Mode: standalone" in old.zookeeper.script("status").stdout
    second.as_user(["scripts/run_pump.sh"], timeout=30)  # any exit status but 0 is an exception
    sent = len(old.tidbs[0].rows)
    old.tidbs[0].resume()
    wait.until("business goes on", lambda: len(old.tidbs[0].rows) > sent)
    old.tidbs[0].pause()
    first.terminate()
    wait.until("it is marked offline", lambda: first.registered["IsOffline"])
    with pytest.raises(wait.NotInTime):
        first.wait_ended(seconds=3)
    old.kafka.start()
    first.wait_ended()
    first.start()
    second.start()
    old.wait_received()
    assert_all_arrived_once(old)


def test_tidbs_switch_and_a_new_drainer_takes_over(old):
    new_tidb = old.new_tidb()
    for tidb in old.tidbs:
        tidb.pause()
    failed = subprocess.run([new_tidb, "--path", old.pd.url.removeprefix("http://"), "--enable-binlog", "--standin-dir",
                             old.tidbs[0].data_dir], check=False, capture_output=True, text=True, timeout=30)
    assert failed.returncode == 1 and "no pump found in pd" in failed.stdout
    unknown = subprocess.run([new_tidb, "--binlog-socket", "/x"], check=False, capture_output=True, timeout=30)
    assert unknown.returncode == 2
    info = net.http(f"http://{old.tidbs[0].advertised}/info/all")
    assert all("binlog_status" not in server for server in info["all_servers_info"].values())
    barrier = old.tidbs[0].ddl("create table standin.switched(id int)")
    old.add_pump(make_peer(old.new_path("pump"), "v4.0.16"))
    for tidb in old.tidbs:
        tidb.switch(new_tidb)
    all_info = text(old.tidbs[0], "/info/all")
    shape = lambda page: {name: part for name, part in shapes.of(page) if name != "all_servers_info"}
    assert shape(all_info) == shape(shapes.sample("tidb-info-all-ok.json"))
    assert shapes.of(text(old.tidbs[0], "/info")) == shapes.of_sample("tidb-info-binlog-on.json")
    assert {server["binlog_status"] for server in json.loads(all_info)["all_servers_info"].values()} == {"On"}
    calls = [pump.metrics() for pump in old.old_pumps]
    for tidb in old.tidbs:
        tidb.resume()
    wait.until("the old Drainer has applied all", lambda: (old.checkpoint or {}).get("commitTS", 0) >= barrier, every=0.2)
    old.old_drainer.stop()
    old.add_drainer(make_peer(old.new_path("drainer"), "v4.0.16", program="drainer"), old.mariadb.destination)
    old.drainers[0].start()
    for tidb in old.tidbs:
        tidb.pause()
    old.wait_received()
    assert_all_arrived_once(old)
    counter = 'binlog_pump_rpc_duration_seconds_count{label="succ",method="WriteBinlog"}'
    assert [pump.metrics().get(counter) for pump in old.old_pumps] == [metrics.get(counter) for metrics in calls]
    assert process.alive(old.old_pumps[0].pid)

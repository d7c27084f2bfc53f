"""The Kafka version from Drainer to ZooKeeper, with a real Kafka and ZooKeeper: in order, and in no other."""
import pytest

from support import process
from support.retiring import Retiring, codes, steps

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def old():
    with Retiring(mode="kafka") as ready:
        yield ready


def test_in_no_other_order(old):
    for component in ("zookeeper", "kafka", "pump"):
        refused = old.stop_old(component)
        assert refused.status == 1 and "wrong_order" in codes(refused), (component, refused)
    assert old.kafka.pid and old.zookeeper.pid and old.old_pump.pid


def test_a_drainer_and_then_its_pump(old):
    gone = old.stop_old("drainer")
    assert gone.status == 0 and old.manifest("drainer")["copies"], gone
    old.start_new_drainer()
    gone = old.stop_old("pump")
    assert gone.status == 0 and not old.old_pump.pid and not old.old_pump.alive_key, gone
    assert old.old_pump.registered["IsOffline"]
    assert not old.stop_old("pump")["changed"]


def test_a_pump_comes_back_while_kafka_is_there(old):
    back = old.undo("pump")
    assert back.status == 0 and old.old_pump.alive_key, back
    assert "wrong_order" in codes(old.stop_old("kafka"))
    assert old.stop_old("pump").status == 0


def test_kafka_that_others_use_stays(old):
    refused = old.stop_old("kafka", kafka_home=None)
    assert refused.code == "unproven" and old.kafka.pid, refused
    old.kafka.run("kafka-topics.sh", "--bootstrap-server", old.kafka.address, "--create", "--topic", "orders")
    refused = old.stop_old("kafka")
    assert refused.code == "shared" and "orders" in refused["msg"] and old.kafka.pid, refused


def test_kafka_is_retired_though_its_script_stops_nothing(old):
    """run_kafka.sh exits 0 and says "not running" when it finds two; here the stop command is a lie altogether."""
    assert "wrong_order" in codes(old.stop_old("zookeeper"))
    gone = old.stop_old("kafka", binlog_topics="orders", stop_command="/bin/true")
    assert gone.status == 0 and not old.kafka.pid and not process.listening(old.kafka.port), gone
    assert any("SIGTERM" in warning for warning in gone["warnings"])
    assert not old.stop_old("kafka")["changed"]


def test_kafka_comes_back(old):
    back = old.undo("kafka")
    assert back.status == 0 and old.kafka.pid and process.listening(old.kafka.port), back
    gone = old.stop_old("kafka", binlog_topics="orders")
    assert gone.status == 0 and not old.kafka.pid, gone


def test_zookeeper_last(old):
    refused = old.stop_old("zookeeper")
    assert refused.code == "shared" and "orders" in refused["msg"] and old.zookeeper.pid, refused
    gone = old.stop_old("zookeeper", binlog_topics="orders")
    assert gone.status == 0 and not old.zookeeper.pid, gone
    assert steps(gone)["verify"]["evidence"]["znodes"]
    assert not old.stop_old("zookeeper")["changed"]
    back = old.undo("zookeeper")
    assert back.status == 0 and old.zookeeper.pid, back

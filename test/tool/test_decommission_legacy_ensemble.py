"""Two Kafka brokers and three ZooKeepers on one host, in folders whose names begin alike: each retired when its turn has
come, and in no other order. The tests follow one deployment, in order."""
import pytest

from support import process, wait
from support.retiring import Retiring, codes, steps

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def old():
    with Retiring(mode="kafka", brokers=2, zookeepers=3) as ready:
        assert ready.stop_old("drainer").status == 0
        ready.start_new_drainer()
        assert ready.stop_old("pump").status == 0
        yield ready


def running(old):
    return [name for name in ("kafka", "kafka2", "zookeeper", "zookeeper2", "zookeeper3") if old.node(name).pid]


def assert_retired(call, old, name):
    node = old.node(name)
    assert call.status == 0 and call["changed"] and not node.pid and not process.listening(node.port), call


def assert_stays_retired(old, name):
    """Whatever its siblings do."""
    before = running(old)
    again = old.stop_old(name)
    assert again.status == 0 and not again["changed"] and running(old) == before, again


def test_another_broker_is_a_client_until_it_is_named(old):
    refused = old.stop_old("kafka2", brokers=None)
    assert refused.code == "shared" and "kafka2" in running(old), refused


def test_brokers_go_one_at_a_time_and_zookeeper_waits_for_all(old):
    assert_retired(old.stop_old("kafka2"), old, "kafka2")
    assert_stays_retired(old, "kafka2")
    refused = old.stop_old("zookeeper")
    assert codes(refused) == {"wrong_order"} and old.kafka.address in str(refused["refusals"]), refused
    unnamed = old.stop_old("zookeeper", brokers=old.node("kafka2").address)
    assert "wrong_order" in codes(unnamed) and "is registered in it" in str(unnamed["refusals"]), unnamed
    assert running(old) == ["kafka", "zookeeper", "zookeeper2", "zookeeper3"]


def test_a_broker_comes_back_beside_the_other(old):
    back = old.undo("kafka2")
    assert back.status == 0 and back["changed"] and running(old)[:2] == ["kafka", "kafka2"], back


def test_the_other_way_round_too(old):
    """run_kafka.sh finds both by its grep, stops neither and exits with 0."""
    gone = old.stop_old("kafka")
    assert_retired(gone, old, "kafka")
    assert any("SIGTERM" in warning for warning in gone["warnings"]) and "kafka2" in running(old)
    assert_retired(old.stop_old("kafka2"), old, "kafka2")


def test_what_others_keep_in_zookeeper_is_seen_through_each(old):
    shell = lambda *words: old.kafka.run("zookeeper-shell.sh", old.zookeepers[2].address, *words)
    shell("create", "/theirs", "x")
    refused = old.stop_old("zookeeper", accept="ensemble")
    assert refused.code == "shared" and "/theirs" in refused["msg"], refused
    shell("delete", "/theirs")


def test_zookeepers_go_while_the_rest_serves(old):
    for name in ("zookeeper", "zookeeper2"):
        gone = old.stop_old(name)
        assert_retired(gone, old, name)
        assert "brokers" in steps(gone)["verify"]["evidence"]["znodes"]
    assert_stays_retired(old, "zookeeper")


def test_what_the_last_ones_hold_nobody_can_read(old):
    refused = old.stop_old("zookeeper3")
    assert codes(refused) == {"unproven"} and "ensemble" in refused["error"]["hint"], refused
    assert running(old) == ["zookeeper3"]
    gone = old.stop_old("zookeeper3", accept="ensemble")
    assert_retired(gone, old, "zookeeper3")
    assert gone["accepted"] == ["ensemble"]
    assert_stays_retired(old, "zookeeper3")


def test_zookeepers_come_back_and_serve_again(old):
    for name in ("zookeeper3", "zookeeper2"):
        back = old.undo(name)
        assert back.status == 0 and name in running(old), back
    wait.until("they have elected a leader", lambda: old.stop_old("zookeeper3", "--check").status == 0)
    gone = old.stop_old("zookeeper3", stop_command=None)
    assert_retired(gone, old, "zookeeper3")
    assert gone["accepted"] == [] and steps(gone)["verify"]["evidence"]["znodes"]

"""Step 7 with two brokers and three ZooKeepers, begun again where it stopped: the last ZooKeeper serves nobody, and what it
holds was seen in those before it."""
import pytest

from support.migration import CLUSTER_ID, Migration

pytestmark = pytest.mark.kafka

ZOOKEEPERS = ["zk1", "zk2", "zk3"]


@pytest.fixture(scope="module")
def given_up():
    """By the shortcut: nothing here is about what came before."""
    with Migration(downstream="file", tidbs=1, brokers=2, zookeepers=3) as cluster:
        cluster.migrate().assert_refused("waiting_for_operator")
        cluster.switch(cluster.new_tidb())
        yield cluster


def retire(cluster, *arguments, **options):
    return cluster.decommission(*arguments, abandon_data=CLUSTER_ID, **options)


def retired(run):
    return [host for host, _ in run.results("decommission-legacy", "ok")]


def running(cluster):
    return [name for name, pid in cluster.old_pids().items() if pid]


def test_it_stops_at_the_first_zookeeper_that_others_use(given_up):
    shell = lambda *words: given_up.kafka.run("zookeeper-shell.sh", given_up.zookeepers[0].address, *words)
    shell("create", "/theirs", "x")
    run = retire(given_up).assert_refused("shared")
    assert retired(run) == ["olddrainer", "tidb1", "kafka1", "kafka2"]
    assert running(given_up) == ["zookeepers1", "zookeepers2", "zookeepers3"]
    shell("delete", "/theirs")


def test_begun_again_it_retires_all_of_them(given_up):
    run = retire(given_up).assert_done()
    assert retired(run)[-3:] == ZOOKEEPERS and running(given_up) == []
    assert [result["accepted"] for host, result in run.results("decommission-legacy", "ok") if host in ZOOKEEPERS] == [
        ["abandon_data"], ["abandon_data"], ["abandon_data", "ensemble"]]


def test_what_was_seen_is_known_a_day_later(given_up):
    given_up.zookeepers[2].start()  # as if the last run had been interrupted before it
    run = retire(given_up, tags="zookeeper").assert_done()
    assert set(run.changed_hosts()) - {"localhost"} == {"zk3"} and running(given_up) == []


@pytest.mark.starts_java
def test_they_go_back_in_the_reverse_order(given_up):
    for tag in ("zookeeper", "kafka"):
        given_up.decommission(tags=tag, legacy_action="undo").assert_done()
    assert running(given_up) == ["brokers1", "brokers2", "zookeepers1", "zookeepers2", "zookeepers3"]

"""a roll is refused, before anything stops, when the rest of the cluster could not take the writes.

The inventory holds pump1 and pump2; pump3 is the peer in trouble, and not this run's to mend.
"""
import json

import pytest

from support import net, wait
from support.cluster import Cluster
from support.guard import nothing_happens
from support.playbook import roll


@pytest.fixture(scope="module")
def two_of_three(binaries):
    with Cluster(old=binaries.old) as cluster:
        cluster.write_inventory(pumps=cluster.pumps[:2])
        cluster.offer(binaries.new)
        yield cluster


@pytest.fixture
def peer(two_of_three):
    """pump3, put right again afterwards."""
    pump = two_of_three.pump("pump3")
    yield pump
    pump.set_knobs()
    if not pump.pid:
        if pump.supervisors():
            pump.stop()
        pump.start()
    pump.wait_ready()


def assert_roll_is_refused(cluster, *codes, besides=("pump3",)):
    with nothing_happens(cluster, besides=besides):
        return roll(cluster).assert_refused(*codes)


def test_a_peer_that_is_paused(two_of_three, peer):
    peer.stop()
    assert two_of_three.pd.pumps()[peer.node_id]["state"] == "paused"
    assert_roll_is_refused(two_of_three, "peers_not_ready")


def test_a_peer_that_just_died_and_is_still_called_online(two_of_three, peer):
    peer.kill()
    assert two_of_three.pd.pumps()[peer.node_id]["state"] == "online"
    assert_roll_is_refused(two_of_three, "peers_not_ready")


def test_a_peer_that_is_closing(two_of_three, peer):
    peer.set_knobs(stay_closing=True)
    net.http(f"http://{peer.advertised}/state/{peer.node_id}/close", method="PUT")
    try:
        assert_roll_is_refused(two_of_three, "peers_not_ready")
    finally:
        peer.kill()


def test_a_peer_below_the_space_at_which_it_refuses_writes(two_of_three, peer):
    peer.set_knobs(available_bytes=1_000_000_000)
    assert_roll_is_refused(two_of_three, "peers_not_ready")


def test_a_peer_that_does_not_answer(two_of_three, peer):
    peer.set_knobs(http_error=True)
    assert_roll_is_refused(two_of_three, "peers_not_ready")


def test_a_leftover_that_is_called_online_and_is_long_dead(two_of_three):
    alive = two_of_three.pd.pumps()["%s" % two_of_three.pump("pump1").node_id]
    ghost = dict(alive, nodeId="gone:8250", host="127.0.0.77:8250", updateTS=alive["updateTS"] - (90_000 << 18))
    key = "/tidb-binlog/v1/pumps/gone:8250"
    two_of_three.pd.put(key, json.dumps(ghost))
    try:
        assert_roll_is_refused(two_of_three, "peers_not_ready", besides=())
    finally:
        two_of_three.pd.delete(key)


def test_an_offline_leftover_is_no_obstacle(two_of_three):
    alive = two_of_three.pd.pumps()[two_of_three.pump("pump1").node_id]
    key = "/tidb-binlog/v1/pumps/gone:8250"
    two_of_three.pd.put(key, json.dumps(dict(alive, nodeId="gone:8250", host="127.0.0.77:8250", state="offline")))
    try:
        roll(two_of_three, "--check").assert_done()
    finally:
        two_of_three.pd.delete(key)


def test_one_malformed_registry_value(two_of_three):
    key = "/tidb-binlog/v1/pumps/broken:8250"
    two_of_three.pd.put(key, "{")
    try:
        pids = two_of_three.pids()
        roll(two_of_three).assert_refused("registry_unreadable")
        assert two_of_three.pids() == pids
    finally:
        two_of_three.pd.delete(key)


@pytest.mark.parametrize("away, back", [
    pytest.param("stop", "start", id="refuses connections"),
    pytest.param("pause", "resume", id="hangs"),
])
def test_pd_that_is_unreachable(two_of_three, away, back):
    pids = two_of_three.pids()
    getattr(two_of_three.pd, away)()
    try:
        roll(two_of_three).assert_refused("registry_unreadable", "network_failure", "lock_unavailable")
        assert two_of_three.pids() == pids
    finally:
        getattr(two_of_three.pd, back)()
    wait.until("all Pumps are online again", lambda: all(pump.is_online() for pump in two_of_three.pumps))
    assert two_of_three.pids() == pids


def test_a_lone_pump_is_refused_unless_said(binaries):
    with Cluster(old=binaries.old, pumps=1) as cluster:
        cluster.offer(binaries.new)
        assert_roll_is_refused(cluster, "peers_not_ready", besides=())


def test_a_dead_drainer_left_online_where_it_would_block_the_start(binaries):
    """Up to 3.0.4 every start notifies all online Drainers and fails when one is dead."""
    from support.cluster import make_peer
    with Cluster(old=make_peer(f"{binaries.old}-v3", "v3.0.3")) as cluster:
        cluster.offer(cluster.peer("v3.0.4"))
        ghost = {"nodeId": "drainer:8249", "host": "127.0.0.78:8249", "state": "online", "isAlive": False, "score": 0,
                 "label": None, "maxCommitTS": 0, "updateTS": 1}
        cluster.pd.put("/tidb-binlog/v1/drainers/drainer:8249", json.dumps(ghost))
        assert_roll_is_refused(cluster, "stale_drainer", besides=())

"""the roll, watched every 20 ms from outside while a client writes."""
import os

import pytest

from support import process
from support.playbook import roll
from support.watcher import Watcher
from support.writer import Writer


@pytest.fixture(scope="module")
def rolled(binaries):
    """One roll, whose evidence each test below judges; then the same again."""
    from support.cluster import Cluster
    with Cluster(old=binaries.old) as cluster:
        cluster.offer(binaries.new)
        cluster.before = cluster.pids()
        cluster.registry_before = cluster.pd.pumps()
        with Watcher(cluster) as watcher, Writer(cluster) as writer:
            cluster.roll = roll(cluster).assert_done()
        cluster.watcher, cluster.writer = watcher, writer
        yield cluster


def test_never_more_than_one_pump_is_not_online(rolled):
    rolled.watcher.assert_looked_often()
    rolled.watcher.assert_one_at_a_time()


def test_each_pump_is_restarted_once(rolled):
    for pump in rolled.pumps:
        assert rolled.watcher.pids(pump.name) == [rolled.before[pump.name], pump.pid]
        assert len(rolled.watcher.windows(pump.name)) == 1


def test_no_write_is_refused(rolled):
    rolled.writer.assert_nothing_refused()


def test_every_pump_ends_online_with_an_update_newer_than_its_restart(rolled):
    now = rolled.pd.pumps()
    for pump in rolled.pumps:
        node = now[pump.node_id]
        assert node["state"] == "online"
        started = os.stat(f"/proc/{pump.pid}").st_mtime
        _, back = rolled.watcher.windows(pump.name)[0]
        assert (node["updateTS"] >> 18) / 1000 > back - 0.5
        assert node["updateTS"] > rolled.registry_before[pump.node_id]["updateTS"]
        assert started <= back


def test_every_pump_runs_exactly_the_file_in_resources(rolled):
    wanted = process.file_digest(f"{rolled.resources_dir}/bin/pump")
    assert rolled.digests() == {pump.name: wanted for pump in rolled.pumps}
    assert all(process.executable(pump.pid) == pump.binary for pump in rolled.pumps)


def test_every_pump_still_runs_as_its_user_under_its_supervisor(rolled):
    import pwd
    tidb = pwd.getpwnam("tidb").pw_uid
    for pump in rolled.pumps:
        assert process.user(pump.pid) == tidb
        assert pump.supervisors() == [process.parent(pump.pid)]


def test_no_node_id_is_new_or_lost(rolled):
    assert sorted(rolled.pd.pumps()) == sorted(pump.node_id for pump in rolled.pumps)


def test_the_result_tells_versions_phases_and_downtime(rolled):
    restarts = dict(rolled.roll.restarts())
    assert sorted(restarts) == ["pump1", "pump2", "pump3"]
    for name, result in restarts.items():
        node = result["node"]
        assert node["id"] == rolled.pump(name).node_id
        assert (node["before"]["version"], node["after"]["version"]) == ("v4.0.14", "v4.0.16")
        assert node["after"]["pid"] == rolled.pump(name).pid
        assert node["after"]["state"] == "online"
        assert [phase["name"] for phase in result["phases"]]
        (since, until), = rolled.watcher.windows(name)
        seen = (until - since) * 1000
        assert seen - 100 < result["downtime_ms"] < 2 * seen + 1000, "never made to look shorter than it was"


def test_the_lock_is_free_afterwards(rolled):
    assert rolled.pd.lock_holder() is None


def test_nothing_staged_is_left_over(rolled):
    """Beside the binary lie only the supervisor's programs: no temporary and no staged file."""
    for pump in rolled.pumps:
        assert sorted(os.listdir(f"{pump.deploy_dir}/bin")) == ["pump", "supervise", "svc", "svstat"]


def test_the_former_version_is_kept_for_a_way_back(rolled, binaries):
    old = process.file_digest(binaries.old)
    for pump in rolled.pumps:
        kept = [process.file_digest(os.path.join(folder, name))
                for folder, _, names in os.walk(f"{pump.deploy_dir}/backup") for name in names]
        assert old in kept

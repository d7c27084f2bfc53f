"""the documented upgrade of a Drainer: stop_drainer.yml, start_drainer.yml; rows reach a real MariaDB exactly once."""
import os

import pytest

from support import cluster as clusters
from support import mariadb, playbook, process, wait
from support.writer import Writer

OLD, NEW = "v4.0.14", "v4.0.16"


@pytest.fixture(scope="module")
def peers(binaries, tmp_path_factory):
    folder = tmp_path_factory.mktemp("drainers")

    class Peers:
        pump = binaries.old
        old = clusters.make_peer(str(folder / "old"), OLD, program="drainer")
        new = clusters.make_peer(str(folder / "new"), NEW, program="drainer")
    return Peers


class Upgrade:
    """One run of the three documented steps with rows written before, between and after, and what was seen."""

    def __init__(self, cluster, database, new):
        self.cluster, self.database, self.new = cluster, database, new
        self.drainer = cluster.drainers[0]
        with Writer(cluster, rate=20, rows=True) as self.writer:
            wait.until("rows reach the downstream", lambda: self.count() > 0)
            self.pid_before = self.drainer.pid
            cluster.offer(new, "drainer")
            self.stop = playbook.run(cluster, "stop_drainer.yml", tags="drainer").assert_done()
            self.pid_between, self.entry_between = self.drainer.pid, self.entry()
            self.count_between = self.count()
            self.start = playbook.run(cluster, "start_drainer.yml", tags="drainer").assert_done()
            self.status_after = self.drainer.status()
            after = self.count()
            wait.until("rows written after the upgrade reach the downstream", lambda: self.count() > after + 20)
        wait.until("every row reaches the downstream", lambda: self.count() >= len(self.writer.rows))

    def count(self):
        found = self.database.query("select count(*) from standin.rows")
        return int(found[0][0]) if found else 0

    def entry(self):
        return self.cluster.pd.drainers()[self.drainer.node_id]

    def stopped(self):
        return self.stop.results("rolling-restart", "ok")[-1][1]

    def started(self):
        return next(result for _, result in self.start.results("rolling-restart", "ok") if result["changed"])


@pytest.fixture(scope="module")
def upgrade(peers, tmp_path_factory):
    # The database outlives the cluster's hosts by nothing: it runs below the cluster's folder.
    with clusters.Cluster(old=peers.pump, pumps=2, start=False) as cluster:
        database = mariadb.MariaDb(f"{cluster.folder}/mariadb", cluster.environment)
        cluster.add_drainer(peers.old, database.destination)
        cluster.start()
        yield Upgrade(cluster, database, peers.new)


def test_the_new_drainer_runs(upgrade):
    assert upgrade.drainer.running_digest == process.file_digest(upgrade.new)
    result = upgrade.started()
    assert result["node"]["id"] == upgrade.drainer.node_id
    assert result["node"]["after"]["version"] == NEW
    assert result["node"]["after"]["state"] == "online"
    assert upgrade.entry()["state"] == "online"
    assert set(upgrade.status_after["PumpPos"]) == {pump.node_id for pump in upgrade.cluster.pumps}


def test_stop_stages_first_and_returns_when_it_is_gone_paused_and_saved(upgrade):
    assert upgrade.pid_before and upgrade.pid_between is None
    assert upgrade.entry_between["state"] == "paused"
    tools = [record["action"] for record in upgrade.stop.records if record.get("action") in ("copy-binary", "rolling-restart")]
    assert tools == ["copy-binary", "rolling-restart"]
    stopped = upgrade.stopped()
    assert stopped["checkpoint"]["source"] == "registry"
    assert stopped["checkpoint"]["commit_ts"] == upgrade.entry_between["maxCommitTS"] > 0
    assert f"checkpoint stands at {stopped['checkpoint']['commit_ts']}" in stopped["msg"]
    assert stopped["msg"] in " ".join(upgrade.stop.output.split()), "the operator is told"


def test_it_goes_on_from_where_it_stood(upgrade):
    assert upgrade.status_after["LastTS"] >= upgrade.stopped()["checkpoint"]["commit_ts"]
    assert upgrade.count_between <= len(upgrade.writer.rows)


def test_every_row_arrives_exactly_once_in_commit_order(upgrade):
    rows = upgrade.database.query("select payload, commit_ts from standin.rows order by number")
    assert sorted(payload for payload, _ in rows) == sorted(upgrade.writer.rows)
    commits = [int(commit_ts) for _, commit_ts in rows]
    assert commits == sorted(commits)
    upgrade.writer.assert_nothing_refused()


def test_started_again_it_changes_nothing(upgrade):
    pid = upgrade.drainer.pid
    run = playbook.run(upgrade.cluster, "start_drainer.yml", tags="drainer").assert_done()
    assert run.changed_hosts() == []
    assert upgrade.drainer.pid == pid


def test_a_dry_run_of_the_stop_changes_nothing(upgrade):
    pid, files = upgrade.drainer.pid, upgrade.drainer.snapshot()
    run = playbook.run(upgrade.cluster, "stop_drainer.yml", "--check", "--diff", tags="drainer").assert_done()
    assert run.changed_hosts() == ["drainer1"]
    assert (upgrade.drainer.pid, upgrade.drainer.snapshot()) == (pid, files)


def test_status_tells_of_it(upgrade):
    run = playbook.run(upgrade.cluster, "status.yml", tags="drainer").assert_done()
    assert f"drainer1: {NEW}, online" in run.output


def test_rolled_back_it_runs_the_former_version_again(upgrade, peers):
    run = playbook.run(upgrade.cluster, "rollback.yml", tags="drainer", variables={"accept_downgrade": True})
    run.assert_done()
    assert upgrade.drainer.running_digest == process.file_digest(peers.old)
    assert upgrade.drainer.is_online()


def test_the_manual_procedure_replaces_the_file_and_restarts_it(upgrade, peers):
    drainer, cluster = upgrade.drainer, upgrade.cluster
    copied = cluster.tool("copy-binary", "--src", peers.new, "--dest", drainer.binary, "--component", "drainer")
    assert (copied.status, copied["changed"]) == (0, True), copied
    done = cluster.tool("rolling-restart", "--component", "drainer", "--deploy-dir", drainer.deploy_dir, "--port",
                        drainer.port, "--supervision", "supervise", "--service",
                        f"{drainer.deploy_dir}/status/drainer", "--user", "tidb")
    assert (done.status, done["changed"]) == (0, True), done
    assert drainer.running_digest == process.file_digest(peers.new)
    assert [phase["name"] for phase in done["phases"]] == ["lock", "peers", "stop", "start", "ready", "stable"]
    assert os.path.exists(drainer.binary)

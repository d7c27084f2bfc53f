"""The seven steps from the Kafka version to the Cluster version, interrupted and refused on the way: two old Pumps, an old Drainer
with MariaDB, a real Kafka with unread messages; every row reaches the downstream exactly once."""
import json
import os
import re

import pytest
import yaml

from support import paths, wait
from support.migration import CLUSTER_ID, Migration

pytestmark = pytest.mark.kafka


def next_of(run):
    """What the operator is told at the end of a run."""
    said = [record["result"].get("msg") for record in run.records
            if record["outcome"] in ("ok", "failed") and record.get("task", "").endswith(": Next")]
    assert said, f"nothing was said:\n{run.output}"
    return "\n".join(said[-1])


def assert_waits(run, *words):
    """Not a green end: it is the operator's turn, and the run says what to do."""
    assert run.status == 2, run.output
    assert run.error_codes() == ["waiting_for_operator"], run.output
    for word in words:
        assert word in next_of(run), next_of(run)


class Story:
    """One migration; each test plays the next part of it and looks at what was seen."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.new_tidb = cluster.new_tidb()
        self.barrier = None

    def play(self, *arguments, **variables):
        given = {"migration_barrier": self.barrier} if self.barrier else {}
        return self.cluster.play("migrate_to_cluster.yml", *arguments, **given, **variables)

    def migrate(self, *arguments, **variables):
        return self.play(*arguments, **variables).wait()

    def killed_in(self, task, **variables):
        """A run that ends by SIGKILL when it has begun this task."""
        with self.play(**variables) as run:
            wait.until(f"it is in the task {task}", lambda: f"[{task}" in run.output or run.process.poll() is not None, 180)
            assert run.process.poll() is None, f"it has ended:\n{run.output}"
            run.kill()
        return run

    def dry_run(self, *words):
        """It says where the migration stands and what the next step would do; no byte and no process changes."""
        before = self.cluster.everything()
        run = self.migrate("--check").assert_done()
        assert self.cluster.everything() == before
        for word in words:
            assert word in next_of(run), next_of(run)
        return run


@pytest.fixture(scope="module")
def story():
    with Migration(rate=20) as cluster:
        wait.until("rows arrive downstream", lambda: cluster.received, 60)
        yield Story(cluster)


def test_a_dry_run_changes_nothing(story):
    cluster = story.cluster
    run = story.dry_run("next: step 1")
    assert {host for host, result in run.results("rolling-restart") if result.get("plan")} == {"pump1", "pump2"}
    assert cluster.record == {} and not any(pump.pid for pump in cluster.pumps)


def test_a_new_node_in_an_old_ones_place_is_refused(story):
    cluster, old, drainer = story.cluster, story.cluster.old_pumps[0], story.cluster.old_drainer
    pids = cluster.old_pids()
    cluster.write_inventory(places={
        "pump1": {"ansible_host": old.address, "deploy_dir": old.deploy_dir, "pump_port": old.port,
                  "pump_data_dir": f"{old.data_dir}/new", "process_supervision": "systemd"},
        old.name: {"old_pump_supervision": "systemd", "old_pump_service": f"pump-{old.port}.service"},
        "drainer1": {"ansible_host": drainer.address, "deploy_dir": drainer.deploy_dir, "drainer_port": drainer.port,
                     "process_supervision": "systemd"},
        drainer.name: {"old_drainer_supervision": "systemd", "old_drainer_service": f"drainer-{drainer.port}"}})
    run = story.migrate().assert_refused("collision")
    cluster.write_inventory()
    said = " ".join(run.output.split())
    for word in ("bin/pump would be replaced", f"the port {old.port} is that of the old pump",
                 f"the data directory {old.data_dir}/new", f"the unit pump-{old.port} is that of the old pump {old.name}",
                 "bin/drainer would be replaced", f"the port {drainer.port} is that of the old drainer",
                 f"the unit drainer-{drainer.port} is that of the old drainer {drainer.name}"):
        assert word in said, run.output
    assert run.error_codes() == ["collision", "collision"]
    assert cluster.record == {} and cluster.old_pids() == pids
    assert not os.path.exists(f"{old.deploy_dir}/stage")


def test_a_tidb_that_could_not_write_to_the_new_pumps_is_refused(story):
    for version in ("v2.1.0-rc.4", ""):  # "": what the TiDBs run
        story.cluster.write_inventory(tidb_version=version)
        story.migrate().assert_refused("tidb_too_old")
    story.cluster.write_inventory()
    assert story.cluster.record == {}


@pytest.mark.parametrize("version, speaks", {
    "v1.0.8": False, "v2.0.7": False, "v2.0.11": False, "v2.0.8-binlog": True, "v2.0.11-binlog": True, "v2.1.0-beta": False,
    "v2.1.0-rc.4": False, "v2.1.0-rc.5": True, "v2.1.0": True, "2.1.19": True, "v4.0.16": True, "v7.5.1": True, "v8.3.0": True,
    "v8.4.0": False, "v9.0.0": False, "nightly": True, "5.7.25-TiDB-v2.0.7": False, "5.7.25-TiDB-v4.0.16": True,
    "8.0.11-TiDB-v8.5.0": False, "5.7.10-TiDB-v2.1.0-rc.4-31-g1a25971": False, "": False}.items())
def test_the_documentations_table_of_versions(version, speaks):
    variables = yaml.safe_load((paths.REPO / "roles/migration/vars/main.yml").read_text(encoding="utf-8"))
    rule = variables["__migration_speaks"].replace("{{ __migration_versions | join('|') }}", "|".join(variables["__migration_versions"]))
    assert bool(re.search(rule, version)) is speaks


def test_killed_in_step_1_it_has_noted_nothing(story):
    cluster, pids = story.cluster, story.cluster.old_pids()
    story.killed_in("pump : Pump: start")
    assert cluster.record == {} and cluster.old_pids() == pids


def test_step_1_deploys_the_new_pumps_and_leaves_the_rest_to_the_operator(story):
    cluster, pids = story.cluster, story.cluster.old_pids()
    assert_waits(story.migrate(), "Pause the business", "migration_barrier", "is 5.7.", cluster.tidbs[0].advertised)
    assert all(pump.is_online() for pump in cluster.pumps)
    assert cluster.steps == ["pumps"]
    assert cluster.old_pids() == pids
    again = story.migrate()
    assert_waits(again)
    assert again.changed_hosts() == []
    story.dry_run("Pause the business", "is 5.7.")


def test_step_3_is_not_done_while_one_tidb_is_of_the_old_version(story):
    cluster = story.cluster
    story.barrier = cluster.pause_business()
    cluster.tidbs[0].switch(story.new_tidb)
    run = story.migrate()
    assert_waits(run, cluster.tidbs[1].advertised)
    assert cluster.tidbs[0].advertised not in next_of(run)
    assert cluster.steps == ["pumps"]


def test_step_3_is_not_done_while_a_tidb_still_writes_to_an_old_pump(story):
    cluster, tidb = story.cluster, story.cluster.tidbs[1]
    cluster.switch_halfway(tidb, story.new_tidb)
    tidb.resume()
    run = story.migrate().assert_refused("still_written")
    assert "TiDB connection(s) to its socket" in run.output, "beside that TiDB"
    assert f"TiDB {tidb.advertised} writes to an old Pump's socket" in " ".join(run.output.split()), "on the other host"
    assert cluster.steps == ["pumps"]
    tidb.pause()
    cluster.old_drainer.set_knobs(stuck=True, lie_synced=True)  # from here on there is something unread
    story.barrier = tidb.ddl("create table if not exists standin.second_barrier (id int)")
    tidb.switch(story.new_tidb)


def test_step_3_is_not_done_while_the_new_pumps_get_nothing(story):
    cluster = story.cluster
    run = story.migrate().assert_refused("timed_out")
    assert "write a row through every one of them" in " ".join(run.output.split())
    assert cluster.steps == ["pumps"]
    for tidb in cluster.tidbs:
        tidb.write_row()


def test_killed_in_step_3_it_has_noted_nothing(story):
    story.dry_run("next: step 3")
    story.killed_in("migration : Prove that every TiDB has left the old Pumps")
    assert story.cluster.steps == ["pumps"]


def test_killed_in_step_5_it_has_noted_step_3(story):
    killed = story.killed_in("migration : Wait until the old Drainers have applied everything", migration_wait=15)
    assert "Business may" in killed.output, "step 4 comes before step 5"
    assert story.cluster.steps == ["pumps", "switched"]
    assert not os.path.exists(story.cluster.migration_file(".proof.json"))


def test_step_5_waits_for_the_old_drainer_whatever_it_says(story):
    cluster = story.cluster
    story.migrate(migration_wait=15).assert_refused("timed_out")
    cluster.resume_business()
    assert cluster.steps == ["pumps", "switched"]
    assert cluster.old_drainer.pid and not cluster.new_drainer.pid
    cluster.old_drainer.set_knobs()


def test_a_dry_run_of_step_5_changes_nothing(story):
    story.dry_run("next: step 5")


def test_step_6_stops_nothing_while_the_checkpoint_cant_be_kept(story):
    cluster, pid = story.cluster, story.cluster.old_drainer.pid
    client = f"{cluster.folder}/playbooks/conf/drainer1_checkpoint.cnf"
    os.rename(client, f"{client}.away")
    run = story.migrate().assert_refused("no_checkpoint")
    os.rename(f"{client}.away", client)
    assert "mysql -N -B -r -e" in run.output, "the command to run elsewhere"
    without = story.migrate(checkpoint_program="no-such-client").assert_refused("no_checkpoint")
    assert "no-such-client does not run here" in " ".join(without.output.split())
    assert cluster.old_drainer.pid == pid and not cluster.new_drainer.pid
    assert cluster.steps == ["pumps", "switched", "synced"]


def test_a_dry_run_of_step_6_changes_nothing(story):
    run = story.dry_run("next: step 6")
    assert [step["step"] for _, result in run.results("decommission-legacy", "ok") for step in result["plan"]] == ["record", "stop"]


def test_interrupted_in_step_6_and_run_again_it_ends(story):
    cluster = story.cluster
    cluster.old_drainer.set_knobs(stop_delay=1500)
    with cluster.play("migrate_to_cluster.yml", migration_barrier=story.barrier) as run:
        wait.until("the old Drainer ends", lambda: not cluster.old_drainer.pid or run.process.poll() is not None, 180)
        run.kill()
    assert "drainers" not in cluster.steps
    run = story.migrate().assert_done()
    assert "next: step 7" in next_of(run)
    assert cluster.steps == ["pumps", "switched", "synced", "drainers"]
    assert not cluster.old_drainer.pid and cluster.new_drainer.is_online()


def test_the_new_drainer_went_on_from_the_old_ones_checkpoint(story):
    cluster = story.cluster
    with open(cluster.migration_file(".drainer1.checkpoint.json"), encoding="ascii") as file:
        row = json.load(file)
    assert row["positions"] and row["commitTS"] >= story.barrier
    assert cluster.new_drainer.status()["LastTS"] > row["commitTS"]


def test_run_once_more_it_changes_nothing(story):
    run = story.migrate().assert_done()
    assert run.changed_hosts() == []
    assert "next: step 7" in next_of(run)
    story.dry_run("next: step 7")


def test_step_7_keeps_its_order(story):
    cluster, pids = story.cluster, story.cluster.old_pids()
    cluster.decommission(tags="kafka").assert_refused("wrong_order")
    assert cluster.old_pids() == pids


def test_step_7_takes_no_other_clusters_proof(story):
    cluster, pids = story.cluster, story.cluster.old_pids()
    path = cluster.migration_file(".proof.json")
    with open(path, encoding="utf-8") as file:
        proof = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(proof.replace(str(CLUSTER_ID), str(CLUSTER_ID + 1)))
    cluster.decommission().assert_refused("wrong_cluster")
    with open(path, "w", encoding="utf-8") as file:
        file.write(proof)
    assert cluster.old_pids() == pids


def test_a_dry_run_of_step_7_changes_nothing(story):
    cluster, before = story.cluster, story.cluster.everything()
    run = cluster.decommission("--check").assert_done()
    assert "Would be retired" in run.output
    assert cluster.everything() == before


def test_step_7_retires_pumps_then_kafka_then_zookeeper(story):
    cluster = story.cluster
    run = cluster.decommission().assert_done()
    assert [host for host, _ in run.results("decommission-legacy", "ok")] == ["tidb1", "tidb2", "kafka1", "zk1"]
    assert not any(cluster.old_pids().values())
    assert "All seven steps" in next_of(run)
    assert os.listdir(cluster.kafka.data_dir), "data stays"
    again = cluster.decommission().assert_done()
    assert again.changed_hosts() in ([], ["localhost"])


def test_every_row_arrives_exactly_once(story):
    cluster = story.cluster
    cluster.assert_rows_go_on_and_each_arrived_once()
    assert cluster.refused == 0

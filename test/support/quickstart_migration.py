"""The migration from the Kafka version, shown on an embedded cluster. Started by playbooks/quickstart migration once all is
built."""
import collections
import os
import threading
import time

from . import java, quickstart, wait
from .migration import NEW, Migration
from .quickstart import check, say

ROWS = 1000  # at least, when business is paused for good


class Silence:
    """How long the downstream's Drainer, the old or the new one, did not answer."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.ms = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join()

    def _watch(self):
        answered = time.monotonic()
        while not self._ends.wait(0.1):
            if self._cluster.old_drainer.status() or self._cluster.new_drainer.status():
                self.ms = max(self.ms, round(1000 * (time.monotonic() - answered)))
                answered = time.monotonic()


def show_run(name, run, status):
    say(f"$ ansible-playbook -i inventory.ini {name}")
    check(run.status == status, f"ansible-playbook ended with {run.status}:\n{run.output}")
    for line in told(run):
        say(f"  {line}")
    return run


def told(run):
    """What the run said to the operator, at its end and about step 4."""
    words = []
    for record in run.records:
        if record["outcome"] in ("ok", "failed") and record["task"].endswith((": Next", ": Step 4, business")):
            message = record["result"].get("msg", [])
            words += message if isinstance(message, list) else [message]
    return words


def migrate(cluster):
    """The seven steps; how long nobody carried rows downstream."""
    say("\n== step 1: the new Pumps")
    show_run("migrate_to_cluster.yml", cluster.migrate(quick=False), 2)
    check(cluster.steps == ["pumps"], f"the record has {cluster.steps}")

    say("\n== steps 2 and 3, the operator's: business is paused, a DDL run, every TiDB switched, a row written through each")
    binary = cluster.new_tidb()
    barrier = cluster.pause_business()
    say(f"  barrier: {barrier}")
    cluster.switch(binary)

    say("\n== steps 3 to 6: proofs, from the old Drainer to the new one")
    with Silence(cluster) as silence:
        run = cluster.play("migrate_to_cluster.yml", quick=False, migration_barrier=barrier)
        wait.until("T0 is taken", lambda: "switched" in cluster.steps or run.process.poll() is not None, 600, every=0.2)
        cluster.resume_business()  # step 4, as the run says
        show_run(f"migrate_to_cluster.yml -e migration_barrier={barrier}", run.wait(), 0)
        wait.until("the new Drainer carries rows", lambda: cluster.new_drainer.is_online(), 60)
    check(cluster.steps == ["pumps", "switched", "synced", "drainers"], f"the record has {cluster.steps}")

    wait.until(f"{ROWS} rows are written", lambda: len(cluster.sent) >= ROWS, 300, every=0.5)
    say("\n== step 7: old Pumps, Kafka, ZooKeeper")
    show_run("decommission_legacy.yml", cluster.decommission(quick=False), 0)
    check(cluster.old_pids() and not any(cluster.old_pids().values()), f"still running: {cluster.old_pids()}")
    return silence.ms


def count(cluster):
    """What was seen downstream, once all that business sent has arrived."""
    for tidb in cluster.tidbs:
        tidb.pause()
    cluster.wait_received(120)
    sent, received = cluster.sent, cluster.received
    twice = sum(times - 1 for times in collections.Counter(received).values())
    check(set(sent) == set(received), "what arrived downstream is not what was sent")
    check(len(sent) >= ROWS, f"only {len(sent)} rows were written")
    return {"sent": len(sent), "received": len(set(received)), "duplicated": twice}


def summary(cluster, rows, silent_ms):
    nodes = [{"component": "pump", "id": pump.node_id, "from": "kafka", "to": NEW, "downtime_ms": 0} for pump in cluster.pumps]
    nodes.append({"component": "drainer", "id": cluster.new_drainer.node_id, "from": "kafka", "to": NEW, "downtime_ms": silent_ms})
    return {"nodes": nodes, "writes": {"attempted": cluster.attempted, "refused": cluster.refused}, "rows": rows}


def show(folder):
    check(not java.missing(), java.missing())
    os.environ["TBU_TMP"] = folder
    say("starting etcd in PD's place, ZooKeeper, Kafka, two TiDBs with their old Pumps, MariaDB, an old Drainer")
    with Migration(rate=40) as cluster:
        for host in (*cluster.old_pumps, cluster.old_drainer):
            say(f"  {host.name}  old {host.component}  {host.advertised}  {host.deploy_dir}")
        for host in (*cluster.pumps, cluster.new_drainer):
            say(f"  {host.name}  empty, for a new {host.component}  {host.advertised}  {host.deploy_dir}")
        wait.until("rows arrive downstream", lambda: cluster.received, 60, every=0.5)
        silent_ms = migrate(cluster)
        rows = count(cluster)
        result = summary(cluster, rows, silent_ms)
        say(f"\nwrites: {result['writes']['attempted']} attempted, {result['writes']['refused']} refused")
        say(f"rows: {rows['sent']} sent, {rows['received']} received, {rows['duplicated']} duplicated")
        say(f"from the old Drainer's last answer to the new one's first: {silent_ms} ms")
    return result


if __name__ == "__main__":
    quickstart.main(show)

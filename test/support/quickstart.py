"""The documented upgrade of Pumps and Drainer, shown on an embedded cluster. Started by playbooks/quickstart once all is
built."""
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time

from . import playbook, wait
from .cluster import Cluster, make_peer
from .process import file_digest
from .watcher import Watcher
from .writer import Writer

OLD, NEW = "v4.0.14", "v4.0.16"


def say(text=""):
    print(text, flush=True)


def check(holds, sentence):
    if not holds:
        raise AssertionError(sentence)


class Downtime:
    """How long a Drainer did not answer, seen from outside."""

    def __init__(self, drainer):
        self._drainer = drainer
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.ms = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join()

    def _watch(self):
        answered = time.monotonic()
        while not self._ends.wait(0.05):
            if self._drainer.status():
                self.ms = max(self.ms, round(1000 * (time.monotonic() - answered)))
                answered = time.monotonic()


def offer(cluster, new, program):
    say(f"$ copy-binary --src {new} --dest {cluster.resources_dir}/bin/{program}")
    copied = cluster.offer(new, program)
    check(copied.status == 0, f"copy-binary: {copied['msg']}")


def play(cluster, name, tag):
    say(f"$ ansible-playbook -i inventory.ini {name} --tags={tag}")
    run = playbook.run(cluster, name, tags=tag, quick=False)
    check(run.status == 0, f"ansible-playbook ended with {run.status}:\n{run.output}")
    return run


def upgrade_pumps(cluster, new):
    """The two documented steps; what the nodes' restarts returned, {name: result}."""
    offer(cluster, new, "pump")
    return dict(sorted(play(cluster, "rolling_update.yml", "pump").restarts()))


def upgrade_drainer(cluster, new):
    """The three documented steps; what the start returned."""
    offer(cluster, new, "drainer")
    with Downtime(cluster.drainers[0]) as seen:
        stopped = play(cluster, "stop_drainer.yml", "drainer").results("rolling-restart", "ok")[-1][1]
        say(f"  {stopped['msg']}")
        run = play(cluster, "start_drainer.yml", "drainer")
    started = next(result for _, result in run.results("rolling-restart", "ok") if result["changed"])
    return {**started, "downtime_ms": seen.ms}


def rows_downstream(drainer):
    path = f"{drainer.deploy_dir}/out/rows"
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [line.split("\t")[0] for line in file]


def judge(cluster, watcher, writer, new, new_drainer):
    """What the tools said is not believed: this is what was seen from outside."""
    watcher.assert_one_at_a_time()
    writer.assert_nothing_refused()
    drainer = cluster.drainers[0]
    check(drainer.running_digest == file_digest(new_drainer), "the Drainer does not run the new file")
    sent = set(writer.rows)
    wait.until("every row sent has been received", lambda: sent <= set(rows_downstream(drainer)), seconds=60)
    wanted = file_digest(new)
    registry = cluster.pd.pumps()
    for pump in cluster.pumps:
        check(pump.running_digest == wanted, f"{pump.name} does not run the new file")
        check(registry[pump.node_id]["state"] == "online", f"{pump.name} is {registry[pump.node_id]['state']}")


def rows(cluster, writer):
    received = rows_downstream(cluster.drainers[0])
    return {"sent": len(writer.rows), "received": len(set(received)), "duplicated": len(received) - len(set(received))}


def report(restarts, writer, counted):
    say()
    for name, result in restarts.items():
        node = result["node"]
        phases = ", ".join(f"{phase['name']} {phase['ms']}" for phase in result["phases"])
        say(f"{name} ({node['id']})  {node['before']['version']} -> {node['after']['version']}  "
            f"down {result['downtime_ms']} ms  phases in ms: {phases}")
    say(f"writes: {writer.summary['attempted']} attempted, {writer.refused} refused")
    say(f"rows: {counted['sent']} sent, {counted['received']} received, {counted['duplicated']} duplicated")


def summary(restarts, writer, counted):
    nodes = [{"component": name.rstrip("0123456789"), "id": result["node"]["id"], "from": result["node"]["before"]["version"],
              "to": result["node"]["after"]["version"], "downtime_ms": result["downtime_ms"]}
             for name, result in restarts.items()]
    return {"nodes": nodes, "writes": {"attempted": writer.summary["attempted"], "refused": writer.refused},
            "rows": counted}


def show(folder):
    old, new, old_drainer, new_drainer = (make_peer(f"{folder}/{program}-{version}", version, program=program)
                                          for program in ("pump", "drainer") for version in (OLD, NEW))
    say("starting etcd in PD's place, three Pumps and a Drainer, each with its own address, port and deploy_dir")
    with Cluster(old=old, base=folder, old_drainer=old_drainer, drainers=1) as cluster:
        for node in cluster.pumps + cluster.drainers:
            say(f"  {node.name}  {node.advertised}  {OLD}  {node.deploy_dir}")
        with Watcher(cluster) as watcher, Writer(cluster, rows=True) as writer:
            restarts = upgrade_pumps(cluster, new)
            check(len(restarts) == len(cluster.pumps), f"restarted: {sorted(restarts)}")
            restarts["drainer1"] = upgrade_drainer(cluster, new_drainer)
        judge(cluster, watcher, writer, new, new_drainer)
        counted = rows(cluster, writer)
        report(restarts, writer, counted)
    return summary(restarts, writer, counted)


def end_orderly():
    """TERM and HUP end this program as an exception does: the cluster is taken down."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


def main(show):
    """Shows on an embedded cluster below a folder of its own; exits. `show`: what to show, given the folder."""
    try:
        sys.exit(shown(show))
    except KeyboardInterrupt:
        sys.exit("interrupted: nothing is left running")


def shown(show):
    end_orderly()
    folder = tempfile.mkdtemp(prefix="tbu-quickstart.")
    os.chmod(folder, 0o755)  # the user tidb works below it
    try:
        result = show(folder)
    except Exception as failure:  # whatever went wrong, say so and keep what explains it
        say(f"failed: {failure}")
        say(f"logs: {folder}")
        return 1
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder)
    say(f"result: {json.dumps(result, separators=(',', ':'))}")
    return 0


if __name__ == "__main__":
    main(show)

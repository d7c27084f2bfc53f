"""The documented upgrade of Pumps, shown on an embedded cluster. Started by playbooks/quickstart once all is built."""
import json
import os
import shutil
import signal
import sys
import tempfile

from .cluster import Cluster, make_peer
from .playbook import start_roll
from .process import file_digest
from .watcher import Watcher
from .writer import Writer

OLD, NEW = "v4.0.14", "v4.0.16"


def say(text=""):
    print(text, flush=True)


def check(holds, sentence):
    if not holds:
        raise AssertionError(sentence)


def upgrade(cluster, new):
    """The two documented steps; what the nodes' restarts returned, {name: result}."""
    say(f"$ copy-binary --src {new} --dest {cluster.resources_dir}/bin/pump")
    copied = cluster.offer(new)
    check(copied.status == 0, f"copy-binary: {copied['msg']}")
    say("$ ansible-playbook -i inventory.ini rolling_update.yml --tags=pump")
    run = start_roll(cluster, quick=False).wait(600)
    check(run.status == 0, f"ansible-playbook ended with {run.status}:\n{run.output}")
    return dict(run.restarts())


def judge(cluster, watcher, writer, new):
    """What the tools said is not believed: this is what was seen from outside."""
    watcher.assert_one_at_a_time()
    writer.assert_nothing_refused()
    wanted = file_digest(new)
    registry = cluster.pd.pumps()
    for pump in cluster.pumps:
        check(pump.running_digest == wanted, f"{pump.name} does not run the new file")
        check(registry[pump.node_id]["state"] == "online", f"{pump.name} is {registry[pump.node_id]['state']}")


def report(restarts, writer):
    say()
    for name, result in sorted(restarts.items()):
        node = result["node"]
        phases = ", ".join(f"{phase['name']} {phase['ms']}" for phase in result["phases"])
        say(f"{name} ({node['id']})  {node['before']['version']} -> {node['after']['version']}  "
            f"down {result['downtime_ms']} ms  phases in ms: {phases}")
    say(f"writes: {writer.summary['attempted']} attempted, {writer.refused} refused")


def summary(restarts, writer):
    nodes = [{"component": "pump", "id": result["node"]["id"], "from": result["node"]["before"]["version"],
              "to": result["node"]["after"]["version"], "downtime_ms": result["downtime_ms"]}
             for _, result in sorted(restarts.items())]
    return {"nodes": nodes, "writes": {"attempted": writer.summary["attempted"], "refused": writer.refused}}


def show(folder):
    old, new = make_peer(f"{folder}/pump-{OLD}", OLD), make_peer(f"{folder}/pump-{NEW}", NEW)
    say("starting etcd in PD's place and three Pumps, each with its own address, port and deploy_dir")
    with Cluster(old=old, base=folder) as cluster:
        for pump in cluster.pumps:
            say(f"  {pump.name}  {pump.advertised}  {OLD}  {pump.deploy_dir}")
        with Watcher(cluster) as watcher, Writer(cluster) as writer:
            restarts = upgrade(cluster, new)
        judge(cluster, watcher, writer, new)
        check(len(restarts) == len(cluster.pumps), f"restarted: {sorted(restarts)}")
        report(restarts, writer)
    return summary(restarts, writer)


def end_orderly():
    """TERM and HUP end this program as an exception does: the cluster is taken down."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


def main():
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
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted: nothing is left running")

"""An old deployment whose TiDB has been switched to a new Pump, with wait-synced's proof: ready to be retired by
decommission-legacy."""
import json
import os

from . import process, tool, wait
from .cluster import make_peer
from .legacy import LegacyCluster
from .old_hosts import CLUSTER_ID


class Retiring(LegacyCluster):
    """`proof` is its path. `options_of(node)` are those of a call that goes through when its turn has come; a node is its
    component, with a number where it is one of several: "kafka2"."""

    def __init__(self, mode="rc2.3", **options):
        super().__init__(mode=mode, tidbs=1, downstream="file", rate=20, **options)
        try:
            self.old_pump, self.tidb = self.old_pumps[0], self.tidbs[0]
            self.new_pump = self.add_pump(make_peer(self.new_path("pump"), "v4.0.16"))
            self.tidb.pause()
            barrier = self.tidb.ddl("create table t (a int)")
            self.tidb.switch(self.new_tidb())
            self.tidb.resume()
            self.proof = f"{self.folder}/proof.json"
            proven = self.tool("wait-synced", f"--drainers={self.old_drainer.advertised}", f"--pumps={self.old_pump.advertised}",
                               f"--pd-urls={self.pd.url}", f"--barrier={barrier}", "--stable-for=1", "--interval=0.5",
                               "--timeout=90", f"--evidence-file={self.proof}",
                               *(["--accept=drained,applied"] if mode == "rc2.3" else []))
            assert proven.status == 0, proven
        except BaseException:
            self.close()
            raise

    def node(self, name):
        component = name.rstrip("0123456789")
        nodes = {"drainer": [self.old_drainer], "pump": [self.old_pump], "kafka": self.brokers, "zookeeper": self.zookeepers}
        return nodes[component][int(name.removeprefix(component) or 1) - 1]

    def options_of(self, name):
        node, component = self.node(name), name.rstrip("0123456789")
        options = {"component": component, "deploy_dir": node.deploy_dir, "port": node.port, "evidence_file": self.proof,
                   "pd_urls": self.pd.url, "new_pumps": self.new_pump.advertised}
        if component == "drainer":
            options["old_pumps"] = self.old_pump.advertised
        else:
            options.update(new_drainers=",".join(each.advertised for each in self.drainers) or "127.0.0.1:1",
                           old_drainers=self.old_drainer.advertised)
        if component in ("drainer", "pump"):
            options["accept"] = "metrics" if self.mode == "rc2.3" else None
            options["tidbs"] = self.tidb.advertised
            if self.old_supervision != "command":
                options["supervision"] = "supervise"
        else:
            options.update(old_pumps=self.old_pump.advertised, data_dir=node.data_dir,
                           kafka_home=node.home if component == "kafka" else self.kafka.home,
                           stop_command=f"{node.deploy_dir}/scripts/run_{component}.sh stop",
                           brokers=",".join(each.address for each in self.brokers if each is not node) or None)
        return options

    def words(self, node, **changes):
        options = {**self.options_of(node), **changes}
        return [f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value is not None]

    def stop_old(self, node, *flags, **changes):
        return tool.run("decommission-legacy", *flags, *self.words(node, **changes), environment=self.environment)

    def undo(self, node, *flags, **changes):
        options = self.options_of(node)
        words = [f"--{name.replace('_', '-')}={value}" for name, value in
                 {**{name: options[name] for name in ("component", "deploy_dir", "port", "pd_urls", "supervision") if name in options},
                  **changes}.items() if value is not None]
        done = tool.run("decommission-legacy", "--action=undo", *flags, *words, environment=self.environment)
        if node == "drainer" and done.status == 0 and "--check" not in flags:
            self.wait_window()
        return done

    def wait_window(self):
        """Until the old Drainer, started again, has seen all Pumps once more: before that it can't be asked."""
        with open(self.proof, encoding="utf-8") as file:
            since = json.load(file)["since"]
        wait.until("the old Drainer's window is past the proof",
                   lambda: ((self.old_drainer.status() or {}).get("DepositWindow") or {}).get("Lower", 0) >= since)

    def start_new_drainer(self):
        """On a checkpoint of its own; returns when it is past the proof."""
        self.add_drainer(make_peer(self.new_path("drainer"), "v4.0.16", program="drainer"))
        drainer = self.drainers[-1]
        drainer.start()
        with open(self.proof, encoding="utf-8") as file:
            since = json.load(file)["since"]
        wait.until("the new Drainer is past the proof", lambda: (drainer.status() or {}).get("LastTS", 0) > since)

    def folder_of(self, node):
        options = self.options_of(node)
        return f"{options['deploy_dir']}/decommission/{options['component']}-{options['port']}"

    def manifest(self, node):
        with open(f"{self.folder_of(node)}/manifest.json", encoding="utf-8") as file:
            return json.load(file)


def running_as(pid):
    """What makes a process the one it was: executable, words, directory, environment, user."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        environment = file.read()
    return (process.executable(pid), process.command_line(pid), os.readlink(f"/proc/{pid}/cwd"), environment, process.user(pid))


def contents(folder):
    """{path: bytes} of all files below."""
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(where, name), "rb") as file:
                found[os.path.join(where, name)] = file.read()
    return found


def steps(call):
    return {step["name"]: step for step in call["steps"]}


def codes(call):
    """What speaks against it."""
    return {each["code"] for each in call["refusals"]}

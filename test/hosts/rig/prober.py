"""Looks at every Pump over the network and at the registry in PD's etcd, each 40 ms, in a process of its own.

    python3 -m hosts.rig.prober CONFIG OUT
CONFIG is JSON {"pd": URL, "tls": {ca, cert, key} or null, "pumps": {name: {address, port, node_id}}};
each line of OUT is [time, {name: [answers, state, update_ts]}]. SIGTERM ends it.

Nothing here is the project's code. A Pump that is refused, or has left `online` in the registry, is down; one that only
answers slowly is not, as long as it answers within PATIENCE.
"""
import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time

from support import net, paths, wait

PERIOD = 0.04
PATIENCE = 7.0  # longer than a Pump itself waits for PD before it answers, 5 s


class Sampler(threading.Thread):
    """Keeps calling `look`; `value` is what it last returned, None when it failed or for want of an answer."""

    def __init__(self, look):
        super().__init__(daemon=True)
        self._look = look
        self._seen = (time.monotonic(), None)
        self.start()

    def run(self):
        while True:
            begin = time.monotonic()
            try:
                value = self._look()
            except (OSError, ValueError):
                value = None
            self._seen = (time.monotonic(), value)
            time.sleep(max(0.001, begin + PERIOD - time.monotonic()))

    @property
    def value(self):
        when, value = self._seen
        return value if time.monotonic() - when < PATIENCE + 1 else None


def read_registry(pd, tls):
    prefix, end = (base64.b64encode(key).decode() for key in (b"/tidb-binlog/v1/pumps/", b"/tidb-binlog/v1/pumps0"))
    answer = net.http(f"{pd}/v3/kv/range", {"key": prefix, "range_end": end}, timeout=PATIENCE, tls=tls)
    nodes = (json.loads(base64.b64decode(kv["value"])) for kv in answer.get("kvs", []))
    return {node["nodeId"]: node for node in nodes}


def probe(config_file, out_file):
    with open(config_file, encoding="utf-8") as file:
        config = json.load(file)
    tls, stop = config["tls"], threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def ask(pump):
        url = f"{'https' if tls else 'http'}://{pump['address']}:{pump['port']}/status"
        return lambda: "status" in net.http(url, timeout=PATIENCE, tls=tls)
    registry = Sampler(lambda: read_registry(config["pd"], tls))
    answers = {name: Sampler(ask(pump)) for name, pump in config["pumps"].items()}
    # PD away is no statement about a Pump: the last entry read stands.
    known = {}
    with open(out_file, "w", encoding="utf-8") as out:
        while not stop.is_set():
            known = registry.value or known
            seen = {}
            for name, pump in config["pumps"].items():
                node = known.get(pump["node_id"], {})
                seen[name] = [bool(answers[name].value), node.get("state", ""), node.get("updateTS", 0)]
            out.write(json.dumps([time.time(), seen]) + "\n")
            out.flush()
            stop.wait(PERIOD)


class Prober:
    """Runs it beside a rig, and judges what it saw."""

    def __init__(self, rig, down=()):
        """`down` names the Pumps that are so before it begins, as far as it can see."""
        self._base = rig.new_path("probe")
        self._rig = rig
        self._down = down
        self._process = None
        self.rows = []

    def __enter__(self):
        config = {"pd": self._rig.pd.url, "tls": self._rig.tls,
                  "pumps": {pump.name: {"address": pump.address, "port": pump.port, "node_id": pump.node_id}
                            for pump in self._rig.pumps}}
        with open(f"{self._base}.json", "w", encoding="utf-8") as file:
            json.dump(config, file)
        self._process = subprocess.Popen(
            ["nice", "-n", "-5", sys.executable, "-m", "hosts.rig.prober", f"{self._base}.json", f"{self._base}.jsonl"],
            env={**self._rig.environment, "PYTHONPATH": str(paths.TESTS)}, stdin=subprocess.DEVNULL)
        wait.until("the prober sees the Pumps", lambda: (rows := self._read()) and all(
            self.up(seen) for name, seen in rows[-1][1].items() if name not in self._down))
        self._skip = len(self._read()) - 1
        return self

    def __exit__(self, *_):
        assert self._process.poll() is None, "the prober ended by itself"
        self._process.terminate()
        self._process.wait(10)
        self.rows = self._read()[self._skip:]

    def _read(self):
        if not os.path.exists(f"{self._base}.jsonl"):
            return []
        with open(f"{self._base}.jsonl", encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    @staticmethod
    def up(seen):
        answers, state, _ = seen
        return answers and state == "online"

    def down_windows(self, name):
        """[(from, to)] in which a Pump was down."""
        found, since = [], None
        for when, seen in self.rows:
            if not self.up(seen[name]):
                since = since or when
            elif since:
                found.append((since, when))
                since = None
        return found + ([(since, self.rows[-1][0])] if since else [])

    def downtimes(self):
        """{name: [milliseconds]}"""
        return {pump.name: [round((to - since) * 1000) for since, to in self.down_windows(pump.name)]
                for pump in self._rig.pumps}

    def assert_one_at_a_time(self):
        worst = max(self.rows, key=lambda row: sum(not self.up(seen) for seen in row[1].values()))
        down = {name: seen for name, seen in worst[1].items() if not self.up(seen)}
        assert len(down) <= 1, f"down together at {worst[0]:.3f}: {down}"

    def assert_only(self, *names):
        """No other Pump than these was down."""
        seen = {name: windows for name in (pump.name for pump in self._rig.pumps)
                if name not in names and (windows := self.down_windows(name))}
        assert not seen, f"were down: {seen}"


if __name__ == "__main__":
    probe(*sys.argv[1:])

"""The outside witness: looks at every Pump each 20 ms by /proc, etcd's gateway and HTTP, in a process of its own.

    python3 -m support.witness CONFIG OUT
CONFIG is JSON {"pd": URL, "pumps": {name: {binary, address, port, node_id}}};
each line of OUT is [time, {name: [pid, state, update_ts, answers]}]. SIGTERM ends it.
"""
import base64
import json
import os
import signal
import sys
import threading
import time

from . import net

PERIOD = 0.02
STALE = 1.0  # an observation older than this is none


class Sampler(threading.Thread):
    """Keeps calling `look`; `value` is what it last returned, None when that is too old or it failed."""

    def __init__(self, look):
        super().__init__(daemon=True)
        self._look = look
        self._seen = (0.0, None)
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
        return value if time.monotonic() - when < STALE else None


class Witness:
    def __init__(self, config):
        self._pumps = config["pumps"]
        self._pids = dict.fromkeys(self._pumps)
        self._registry = Sampler(lambda: self._read_registry(config["pd"]))
        self._answers = {name: Sampler(self._asker(pump)) for name, pump in self._pumps.items()}

    def _read_registry(self, url):
        prefix, end = (base64.b64encode(key).decode() for key in (b"/tidb-binlog/v1/pumps/", b"/tidb-binlog/v1/pumps0"))
        answer = net.http(f"{url}/v3/kv/range", {"key": prefix, "range_end": end}, timeout=STALE)
        nodes = (json.loads(base64.b64decode(kv["value"])) for kv in answer.get("kvs", []))
        return {node["nodeId"]: node for node in nodes}

    def _asker(self, pump):
        url = f"http://{pump['address']}:{pump['port']}/status"

        def ask():
            return net.http(url, timeout=STALE).get("ErrMsg") == ""
        return ask

    def _pid(self, name):
        binary = self._pumps[name]["binary"]
        if not _runs(self._pids[name], binary):
            found = [pid for pid in os.listdir("/proc") if pid.isdigit() and _runs(pid, binary)]
            self._pids[name] = found[0] if found else None
        return int(self._pids[name] or 0)

    def look(self):
        registry = self._registry.value or {}
        seen = {}
        for name, pump in self._pumps.items():
            node = registry.get(pump["node_id"], {})
            seen[name] = [self._pid(name), node.get("state", ""), node.get("updateTS", 0),
                          bool(self._answers[name].value)]
        return seen


def _runs(pid, binary):
    try:
        return pid is not None and os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)") == binary
    except OSError:
        return False


def watch(config_file, out_file):
    with open(config_file, encoding="utf-8") as file:
        witness = Witness(json.load(file))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    time.sleep(0.3)  # the samplers' first looks
    tick = time.monotonic()
    with open(out_file, "w", encoding="utf-8") as out:
        while not stop.is_set():
            out.write(json.dumps([time.time(), witness.look()]) + "\n")
            out.flush()
            tick = max(tick + PERIOD, time.monotonic() - PERIOD)
            time.sleep(max(0, tick - time.monotonic()))


if __name__ == "__main__":
    watch(*sys.argv[1:])

"""Runs the witness beside a cluster, and judges what it saw."""
import json
import os
import subprocess
import sys

from . import paths, wait


class Watcher:
    def __init__(self, cluster):
        self._base = cluster.new_path("watch")
        self._cluster = cluster
        self._process = None
        self.rows = []

    def __enter__(self):
        config = {"pd": self._cluster.pd.url,
                  "pumps": {pump.name: {"binary": pump.binary, "address": pump.address, "port": pump.port,
                                        "node_id": pump.node_id} for pump in self._cluster.pumps}}
        with open(f"{self._base}.json", "w", encoding="utf-8") as file:
            json.dump(config, file)
        self._process = subprocess.Popen(
            ["nice", "-n", "-5", sys.executable, "-m", "support.witness", f"{self._base}.json", f"{self._base}.jsonl"],
            env={**self._cluster.environment, "PYTHONPATH": str(paths.TESTS)}, stdin=subprocess.DEVNULL)
        wait.until("the watcher sees the Pumps", lambda: os.path.exists(f"{self._base}.jsonl")
                   and os.path.getsize(f"{self._base}.jsonl") > 0)
        return self

    def __exit__(self, *_):
        assert self._process.poll() is None, "the watcher ended by itself"
        self._process.terminate()
        self._process.wait(10)
        with open(f"{self._base}.jsonl", encoding="utf-8") as file:
            self.rows = [json.loads(line) for line in file]

    @staticmethod
    def online(seen):
        pid, state, _, answers = seen
        return bool(pid) and state == "online" and answers

    def not_online(self):
        """[(time, names of the Pumps not online)], one for each look."""
        return [(when, sorted(name for name, one in seen.items() if not self.online(one))) for when, seen in self.rows]

    def windows(self, name):
        """[(from, to)] in which a Pump was not online."""
        found, since = [], None
        for when, seen in self.rows:
            if not self.online(seen[name]):
                since = since or when
            elif since:
                found.append((since, when))
                since = None
        return found + ([(since, self.rows[-1][0])] if since else [])

    def pids(self, name):
        """The pids a Pump had, in order."""
        found = []
        for _, seen in self.rows:
            if seen[name][0] and (not found or found[-1] != seen[name][0]):
                found.append(seen[name][0])
        return found

    def assert_one_at_a_time(self):
        worst = max(self.not_online(), key=lambda look: len(look[1]))
        assert len(worst[1]) <= 1, f"not online together at {worst[0]:.3f}: {worst[1]}"

    def assert_nothing_stopped(self, besides=()):
        """Every Pump kept its pid and was online at every look, but those in `besides`."""
        for name in set(self.rows[0][1]) - set(besides):
            assert len(self.pids(name)) == 1, f"{name} had the pids {self.pids(name)}"
            assert not self.windows(name), f"{name} was not online: {self.windows(name)}"

    def assert_looked_often(self):
        gaps = sorted(later[0] - earlier[0] for earlier, later in zip(self.rows, self.rows[1:]))
        assert gaps[len(gaps) // 2] < 0.03, f"median distance of two looks: {gaps[len(gaps) // 2] * 1000:.0f} ms"
        assert gaps[-1] < 0.5, f"nobody looked for {gaps[-1] * 1000:.0f} ms"

"""The client that behaves like TiDB's, running beside a test."""
import json
import subprocess

from . import paths


class Writer:
    def __init__(self, cluster, rate=50, rows=None):
        """`rows`: a file that gets the payload of each committed transaction."""
        self._cluster = cluster
        self._rows = rows
        self._rate = rate
        self._out = cluster.new_path("writes.json")
        self._process = None
        self.summary = None

    def __enter__(self):
        command = [paths.peer("writer"), "--pd-urls", self._cluster.pd.url, "--rate", str(self._rate),
                   "--out", self._out]
        if self._rows:
            command += ["--rows", self._rows]
        for name, path in (self._cluster.tls or {}).items():
            command += [f"--ssl-{name}", path]
        with open(f"{self._out}.log", "wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                             env=self._cluster.environment, start_new_session=True)
        return self

    def __exit__(self, *_):
        assert self._process.poll() is None, f"the writer ended by itself: see {self._out}.log"
        self._process.terminate()
        self._process.wait(60)
        with open(self._out, encoding="utf-8") as file:
            self.summary = json.load(file)

    @property
    def refused(self):
        """Writes lost to the client: refused prewrites, and commit binlogs given up."""
        return self.summary["refused"] + self.summary["commit_given_up"]

    def assert_nothing_refused(self):
        assert self.summary["attempted"] > 0, "nothing was written"
        assert self.refused == 0, f"{self.refused} of {self.summary['attempted']} writes were refused: {self.summary}"

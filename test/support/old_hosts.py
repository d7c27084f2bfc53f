"""Hosts of an old deployment: the old Pump, the old Drainer, and a TiDB before and after its switch (support.legacy)."""
import json
import os
import time
import urllib.request

from . import net, wait
from .host import RUN, Host

PUMPS = "/tidb-binlog/pumps/"
CISTERNS = "/tidb-binlog/cisterns/"
CLUSTER_ID = 4012345678901234567

RUN_OLD_PUMP = RUN + """\
rm -f status/pump.sock
exec bin/pump \\
    --addr="0.0.0.0:{port}" \\
    --advertise-addr="{address}:{port}" \\
    --pd-urls="{pd_urls}" \\
    --socket="unix://{deploy_dir}/status/pump.sock" \\
    --data-dir="{deploy_dir}/data.pump" \\
    --log-file="{deploy_dir}/log/pump.log" \\
    {kafka_flags} --config=conf/pump.toml 2>> "{deploy_dir}/log/pump_stderr.log"
"""

RUN_OLD_DRAINER = RUN + """\
exec bin/drainer \\
    --addr="{address}:{port}" \\
    --pd-urls="{pd_urls}" \\
    --data-dir="{deploy_dir}/data.drainer" \\
    --log-file="{deploy_dir}/log/drainer.log" \\
    {kafka_flags} --config=conf/drainer.toml 2>> "{deploy_dir}/log/drainer_stderr.log"
"""

RUN_TIDB = RUN + """\
exec bin/tidb-server \\
    -P {mysql_port} \\
    --status="{port}" \\
    --advertise-address="{address}" \\
    --path="{pd_endpoints}" \\
    --log-file="{deploy_dir}/log/tidb.log" \\
    --standin-rate="{rate}" --standin-tag="{name}" --standin-dir="{deploy_dir}/data.tidb" \\
    {binlog_flags} 2>> "{deploy_dir}/log/tidb_stderr.log"
"""

PUMP_TOML = """\
gc = 5
heartbeat-interval = 2
gen-binlog-interval = 1
"""  # 3 by default; quicker for tests

DRAINER_TOML = """\
detect-interval = {detect_interval}
{more}

[syncer]
{destination}
"""

FILE_DESTINATION = """\
db-type = "pb"
[syncer.to]
dir = "{folder}"
"""


class Asked:
    """What answers over HTTP, wherever it runs: one has address and port."""

    def status(self):
        """The parsed /status, or None."""
        return net.answers(self.address, self.port)

    def metrics(self):
        """{series: value} of /metrics."""
        with urllib.request.urlopen(f"http://{self.address}:{self.port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line and line[0] != "#"}


class AskedPump(Asked):
    """`socket` is what the TiDB beside it writes to."""

    @property
    def node_id(self):
        return f"{self.name}:{self.port}"

    @property
    def socket(self):
        return f"{self.deploy_dir}/status/pump.sock"

    def is_online(self):
        return self.node_id in ((self.status() or {}).get("LatestBinlog") or {})


class AskedDrainer(Asked):
    def is_online(self):
        return bool((self.status() or {}).get("PumpPos"))


class Business(Asked):
    """What a TiDB of the tests is asked on its status port, wherever it runs; `data_dir` as seen from here."""

    def pause(self):
        """Stops business; returns when no transaction is in flight."""
        return self._post("pause")

    def resume(self):
        return self._post("resume")

    def ddl(self, query):
        """Runs a DDL through the old Pump, and returns its commit TS."""
        return self._post("ddl", {"query": query})["commit_ts"]

    def write_row(self):
        """One transaction, also while business is paused."""
        self._post("row")

    @property
    def summary(self):
        """The writer's counts, over all its lives: attempted, committed, refused, commit_given_up, ..."""
        if self.pid:
            return net.http(f"http://{self.address}:{self.port}/standin/summary")
        with open(f"{self.data_dir}/summary.json", encoding="utf-8") as file:
            return json.load(file)

    @property
    def rows(self):
        """Payloads of its committed transactions, over all its lives."""
        with open(f"{self.data_dir}/rows", encoding="utf-8") as file:
            return file.read().split()

    def _post(self, verb, body=None):
        return net.http(f"http://{self.address}:{self.port}/standin/{verb}", body or {}, timeout=60)

    def is_online(self):
        return bool(net.answers(self.address, self.port, "/info"))

    def switch(self, binary, wait_ready=True, flags="--enable-binlog"):
        """What the operator does: stop it, put the new version there, start it with --enable-binlog. Business is paused
        or runs as it did before."""
        self.stop()
        self._values["binlog_flags"] = flags
        self.install(binary)
        self.start(wait_ready)


class Old(Asked, Host):
    """A host of the old deployment; its programs are plain processes, started as by hand, unless `supervision` says
    otherwise. Live knobs: set_knobs()."""

    def __init__(self, name, cluster, address, mode, supervision="command"):
        super().__init__(name, cluster.folder, address, cluster.pd.url, cluster.environment, supervision)
        self.cluster, self.mode = cluster, mode
        flags = ""
        if cluster.kafka:
            kafka, zookeeper = (",".join(each.address for each in parts) for parts in (cluster.brokers, cluster.zookeepers))
            flags = f'--kafka-addrs="{kafka}" --zookeeper-addrs="{zookeeper}"'
        self._values.update(kafka_flags=flags, name=name, pd_endpoints=cluster.pd.url.removeprefix("http://"))

    def terminate(self):
        """SIGTERM, without waiting for the end; wait_ended() does."""
        os.kill(self.pid, 15)

    def wait_ended(self, seconds=30):
        wait.until(f"{self.name}'s {self.component} has ended", lambda: not self.pid, seconds)


class OldPump(AskedPump, Old):
    """One for each TiDB, on the TiDB's host."""

    component = "pump"
    run_script = RUN_OLD_PUMP

    @property
    def topic(self):
        return f"{CLUSTER_ID}_{self.node_id.replace(':', '_')}"

    def configuration(self):
        return PUMP_TOML

    def install(self, binary):
        super().install(binary)
        self.write("data.pump/.node", self.node_id, 0o600)
        self.give_to_user()

    @property
    def registered(self):
        """Its object in the registry, parsed; None where there is none."""
        text = self.cluster.pd.get(f"{PUMPS}{self.node_id}/object")
        return json.loads(text) if text else None

    @property
    def alive_key(self):
        """Text of its alive key; None where that is gone."""
        return self.cluster.pd.get(f"{PUMPS}{self.node_id}/alive")


class OldDrainer(AskedDrainer, Old):
    """`destination`: the [syncer] part of its configuration; `more`: other lines of it."""

    component = "drainer"
    run_script = RUN_OLD_DRAINER

    def __init__(self, *arguments, destination=None, detect_interval=1, more=""):
        super().__init__(*arguments)
        self.out = f"{self.deploy_dir}/out"
        self.destination = destination or FILE_DESTINATION.format(folder=self.out)
        self._detect_interval, self._more = detect_interval, more

    def wait_ready(self, seconds=30):
        if self.mode == "v1.1":
            time.sleep(self._detect_interval + 1)  # asked before its first poll it would hang for ever
        super().wait_ready(seconds)

    @property
    def node_id(self):
        return f"{os.uname().nodename}:{self.port}"

    def configuration(self):
        return DRAINER_TOML.format(destination=self.destination, detect_interval=self._detect_interval, more=self._more)

    @property
    def savepoint(self):
        """Path of its file checkpoint (pb destination; every destination of the Local version)."""
        return f"{self.data_dir}/{'savePoint' if self.mode == 'rc2.3' else 'savepoint'}"


class Tidb(Business, Old):
    """A tidb-server that writes transactions at a rate: through the old Pump of its host, or, switched, through the new
    Pumps. `port` is its status port."""

    component = "tidb"
    run_script = RUN_TIDB

    def __init__(self, *arguments, pump, rate=20):
        super().__init__(*arguments)
        self.binary = f"{self.deploy_dir}/bin/tidb-server"
        self._values.update(mysql_port=net.free_port(), rate=rate, binlog_flags=f'--binlog-socket="{pump.socket}"')

    def configuration(self):
        return ""

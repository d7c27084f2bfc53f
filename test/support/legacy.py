"""An old deployment, before the migration to the Cluster version: old Pumps beside their TiDBs, one old Drainer, and for
the Kafka version a ZooKeeper and a Kafka broker.

    with LegacyCluster() as old: ...             # Kafka version, into a MariaDB
    with LegacyCluster(mode="rc2.3", downstream="file") as old: ...

Programs and their knobs: test/peers/README.md, "The old versions". Processes run as the user tidb, started by nohup.
"""
import base64
import concurrent.futures
import json
import os
import tomllib

from . import wait
from .cluster import Cluster, make_peer
from .kafka import Kafka
from .mariadb import MariaDb
from .old_hosts import CLUSTER_ID, OldDrainer, OldPump, Tidb
from .zookeeper import Zookeeper

OLD_TIDB, NEW_TIDB = "v2.0.11", "v4.0.16"


class OldDeployment:
    """What there is to ask of an old deployment, wherever its hosts are: one has pd, old_pumps, tidbs, old_drainer, mariadb or
    None, and mode."""

    def _set_cluster_id(self):
        self.pd.call("kv/put", {"key": base64.b64encode(b"/pd/cluster_id").decode(),
                                "value": base64.b64encode(CLUSTER_ID.to_bytes(8, "big")).decode()})

    def new_tidb(self, version=NEW_TIDB):
        """A binary to switch TiDBs to."""
        return make_peer(self.new_path("new-tidb"), version, program="tidb")

    @property
    def attempted(self):
        return sum(tidb.summary["attempted"] for tidb in self.tidbs)

    @property
    def refused(self):
        """Writes lost to the clients: refused prewrites, and commit binlogs given up."""
        return sum(tidb.summary["refused"] + tidb.summary["commit_given_up"] for tidb in self.tidbs)

    @property
    def sent(self):
        """Payloads of all committed transactions."""
        return [row for tidb in self.tidbs for row in tidb.rows]

    @property
    def received(self):
        """Payloads that arrived downstream, in order of arrival."""
        if self.mariadb:
            return [row[0] for row in self.mariadb.query("select payload from standin.rows order by number") or []]
        return read_rows(f"{self.old_drainer.out}/rows")

    @property
    def checkpoint(self):
        """The old Drainer's checkpoint as stored, parsed: the row, or the TOML file; None before the first save."""
        if self.mariadb and self.mode != "rc2.3":
            found = self.mariadb.query("select checkPoint from tidb_binlog.checkpoint")
            return json.loads(found[0][0]) if found else None
        if not os.path.exists(self.old_drainer.savepoint):
            return None
        with open(self.old_drainer.savepoint, "rb") as file:
            return tomllib.load(file)

    def wait_received(self, seconds=60):
        """Until all that was sent has arrived. Business must be paused."""
        sent = set(self.sent)
        try:
            wait.until("all rows arrived downstream", lambda: sent <= set(self.received), seconds, every=1)
        except wait.NotInTime:
            missing = sorted(sent - set(self.received))
            raise AssertionError(f"{len(missing)} of {len(sent)} rows have not arrived within {seconds} s: {missing[:5]} to "
                                 f"{missing[-5:]}") from None


class LegacyCluster(OldDeployment, Cluster):
    """mode: "kafka" (the branch's last), "v1.1", "v1.0", or "rc2.3" (Local). `downstream`: "mariadb" or "file".
    `old_pumps` and `tidbs` are lists in step; `zookeeper` and `kafka` are None with rc2.3; new Pumps come by
    add_pump(), a new Drainer by add_drainer(). Business runs from the start, unless rate=0. `zookeepers` and `brokers` of
    more than one: `zookeeper` and `kafka` are the first of them. `old_supervision`: that of old Pumps and Drainer."""

    def __init__(self, mode="kafka", tidbs=2, downstream="mariadb", rate=20, detect_interval=1, start=True, drainer_more="",
                 zookeepers=1, brokers=1, old_supervision="command"):
        super().__init__(old=None, pumps=0, start=False)
        self.mode, self.old_supervision = mode, old_supervision
        self.zookeeper = self.kafka = self.mariadb = None
        self.zookeepers, self.brokers = [], []
        self.old_pumps, self.tidbs, self.old_drainer = [], [], None
        try:
            self._set_cluster_id()
            if mode != "rc2.3":
                self.zookeepers = Zookeeper.ensemble(f"{self.folder}/zookeeper/deploy", self.environment, zookeepers)
                self.brokers = [Kafka(f"{self.folder}/kafka/deploy{'' if number == 1 else number}", self.zookeepers,
                                      self.environment, broker=number) for number in range(1, brokers + 1)]
                self.zookeeper, self.kafka = self.zookeepers[0], self.brokers[0]
            with concurrent.futures.ThreadPoolExecutor(1) as beside:
                queue = beside.submit(self._start_queue) if start else None
                if downstream == "mariadb":
                    self.mariadb = MariaDb(f"{self.folder}/mariadb", self.environment)
                self._make_hosts(tidbs, rate, detect_interval, drainer_more)
            if start:
                queue.result()
                self._start_programs()
        except BaseException:
            self.close(keep_files=True)
            raise

    def _make_hosts(self, tidbs, rate, detect_interval, drainer_more):
        pump, drainer = (make_peer(self.new_path(f"old-{program}"), self.mode, program=f"old-{program}")
                         for program in ("pump", "drainer"))
        tidb = make_peer(self.new_path("old-tidb"), OLD_TIDB, program="tidb")
        for number in range(1, tidbs + 1):
            name, address = f"tidb{number}", f"{self._network}.{150 + number}"
            self.old_pumps.append(OldPump(name, self, address, self.mode, self.old_supervision))
            self.old_pumps[-1].install(pump)
            self.tidbs.append(Tidb(name, self, address, self.mode, pump=self.old_pumps[-1], rate=rate))
            self.tidbs[-1].install(tidb)
        self.old_drainer = OldDrainer("olddrainer", self, f"{self._network}.190", self.mode, self.old_supervision,
                                      more=drainer_more, destination=self.mariadb and self.mariadb.destination,
                                      detect_interval=detect_interval)
        self.old_drainer.install(drainer)

    def start_old(self):
        """In the documented order: ZooKeeper, Kafka, Pumps, TiDBs, Drainer."""
        self._start_queue()
        self._start_programs()

    def _start_queue(self):
        for zookeeper in self.zookeepers:
            zookeeper.begin()
        for zookeeper in self.zookeepers:
            zookeeper.wait_up()
        for broker in self.brokers:
            broker.start()  # the first one becomes the controller

    def _start_programs(self):
        for parts in (self.old_pumps, self.tidbs, [self.old_drainer]):
            for part in parts:
                part.start(wait_ready=False)
            for part in parts:
                part.wait_ready()

    def add_pump(self, binary, start=True):
        """One more host with a new Pump, as deployed."""
        number = len(self.pumps) + 1
        self.pumps.append(self._make_pump(number, f"{self._network}.{10 + number}", binary))
        self.write_inventory()
        if start:
            self.pumps[-1].start()
        return self.pumps[-1]


def read_rows(path):
    """Payloads in a file destination, DDL left out."""
    try:
        with open(path, encoding="utf-8") as file:
            return [line.split("\t")[0] for line in file if not line.startswith("DDL\t")]
    except FileNotFoundError:
        return []

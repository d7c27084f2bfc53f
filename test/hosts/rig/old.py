"""An old deployment on hosts of its own, and empty hosts for the Cluster version: what a migration begins with.

    with OldRig() as rig: ...                                     # Kafka version
    with OldRig(mode="rc2.3", drainer_unit="drainer") as rig: ... # Local version, and a unit for the old Drainer

An old Pump and its TiDB share a host and a deploy_dir, as tidb-ansible has them; the old Drainer was put on a host by hand, that
of Kafka and ZooKeeper where there are such. The downstream is a MariaDB on the control host.
"""
import contextlib
import os
import shutil
import signal

from support import java, old_hosts, wait
from support.cluster import make_peer
from support.host import write_knobs
from support.kafka import Kafka
from support.legacy import OLD_TIDB, OldDeployment
from support.mariadb import MariaDb
from support.migration import Operator
from support.zookeeper import Zookeeper

from . import layout
from .host import DEPLOY_DIR, Host
from .rig import Rig

# As the branches of the Kafka version have it: started again whatever its end was, and systemd's own way to stop.
UNIT = """\
[Unit]
Description={component} service
After=syslog.target network.target remote-fs.target nss-lookup.target

[Service]
LimitNOFILE=1000000
User=tidb
ExecStart={deploy_dir}/scripts/run_{component}.sh
Restart=always
RestartSec=15s

[Install]
WantedBy=multi-user.target
"""


class Program:
    """A program of the old deployment on one of the hosts: started over SSH by nohup, or, with a `unit`, by systemd."""

    def __init__(self, machine, component, port, run_script, configuration="", unit=None, **values):
        self.machine, self.component, self.port, self.unit = machine, component, port, unit
        self.name, self.address, self.deploy_dir = machine.name, machine.address, DEPLOY_DIR
        self.binary = {"tidb": "tidb-server"}.get(component, component)
        self.data_dir = machine.seen(f"{DEPLOY_DIR}/data.{component}")
        self._run_script, self._configuration = run_script, configuration
        self._values = {"deploy_dir": DEPLOY_DIR, "port": port, "address": machine.address, "pd_urls": machine.rig.pd.url,
                        "component": component, **values}

    @property
    def advertised(self):
        return f"{self.address}:{self.port}"

    def install(self, binary):
        for folder in (*layout.FOLDERS, f"data.{self.component}"):
            os.makedirs(self.machine.seen(f"{DEPLOY_DIR}/{folder}"), exist_ok=True)
        path = self.machine.seen(f"{DEPLOY_DIR}/bin/{self.binary}")
        shutil.copy2(binary, f"{path}.new")
        os.rename(f"{path}.new", path)
        self.write(f"scripts/run_{self.component}.sh", self._run_script.format(**self._values), 0o755)
        self.write(f"conf/{self.component}.toml", self._configuration, 0o644)
        self.set_knobs()
        if self.unit:
            with open(self.unit_file, "w", encoding="utf-8") as file:
                file.write(UNIT.format(**self._values))
        layout.give_to_tidb(self.machine.data)

    @property
    def unit_file(self):
        return self.machine.seen(f"/etc/systemd/system/{self.unit}.service")

    def write(self, name, text, mode):
        path = self.machine.seen(f"{DEPLOY_DIR}/{name}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def set_knobs(self, **knobs):
        write_knobs(self.data_dir, knobs)

    def start(self, wait_ready=True):
        if self.unit:
            self.machine.systemctl("enable", "--now", self.unit)
        else:
            self.machine.ssh(f"nohup {DEPLOY_DIR}/scripts/run_{self.component}.sh >/dev/null 2>&1 </dev/null &")
        if wait_ready:
            self.wait_ready()

    def wait_ready(self, seconds=60):
        wait.until(f"{self.component} of {self.name} answers", self.is_online, seconds)

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            if pid := self.pid:
                os.kill(pid, signal.SIGTERM)
        wait.until(f"{self.component} of {self.name} has ended", lambda: not self.pid)

    @property
    def pid(self):
        found = self.machine.pids(self.binary)
        assert len(found) <= 1, f"{self.binary} runs {len(found)} times on {self.name}: {found}"
        return found[0] if found else None


class OldPump(old_hosts.AskedPump, Program):
    pass


class OldDrainer(old_hosts.AskedDrainer, Program):
    pass


class Tidb(old_hosts.Business, Program):
    pass


class OldRig(Operator, OldDeployment, Rig):
    everywhere = {}

    def __init__(self, mode="kafka", tidbs=2, pumps=2, rate=20, drainer_unit=None):
        self._drainer_unit = drainer_unit
        if drainer_unit:
            self.old_drainer_kept = {"old_drainer_supervision": "systemd", "old_drainer_service": drainer_unit}
        self.mode, self._rate, self._tidb_count = mode, rate, tidbs
        self.zookeeper = self.kafka = self.mariadb = self.old_drainer = self.new_drainer = None
        self.old_pumps, self.tidbs, self.zookeepers, self.brokers = [], [], [], []
        super().__init__(pumps=pumps, deployed=False)
        try:
            self._set_cluster_id()
            self.mariadb = MariaDb(f"{self.folder}/mariadb", self.environment, self.control_address)
            self._place()
            self.new_drainer, = self.drainers
            self.everywhere = {
                "ansible_user": "tidb", "ansible_ssh_private_key_file": self._key,
                "ansible_ssh_common_args": " ".join(self.ssh_options), "process_supervision": "systemd"}
            self.prepare_control_host()
            self.write_inventory()
            self._start_old()
        except BaseException:
            self.close()
            raise

    def _make_others(self):
        shares = [java.JARS, java.DEBIAN, *java.runtime()[1]] if self.mode != "rc2.3" else []
        machines = [Host(self, f"tidb{number}", 20 + number, self.layers) for number in range(1, self._tidb_count + 1)]
        machines.append(Host(self, "olddrainer", 30, self.layers, disk="600m", shares=shares))
        return machines

    def _place(self):
        """All programs, on hosts that are up."""
        *beside, queue = self.others
        flags = ""
        if self.mode != "rc2.3":
            os.symlink(java.runtime()[0], queue.seen("/usr/bin/java"))
            self.zookeepers = [Zookeeper("/data/zookeeper", self.environment, queue)]
            self.brokers = [Kafka("/data/kafka", self.zookeepers, self.environment, machine=queue)]
            (self.zookeeper,), (self.kafka,) = self.zookeepers, self.brokers
            flags = f'--kafka-addrs="{self.kafka.address}" --zookeeper-addrs="{self.zookeeper.address}"'
        old_pump, old_drainer = (make_peer(self.new_path(f"old-{program}"), self.mode, program=f"old-{program}")
                                 for program in ("pump", "drainer"))
        tidb = make_peer(self.new_path("old-tidb"), OLD_TIDB, program="tidb")
        for machine in beside:
            self.old_pumps.append(OldPump(machine, "pump", 8250, old_hosts.RUN_OLD_PUMP, old_hosts.PUMP_TOML, "pump",
                                          kafka_flags=flags))
            self.old_pumps[-1].install(old_pump)
            self.tidbs.append(Tidb(machine, "tidb", 10080, old_hosts.RUN_TIDB, name=machine.name, mysql_port=4000, rate=self._rate,
                                   pd_endpoints=self.pd.url.removeprefix("http://"),
                                   binlog_flags=f'--binlog-socket="{self.old_pumps[-1].socket}"'))
            self.tidbs[-1].install(tidb)
        configuration = old_hosts.DRAINER_TOML.format(destination=self.mariadb.destination, detect_interval=1, more="")
        self.old_drainer = OldDrainer(queue, "drainer", 8249, old_hosts.RUN_OLD_DRAINER, configuration, self._drainer_unit,
                                     kafka_flags=flags)
        self.old_drainer.install(old_drainer)
        layout.give_to_tidb(queue.data)

    def _start_old(self):
        for part in filter(None, (self.zookeeper, self.kafka)):
            part.start()
        for part in (*self.old_pumps, *self.tidbs, self.old_drainer):
            part.start()

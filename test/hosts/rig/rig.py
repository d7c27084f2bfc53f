"""Hosts of one's own on one machine, with tidb-ansible's cluster on them.

    with Rig() as rig: ...

Three Pumps, a Drainer, and PD's etcd, each with an address of its own on one network. Rigs do not see each other: number,
network, bridge, namespaces and control groups are the rig's own. When its owner is gone, however it ended, a keeper
takes it down (see takedown.py).
"""
import itertools
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from support import net, playbook, tool, wait
from support.cluster import make_peer
from support.pd import Pd

from . import image, layout, needs, takedown
from .certificates import Certificates
from .host import DEPLOY_DIR, Node

OLD, NEW = "v4.0.14", "v4.0.16"
ROOM = "available_bytes=107374182400"  # the hosts' disks are large for a Pump, whatever they are

INVENTORY = """\
[pd_servers]
pd1 ansible_host={pd.host} pd_client_port={pd.port}

[pump_servers]
{pumps}

[drainer_servers]
{drainers}

[all:vars]
ansible_user = tidb
ansible_ssh_private_key_file = {key}
ansible_ssh_common_args = {ssh_options}
cluster_name = hosts
enable_binlog = True
enable_tls = {tls}
process_supervision = {supervision}
{extra}
"""


class Rig:
    def __init__(self, userland="debian12", pumps=3, drainers=1, supervision="systemd", tls=False, deployed=True,
                 start=True, disk="300m", stop_timeout=10, base=None):
        self.layers = image.layers(userland)
        needs.check()
        self.number, hold = net.free_number("rig", 200)
        takedown.clear(self.number)
        self.folder = tempfile.mkdtemp(prefix=f"tbu-rig.{self.number}.", dir=base or os.environ.get("TBU_TMP"))
        os.chmod(self.folder, 0o755)
        self.prefix, self.network = takedown.prefix(self.number), takedown.network(self.number)
        self.control_address = f"{self.network}.1"
        self.stop_timeout = stop_timeout
        self.supervision = supervision
        self._numbers = itertools.count(1)
        self._keeper = subprocess.Popen(
            [sys.executable, takedown.__file__, "--keep", str(self.number), self.folder], stdin=subprocess.PIPE,
            start_new_session=True, pass_fds=[hold], cwd="/", env={"PATH": os.environ["PATH"]})
        try:
            began = time.monotonic()
            self._make_control_host()
            self._make_network()
            self.certificates = self._make_certificates(pumps, drainers) if tls else None
            self.tls = self.certificates and self.certificates.files("client")
            self._start_pd()
            self.pumps = [self._make(f"pump{number}", number, "pump", disk) for number in range(1, pumps + 1)]
            self.drainers = [self._make(f"drainer{number}", pumps + number, "drainer", disk)
                             for number in range(1, drainers + 1)]
            self.others = self._make_others()
            self.write_inventory()
            if deployed:
                self._deploy()
            for host in (*self.hosts, *self.others):
                host.boot()
            for host in (*self.hosts, *self.others):
                host.wait_up()
            self.boot_seconds = time.monotonic() - began
            if deployed and start:
                self.start()
        except BaseException:
            self.close()
            raise

    def _make_control_host(self):
        os.makedirs(f"{self.folder}/home/.ssh", mode=0o700)
        os.makedirs(f"{self.resources_dir}/bin")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "control", "-f", self._key], check=True)
        self.public_key = pathlib.Path(f"{self._key}.pub").read_text(encoding="ascii")
        keep = ("PATH", "LANG", "TBU_RUN", "TBU_SWITCH_OFF")
        self.environment = {**{name: os.environ[name] for name in keep if name in os.environ},
                            takedown.MARK: self.folder, "HOME": f"{self.folder}/home"}
        self.ssh_options = []
        for option in ("-F none", f"-i {self._key}", "-o StrictHostKeyChecking=no", "-o UserKnownHostsFile=/dev/null",
                       "-o GlobalKnownHostsFile=/dev/null", "-o LogLevel=ERROR", "-o IdentitiesOnly=yes"):
            self.ssh_options += option.split(" ", 1)
        self.ssh_options += ["-o", "ConnectTimeout=5", "-o", "BatchMode=yes"]

    @property
    def _key(self):
        return f"{self.folder}/home/.ssh/id_ed25519"

    @property
    def resources_dir(self):
        return f"{self.folder}/resources"

    def _make_network(self):
        self._ip("link", "add", self.prefix, "type", "bridge")
        self._ip("addr", "add", f"{self.control_address}/24", "dev", self.prefix)
        self._ip("link", "set", self.prefix, "up")

    @staticmethod
    def _ip(*words):
        subprocess.run(["ip", *words], check=True, capture_output=True, text=True)

    def _start_pd(self):
        """On a host of its own, as far as the network goes: a cut from the control host parts nobody from it."""
        namespace, link, address = f"{self.prefix}-pd", f"{self.prefix}-pd", f"{self.network}.2"
        self._ip("netns", "add", namespace)
        self._ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        self._ip("link", "set", link, "master", self.prefix, "up")
        self._ip("-n", namespace, "addr", "add", f"{address}/24", "dev", "eth0")
        for name in ("lo", "eth0"):
            self._ip("-n", namespace, "link", "set", name, "up")
        self.pd = Pd(f"{self.folder}/pd", address, environment=self.environment, tls=self.certificates and
                     self.certificates.files("pd-server"), inside=("ip", "netns", "exec", namespace))
        self.pd.start()

    def _make_certificates(self, pumps, drainers):
        made = Certificates(f"{self.folder}/ssl")
        made.client()
        made.issue("pd-server", "pd-server", f"subjectAltName=IP:{self.network}.2,IP:127.0.0.1")
        for number in range(1, pumps + drainers + 1):
            kind = "pump" if number <= pumps else "drainer"
            made.server(f"{kind}-server", f"{self.network}.{10 + number}", f"{kind}-server")
        return made

    def _make(self, name, number, component, disk):
        return Node(self, name, number, self.layers, component, disk=disk)

    def _make_others(self):
        """Hosts besides those of Pumps and Drainers."""
        return []

    def _deploy(self):
        for node in self.hosts:
            layout.deploy(node, self.peer(OLD, program=node.component), self.supervision, self.certificates)

    def start(self):
        for node in self.hosts:
            node.start()
        for node in self.pumps:
            node.wait_ready()
        online = ["online"] * len(self.drainers)
        wait.until("the Drainers are online",
                   lambda: [node["state"] for node in self.pd.drainers().values()] == online)

    @property
    def hosts(self):
        return [*self.pumps, *self.drainers]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._keeper.stdin.close()
        left = self._keeper.wait(60)
        assert left == 0, f"the rig left something behind: {takedown.traces(self.number, self.folder)}"

    def status_of(self, node):
        """The node's own entry as its own /status gives it."""
        status = net.answers(node.address, node.port, tls=self.tls)
        return ((status or {}).get("status") or {}).get(node.node_id)

    def write_inventory(self, pumps=None, **extra):
        def line(node, variables=""):
            return (f"{node.name} ansible_host={node.address} deploy_dir={DEPLOY_DIR} "
                    f"resources_dir={self.resources_dir}{variables}")
        options = " ".join(self.ssh_options)
        pumps = self.pumps if pumps is None else pumps
        self.inventory.write_text(INVENTORY.format(
            pd=self.pd, pumps="\n".join(map(line, pumps)), key=self._key, ssh_options=options,
            drainers="\n".join(line(node, " initial_commit_ts=-1") for node in self.drainers),
            tls=bool(self.tls), supervision=self.supervision,
            extra="\n".join(f"{name} = {value}" for name, value in extra.items())), encoding="utf-8")

    @property
    def inventory(self):
        return pathlib.Path(self.folder, "inventory.ini")

    def playbooks(self):
        """This rig's copy of the playbooks, where conf/ may be edited."""
        return pathlib.Path(playbook.copy_of_playbooks(self))

    def new_path(self, name):
        return f"{self.folder}/{next(self._numbers)}-{name}"

    def peer(self, version, *knobs, program="pump"):
        return make_peer(self.new_path(f"{program}-{version}"), version,
                         *([ROOM] if program == "pump" else []), *knobs, program=program)

    def offer(self, binary):
        """Step one of the documented procedure: the new Pump goes into resources/bin, by copy-binary."""
        call = tool.run("copy-binary", "--src", binary, "--dest", f"{self.resources_dir}/bin/pump",
                        environment=self.environment)
        assert call.status == 0, call
        return call

    def pump(self, name):
        return next(pump for pump in self.pumps if pump.name == name)

    def pids(self):
        return {pump.name: pump.pid for pump in self.pumps}

    def digests(self):
        return {pump.name: pump.running_digest for pump in self.pumps}

    def files(self):
        return {pump.name: pump.files() for pump in self.pumps}

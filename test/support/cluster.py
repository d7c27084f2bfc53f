"""An embedded cluster: etcd in PD's place, Pumps as the user tidb as tidb-ansible leaves them, an inventory.

    with Cluster(old=binary) as cluster: ...

Everything lives below one temporary folder and carries TBU_CLUSTER=<folder> in its environment, so that nothing is left
running when the owner ends, whether by return, exception or SIGKILL.
"""
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from . import net, paths, sweep, tool
from .host import DrainerHost, PumpHost
from .pd import Pd

MARK = "TBU_CLUSTER"

# This machine may not allow what tidb-ansible prepares in limits.conf; `ulimit -n 1000000` would end the run script.
SOFT_ULIMIT = 'ulimit() { builtin ulimit "$@" 2>/dev/null || true; }\n'

INVENTORY = """\
[pd_servers]
pd1 ansible_host={pd.host} pd_client_port={pd.port}

[pump_servers]
{pumps}

[drainer_servers]
{drainers}

[all:vars]
ansible_connection = local
ansible_user = tidb
ansible_python_interpreter = /usr/bin/python3
cluster_name = embedded
enable_binlog = {enable_binlog}
process_supervision = {supervision}
{extra}
"""


class Cluster:
    tls = None  # {ca, cert, key} of a client, where TLS is spoken

    def __init__(self, old, pumps=3, gateway=True, supervision="supervise", start=True, base=None, disks=None,
                 old_drainer=None, drainers=0, one_host=False):
        self.folder = tempfile.mkdtemp(prefix="tbu.", dir=base or os.environ.get("TBU_TMP"))
        self.inventory = pathlib.Path(self.folder, "inventory.ini")
        os.chmod(self.folder, 0o755)
        self._numbers = itertools.count(1)
        self._disks = disks or {}  # {pump: size of a file system of its own, as mount takes it}
        self._keeper = self._start_keeper()
        self.environment = self._make_environment()
        self.resources_dir = f"{self.folder}/resources"
        self.supervision = supervision
        os.makedirs(f"{self.resources_dir}/bin")
        try:
            network = net.free_network()
            self.pd = Pd(f"{self.folder}/pd", f"{network}.1", gateway, self.environment)
            self.pd.start()
            self.pumps = [self._make_pump(number, f"{network}.{10 if one_host else 10 + number}", old)
                          for number in range(1, pumps + 1)]
            self._network, self.drainers = network, []
            for _ in range(drainers):
                self.add_drainer(old_drainer)
            self.write_inventory()
            if start:
                self.start()
        except BaseException:
            self.close()
            raise

    def _start_keeper(self):
        """Sweeps when this process is gone, whatever ended it."""
        return subprocess.Popen([sys.executable, sweep.__file__, "--keep", MARK, self.folder, self.folder],
                                stdin=subprocess.PIPE, start_new_session=True)

    def _make_environment(self):
        with open(f"{self.folder}/bashenv", "w", encoding="ascii") as file:
            file.write(SOFT_ULIMIT)
        keep = ("PATH", "LANG", "TBU_RUN", "TBU_SWITCH_OFF")
        environment = {name: os.environ[name] for name in keep if name in os.environ}
        return {**environment, MARK: self.folder, "BASH_ENV": f"{self.folder}/bashenv", "HOME": "/root"}

    def _make_pump(self, number, address, old):
        pump = PumpHost(f"pump{number}", self.folder, address, self.pd.url, self.environment, self.supervision)
        if pump.name in self._disks:
            os.makedirs(f"{self.folder}/{pump.name}")
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self._disks[pump.name]},mode=755", "tbu",
                            f"{self.folder}/{pump.name}"], check=True)
        pump.install(old)
        return pump

    def add_drainer(self, old, destination=None):
        """One more Drainer's host, not started; `destination` as DrainerHost has it."""
        number = len(self.drainers) + 1
        drainer = DrainerHost(f"drainer{number}", self.folder, f"{self._network}.{100 + number}", self.pd.url,
                              self.environment, self.supervision, destination=destination)
        drainer.install(old)
        self.drainers.append(drainer)
        self.write_inventory()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close(keep_files=kind is not None)

    def start(self):
        for nodes in (self.pumps, self.drainers):
            for node in nodes:
                node.start(wait_ready=False)
            for node in nodes:
                node.wait_ready()

    def close(self, keep_files=False):
        left = sweep.sweep(MARK, self.folder, self.folder, grace=0)
        self._keeper.stdin.close()
        self._keeper.wait(20)  # which also unmounts
        if not keep_files:
            shutil.rmtree(self.folder, ignore_errors=True)
        assert not left, f"still running: {left}"

    def write_inventory(self, enable_binlog="True", pumps=None, **extra):
        """Writes the inventory, as far as it differs from tidb-ansible's defaults; `extra` are more variables."""
        lines = [f"{pump.name} ansible_host={pump.address} deploy_dir={pump.deploy_dir} pump_port={pump.port} "
                 f"resources_dir={self.resources_dir}"
                 for pump in (self.pumps if pumps is None else pumps)]
        drainers = [f"{drainer.name} ansible_host={drainer.address} deploy_dir={drainer.deploy_dir} "
                    f"drainer_port={drainer.port} resources_dir={self.resources_dir} {drainer.host_variables}"
                    for drainer in self.drainers]
        text = INVENTORY.format(pd=self.pd, pumps="\n".join(lines), drainers="\n".join(drainers),
                                enable_binlog=enable_binlog,
                                supervision=self.supervision,
                                extra="\n".join(f"{name} = {value}" for name, value in extra.items()))
        self.inventory.write_text(text, encoding="utf-8")

    def new_path(self, name):
        """A path of the cluster that nothing else uses."""
        return f"{self.folder}/{next(self._numbers)}-{name}"

    def peer(self, version, *knobs, program="pump", size_mb=0):
        """A stand-in of its own digest: a version, and the ways it misbehaves ("stop_delay=500")."""
        out = self.new_path(f"{program}-{version}")
        return make_peer(out, version, *knobs, program=program, size_mb=size_mb)

    def offer(self, binary, program="pump"):
        """Step one of the documented procedure: the new binary goes into resources/bin, by copy-binary."""
        return self.tool("copy-binary", "--src", binary, "--dest", f"{self.resources_dir}/bin/{program}")

    def drainer(self, name):
        return next(drainer for drainer in self.drainers if drainer.name == name)

    def tool(self, name, *arguments):
        return tool.run(name, *arguments, environment=self.environment)

    def pump(self, name):
        return next(pump for pump in self.pumps if pump.name == name)

    def pids(self):
        return {pump.name: pump.pid for pump in self.pumps}

    def digests(self):
        return {pump.name: pump.running_digest for pump in self.pumps}

    def snapshot(self):
        return {pump.name: pump.snapshot() for pump in self.pumps}


def make_peer(out, version, *knobs, program="pump", size_mb=0):
    command = [paths.peer("make-peer"), "--from", paths.peer(program), "--out", out, "--version", version]
    if size_mb:
        command += ["--size-mb", str(size_mb)]
    for knob in knobs:
        command += ["--knob", knob]
    subprocess.run(command, check=True)
    return out

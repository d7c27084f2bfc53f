"""One host: systemd as PID 1, sshd, its own address, root file system and data disk, the user tidb with sudo."""
import contextlib
import os
import pathlib
import re
import shlex
import signal
import subprocess

from support import process, wait
from support.host import write_knobs

from . import needs, takedown

DATA = "/data"  # a file system of its own, as /etc never is
DEPLOY_DIR = f"{DATA}/deploy"
UID = 1000  # of tidb in every image


class Host:
    """`shares`: folders of this machine that it sees, too, at the same place and read-only."""

    def __init__(self, rig, name, number, layers, disk="300m", shares=()):
        self.rig = rig
        self.name = name
        self.address = f"{rig.network}.{10 + number}"
        self.machine = f"{rig.prefix}-{name}"
        self._link = f"{rig.prefix}-{number}"
        self._layers = layers
        self._shares = shares
        self._nspawn = None
        self.folder = pathlib.Path(rig.folder, name)
        self.root = self.folder / "root"  # the host's / and /data as seen from outside, up or not
        self.data = self.folder / "data"
        self._make_disks(disk)
        self._make_network()

    def _make_disks(self, size):
        for folder in ("layer", "data"):
            (self.folder / folder).mkdir(parents=True)
        _call("mount", "-t", "tmpfs", "-o", "size=200m,mode=755", "tbu", self.folder / "layer")
        _call("mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tbu", self.data)
        os.chown(self.data, UID, UID)
        for folder in (self.folder / "layer/upper", self.folder / "layer/work", self.root):
            folder.mkdir()
        lower = ":".join(map(str, self._layers))
        _call("mount", "-t", "overlay", "overlay", "-o",
              f"lowerdir={lower},upperdir={self.folder}/layer/upper,workdir={self.folder}/layer/work", self.root)
        (self.root / "etc/hostname").write_text(f"{self.name}\n")
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{self.address} {self.name}\n")
        keys = self.root / "home/tidb/.ssh/authorized_keys"
        keys.write_text(self.rig.public_key)
        os.chown(keys, UID, UID)
        keys.chmod(0o600)
        # Long waits scaled down by configuration, as an administrator may: 90 s would be systemd's own.
        (self.root / "etc/systemd/system.conf.d/stop-timeout.conf").write_text(
            f"[Manager]\nDefaultTimeoutStopSec={self.rig.stop_timeout}s\n")

    def _make_network(self):
        _call("ip", "netns", "add", self.machine)
        _call("ip", "link", "add", self._link, "type", "veth", "peer", "name", "eth0", "netns", self.machine)
        _call("ip", "link", "set", self._link, "master", self.rig.prefix, "up")
        _call("ip", "-n", self.machine, "addr", "add", f"{self.address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            _call("ip", "-n", self.machine, "link", "set", link, "up")

    def seen(self, path):
        """A path of the host as seen from outside, up or not."""
        path = str(path)
        return f"{self.data}{path.removeprefix(DATA)}" if path.startswith(f"{DATA}/") else f"{self.root}{path}"

    # Power.
    def boot(self):
        """On the disks as they are."""
        assert not self.is_up, f"{self.name} is up"
        groups = [root / self.machine for root in needs.cgroup_roots()]
        for group in groups:
            takedown.remove_control_groups_below(group)
            group.mkdir(exist_ok=True)

        def join():  # with --keep-unit the host lands below its caller's control group
            for group in groups:
                (group / "cgroup.procs").write_text("0")
        with open(self.console, "ab") as console:
            self._nspawn = subprocess.Popen(
                ["systemd-nspawn", "--quiet", f"--directory={self.root}", f"--machine={self.machine}", "--boot",
                 "--register=no", "--keep-unit", f"--network-namespace-path=/run/netns/{self.machine}",
                 "--console=pipe", "--link-journal=no", "--resolv-conf=off", "--timezone=off",
                 f"--bind={self.data}:{DATA}", *(f"--bind-ro={share}" for share in self._shares)],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=self.rig.environment,
                start_new_session=True, preexec_fn=join)

    def wait_up(self, seconds=180):
        def answers():
            if self._nspawn.poll() is not None:
                raise RuntimeError(f"{self.name} did not boot: {self.console.read_text(errors='replace')[-2000:]}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.ssh("true", check=False, timeout=20).returncode == 0
            return False
        try:
            wait.until(f"{self.name} lets tidb log in", answers, seconds, every=0.1)
        except wait.NotInTime as late:
            raise RuntimeError(f"{late}; its console: {self.console.read_text(errors='replace')[-2000:]}") from late

    @property
    def console(self):
        return self.folder / "console"

    @property
    def is_up(self):
        return self._nspawn is not None and self._nspawn.poll() is None

    def lose_power(self):
        """Everything on it is gone at once; its disks stay as they were."""
        os.kill(self.init_pid, signal.SIGKILL)
        self._nspawn.wait(30)

    def reboot_after_power_loss(self):
        self.boot()
        self.wait_up()

    @property
    def init_pid(self):
        """The host's PID 1 as seen from outside."""
        def look():
            pid = self._nspawn.pid
            with contextlib.suppress(OSError):
                return int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
            return None
        return wait.until(f"{self.name} has a PID 1", look, seconds=10)

    # Network: between this host and the control host alone, or to everybody.
    def cut_from_control(self):
        """Packets in both directions vanish, as behind a broken switch; PD and the other hosts are still reached."""
        _call("ip", "-n", self.machine, "route", "add", "blackhole", f"{self.rig.control_address}/32")
        _call("ip", "route", "add", "blackhole", f"{self.address}/32")

    def rejoin_control(self):
        _call("ip", "-n", self.machine, "route", "del", "blackhole", f"{self.rig.control_address}/32")
        _call("ip", "route", "del", "blackhole", f"{self.address}/32")

    # Commands.
    def ssh(self, command, check=True, timeout=60):
        """As tidb, over the network."""
        return subprocess.run(["ssh", *self.rig.ssh_options, "-n", f"tidb@{self.address}", command], check=check,
                              capture_output=True, text=True, timeout=timeout, env=self.rig.environment)

    def run(self, *command, check=True, timeout=60):
        """As root from outside, not by the network."""
        done = subprocess.run(["nsenter", f"--target={self.init_pid}", "--mount", "--uts", "--ipc", "--net", "--pid",
                               "--", *command], capture_output=True, text=True, timeout=timeout,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise AssertionError(f"{self.name}: {shlex.join(command)}: {done.stderr or done.stdout}")
        return done

    def systemctl(self, *words, **options):
        return self.run("systemctl", "--no-pager", *words, **options).stdout.strip()

    def pids(self, program):
        """Processes of the host whose executable is, or was, named so; as Ansible names it, or kept under its digest, too."""
        try:
            inode = os.stat(f"/run/netns/{self.machine}").st_ino
        except OSError:
            return []
        names = {program, f"AnsiballZ_{program}", f"AnsiballZ_{program.replace('-', '_')}"}
        kept = re.compile(f"{re.escape(program)}-[0-9a-f]{{64}}")
        found = []
        for pid in process.pids():
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{pid}/ns/net").st_ino == inode and process.alive(pid) \
                        and ((name := os.path.basename(process.executable(pid))) in names or kept.fullmatch(name)):
                    found.append(pid)
        return found


class Node(Host):
    """A host with a Pump or a Drainer on it."""

    def __init__(self, rig, name, number, layers, component="pump", **options):
        super().__init__(rig, name, number, layers, **options)
        self.component = component
        self.port = {"pump": 8250, "drainer": 8249}[component]
        self.unit = f"{component}-{self.port}"
        self.deploy_dir = DEPLOY_DIR
        self.deploy = self.data / "deploy"  # the same, seen from outside
        self.node_id = f"{name}:{self.port}"
        self.stops = f"{DEPLOY_DIR}/scripts/stop_{component}.sh"
        self.starts = f"{DEPLOY_DIR}/scripts/start_{component}.sh"

    @property
    def data_dir(self):
        return self.deploy / f"data.{self.component}"

    @property
    def advertised(self):
        return f"{self.address}:{self.port}"

    def start(self):
        """As an operator does by hand, over SSH."""
        self.ssh(self.starts)

    def wait_ready(self, seconds=60):
        wait.until(f"{self.name} answers and is online", self.is_online, seconds, every=0.1)

    def is_online(self):
        entry = self.rig.status_of(self)
        return bool(entry) and entry["state"] == "online"

    @property
    def pid(self):
        found = self.pids(self.component)
        assert len(found) <= 1, f"{self.name} runs {len(found)} times: {found}"
        return found[0] if found else None

    @property
    def running_digest(self):
        pid = self.pid
        return process.executable_digest(pid) if pid else None

    def set_knobs(self, **knobs):
        """Live knobs of the stand-in; none given: back to normal."""
        write_knobs(self.data_dir, knobs)

    def files(self):
        """{path: (mode, owner, digest)} of what an upgrade may change, without what is only kept or staged."""
        found = {}
        for folder in ("bin", "conf", "scripts"):
            for path in sorted((self.deploy / folder).rglob("*")):
                if path.is_file() and not path.name.startswith("."):
                    found[str(path.relative_to(self.data))] = self._facts(path)
        unit = self.unit_file
        if unit.exists():
            found[unit.name] = self._facts(unit)
        return found

    @staticmethod
    def _facts(path):
        status = path.lstat()
        return oct(status.st_mode), status.st_uid, process.file_digest(path)

    @property
    def unit_file(self):
        return self.root / f"etc/systemd/system/{self.unit}.service"

    # What the tool says about itself, for tests that wait for a phase.
    @property
    def phase(self):
        path = self.deploy / f"stage/{self.component}/phase"
        try:
            return path.read_text(encoding="ascii").strip(), path.stat().st_mtime_ns
        except OSError:
            return None


def _call(*words):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"cannot {shlex.join(map(str, words))}: {done.stderr.strip()}")

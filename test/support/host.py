"""One node's host as tidb-ansible leaves it (release-4.0, process_supervision=supervise): folders, scripts, configuration."""
import json
import os
import pwd
import shutil
import signal
import subprocess

from . import net, paths, process, wait

RUN = """\
#!/bin/bash
set -e
ulimit -n 1000000

DEPLOY_DIR={deploy_dir}

cd "${{DEPLOY_DIR}}" || exit 1

# WARNING: This file was auto-generated. Do not edit!
#          All your edit might be overwritten!

"""

RUN_PUMP = RUN + """\
exec bin/pump \\
    --addr="0.0.0.0:{port}" \\
    --advertise-addr="{address}:{port}" \\
    --pd-urls="{pd_urls}" \\
    --data-dir="{deploy_dir}/data.pump" \\
    --log-file="{deploy_dir}/log/pump.log" \\
    --config=conf/pump.toml 2>> "{deploy_dir}/log/pump_stderr.log"
"""

RUN_DRAINER = RUN + """\
exec bin/drainer \\
    --addr="{address}:{port}" \\
    --pd-urls="{pd_urls}" \\
    --data-dir="{deploy_dir}/data.drainer" \\
    --log-file="{deploy_dir}/log/drainer.log" \\
    --config=conf/drainer.toml \\
    --initial-commit-ts="{initial_commit_ts}" 2>> "{deploy_dir}/log/drainer_stderr.log"
"""

START = """\
#!/bin/bash
set -e
cd "{deploy_dir}"
if [ "$(id -u)" -eq 0 ]; then
    echo "error: not as root"
    exit 1
fi
if bin/svstat status/{component} 2>/dev/null | grep -q 'up (pid\\|up pid'; then
    echo "ok: already started!"
    exit 0
fi
nohup bin/supervise status/{component} "{deploy_dir}/scripts/run_{component}.sh" &>/dev/null &
echo $! > status/{component}/pid
echo "ok: started!"
"""

STOP = """\
#!/bin/bash
cd "{deploy_dir}" || exit 1
bin/svc -d status/{component} &>/dev/null
if [ "$(basename "$(readlink "/proc/$(cat status/{component}/pid)/exe")")" == supervise ]; then
    kill "$(cat status/{component}/pid)"
fi
echo "ok: stopped!"
"""

PUMP_TOML = """\
# pump Configuration

gc = 7
heartbeat-interval = 2

[security]
ssl-ca = ""
ssl-cert = ""
ssl-key = ""

[storage]
"""

DRAINER_TOML = """\
detect-interval = 1

[syncer]
disable-dispatch = false
{destination}
"""

FILE_DESTINATION = """\
db-type = "file"
[syncer.to]
dir = "{folder}"
"""


# The hosts' disks are large, whatever this machine's is: a Pump short of space refuses writes.
ROOMY = {"available_bytes": 100 << 30}


def write_knobs(data_dir, knobs):
    """Live knobs of the stand-in that has this data directory."""
    path = f"{data_dir}/knobs.json"
    with open(f"{path}.new", "w", encoding="ascii") as file:
        json.dump({**ROOMY, **knobs}, file)
    os.chmod(f"{path}.new", 0o644)
    os.rename(f"{path}.new", path)


def exporting(script, environment):
    """A shell script with variables in front of what it does: supervise gives what it starts a login's, and `ulimit -n 1000000`
    may not be allowed here."""
    first, rest = script.split("\n", 1)
    return f"{first}\n" + "".join(f"export {name}='{value}'\n" for name, value in environment.items()) + rest


class Host:
    """A node's host. supervision "supervise": by tidb-ansible's programs in bin; "daemontools": by this machine's and a `run` of the
    service's own; "command": a plain process that nobody watches."""

    component = ""
    run_script = ""

    def __init__(self, name, folder, address, pd_urls, environment, supervision="supervise"):
        self.name = name
        self.address = address
        self.port = net.free_port()
        self.supervision = supervision
        self.deploy_dir = f"{folder}/{name}/deploy"
        self.data_dir = f"{self.deploy_dir}/data.{self.component}"
        self.binary = f"{self.deploy_dir}/bin/{self.component}"
        self._environment = environment
        self._values = {"deploy_dir": self.deploy_dir, "port": self.port, "address": address, "pd_urls": pd_urls,
                        "component": self.component}

    @property
    def advertised(self):
        return f"{self.address}:{self.port}"

    def install(self, binary):
        for folder in ("bin", "scripts", "conf", f"status/{self.component}", "log", "backup", f"data.{self.component}"):
            os.makedirs(f"{self.deploy_dir}/{folder}", exist_ok=True)
        shutil.copy2(binary, f"{self.binary}.new")
        os.rename(f"{self.binary}.new", self.binary)  # a former one may be busy for a moment after its end
        for name, text in (("run", self.run_script), ("start", START), ("stop", STOP)):
            self.write(f"scripts/{name}_{self.component}.sh", text.format(**self._values), 0o755)
        self.write(f"conf/{self.component}.toml", self.configuration(), 0o644)
        self.set_knobs()
        if self.supervision == "supervise":
            shutil.copy2(paths.peer("supervise"), f"{self.deploy_dir}/bin/supervise")
            for program in ("svc", "svstat"):
                os.symlink(f"/usr/bin/{program}", f"{self.deploy_dir}/bin/{program}")  # of the user land the tool runs in
        elif self.supervision == "daemontools":
            run = f'#!/bin/sh\nexec "{self.deploy_dir}/scripts/run_{self.component}.sh"\n'
            self.write(f"status/{self.component}/run", exporting(run, self._environment), 0o755)
        self.give_to_user()

    def configuration(self):
        raise NotImplementedError

    def give_to_user(self):
        user = pwd.getpwnam("tidb")
        for folder, _, files in os.walk(os.path.dirname(self.deploy_dir)):
            for path in (folder, *(f"{folder}/{file}" for file in files)):
                os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)

    def write(self, name, text, mode):
        path = f"{self.deploy_dir}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def as_user(self, command, **options):
        """Runs a command as the user tidb, in the environment of the embedded cluster."""
        user = pwd.getpwnam("tidb")
        environment = dict(self._environment, HOME=user.pw_dir, USER="tidb", LOGNAME="tidb")
        return subprocess.run(command, check=True, cwd=self.deploy_dir, env=environment, user=user.pw_uid,
                              group=user.pw_gid, extra_groups=[user.pw_gid], stdin=subprocess.DEVNULL,
                              start_new_session=True, **options)

    def start(self, wait_ready=True):
        if self.supervision == "supervise":
            self.as_user([f"scripts/start_{self.component}.sh"], stdout=subprocess.DEVNULL)
        elif self.supervision == "daemontools":
            self.as_user(["bash", "-c", f"nohup supervise status/{self.component} &>/dev/null &"])
        else:
            self.as_user(["bash", "-c", f"nohup scripts/run_{self.component}.sh &>/dev/null &"])
        if wait_ready:
            self.wait_ready()

    def wait_ready(self, seconds=30):
        wait.until(f"{self.name} answers and is online", self.is_online, seconds)

    def is_online(self):
        raise NotImplementedError

    def stop(self):
        """Stops for good: its supervisor too. Not by its stop script, which may kill supervise before that has read
        its order, and so leave the node running."""
        if self.supervision == "supervise":
            self.as_user(["bin/svc", "-dx", f"status/{self.component}"])
            wait.until(f"{self.name}'s supervise has ended", lambda: not self.supervisors())
        elif self.pid:
            os.kill(self.pid, signal.SIGTERM)
        wait.until(f"{self.name} has ended", lambda: not self.pid)

    def kill(self):
        """Power loss: node and supervisor are gone at once, the registry says online."""
        for pid in [*self.supervisors(), *process.running(self.binary)]:
            os.kill(pid, signal.SIGKILL)
        wait.until(f"{self.name} is gone", lambda: not self.pid)

    def supervisors(self):
        """Pids of supervise processes over this host's status folder."""
        folder = f"{self.deploy_dir}/status/{self.component}"
        return [pid for pid in process.pids()
                if os.path.basename(process.executable(pid)) == "supervise" and _cwd(pid) == folder]

    @property
    def pid(self):
        """Pid of the running node, or None; more than one is an error by itself."""
        found = process.running(self.binary)
        assert len(found) <= 1, f"{self.name} runs {len(found)} times: {found}"
        return found[0] if found else None

    @property
    def running_digest(self):
        return process.executable_digest(self.pid)

    def set_knobs(self, **knobs):
        """Live knobs of the stand-in; none given: back to normal."""
        write_knobs(self.data_dir, knobs)

    def snapshot(self):
        """{path: (mode, owner, digest)} of everything of the host that an upgrade may change, and no log or data."""
        found = {}
        for folder, folders, files in os.walk(self.deploy_dir):
            if folder == self.deploy_dir:
                folders[:] = [name for name in folders if name not in ("log", f"data.{self.component}", "status")]
            for name in files:
                path = f"{folder}/{name}"
                facts = os.lstat(path)
                found[os.path.relpath(path, self.deploy_dir)] = (facts.st_mode, facts.st_uid, process.file_digest(path))
        return found


class PumpHost(Host):
    component = "pump"
    run_script = RUN_PUMP

    @property
    def node_id(self):
        return f"{self.name}:{self.port}"

    def configuration(self):
        return PUMP_TOML

    def install(self, binary):
        super().install(binary)
        self.write("data.pump/.node", self.node_id, 0o600)
        self.give_to_user()

    def is_online(self):
        status = net.answers(self.address, self.port)
        entry = ((status or {}).get("status") or {}).get(self.node_id)
        return bool(entry) and entry["state"] == "online"


class DrainerHost(Host):
    """`destination` is the [syncer] part of its configuration; none: a file."""

    component = "drainer"
    run_script = RUN_DRAINER

    def __init__(self, *arguments, destination=None, **options):
        super().__init__(*arguments, **options)
        self.destination = destination or FILE_DESTINATION.format(folder=f"{self.deploy_dir}/out")
        self._values["initial_commit_ts"] = "0"
        self.host_variables = "initial_commit_ts=0"  # as the inventory of the deployment has it

    @property
    def node_id(self):
        """A Drainer has no .node: its host's name makes it."""
        return f"{os.uname().nodename}:{self.port}"

    def configuration(self):
        return DRAINER_TOML.format(destination=self.destination)

    def status(self):
        return net.answers(self.address, self.port)

    def is_online(self):
        return bool((self.status() or {}).get("PumpPos"))


def _cwd(pid):
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""

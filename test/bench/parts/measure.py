"""One playbook run, measured: time, downtime, bytes, SSH calls, processor time. Everything is seen from outside of both ways."""
import contextlib
import json
import os
import pathlib
import select
import subprocess
import sys
import threading
import time

from support import paths, playbook, process, sweep, wait
from support.writer import Writer

HERE = pathlib.Path(__file__).resolve().parent
BENCH = HERE.parent
TICK = os.sysconf("SC_CLK_TCK")


class Exits:
    """When the process of each Pump ended, and when the next one was there (to a hundredth of a second, as the kernel counts)."""

    def __init__(self, pumps):
        self._pumps = pumps
        self._former = {pump.name: pump.pid for pump in pumps}
        self._ended = {}
        for name, pid in self._former.items():
            threading.Thread(target=self._wait, args=(name, os.pidfd_open(pid)), daemon=True).start()

    def _wait(self, name, descriptor):
        select.select([descriptor], [], [])
        self._ended[name] = time.time()
        os.close(descriptor)

    def found(self):
        """{name: [when its process ended, when the next was there]} of those that run in another process now."""
        now = {pump.name: pump.pid for pump in self._pumps}
        return {name: [self._ended[name], _started(pid)] for name, pid in now.items() if pid and pid != self._former[name]}


class Watching:
    """watch.py in a process of its own."""

    def __init__(self, site):
        self._site = site
        self._base = site.new_path("watch")
        self._process = None
        self.windows = {}

    def __enter__(self):
        config = {pump.name: [pump.address, pump.port] for pump in self._site.pumps}
        pathlib.Path(f"{self._base}.json").write_text(json.dumps(config), encoding="utf-8")
        self._process = subprocess.Popen(
            ["nice", "-n", "-5", sys.executable, str(HERE / "watch.py"), f"{self._base}.json", f"{self._base}.out"],
            stdin=subprocess.DEVNULL, env=self._site.environment)
        wait.until("every Pump answers", self._lines, seconds=30)
        return self

    def __exit__(self, *_):
        if self._process.poll() is not None:
            raise RuntimeError("the watch ended by itself")
        self._process.terminate()
        self._process.wait(10)
        self.windows = {pump.name: [] for pump in self._site.pumps}
        for name, since, again in self._lines()[1:]:
            if again is None:
                raise RuntimeError(f"{name} does not answer at the end of the run")
            self.windows[name].append([since, again])

    def _lines(self):
        return _lines(f"{self._base}.out") if os.path.exists(f"{self._base}.out") else []


def ours(site, *arguments):
    return _run(site, "ours", playbook.copy_of_playbooks(site), "rolling_update.yml", ["--tags=pump", *arguments],
                paths.PLAYBOOKS / "ansible.cfg")


def stock(site):
    extra = {"bench_files": str(site.stock_files), "ansible_python_interpreter": "/usr/bin/python3"}
    return _run(site, "stock", BENCH / "stock", "rolling_update.yml", ["-e", json.dumps(extra)], BENCH / "stock/ansible.cfg")


def single(site, way, play):
    """A playbook of the caller's, without watch and writes beside it."""
    folder = pathlib.Path(playbook.copy_of_playbooks(site) if way == "ours" else BENCH / "stock")
    path = folder / "single.yml" if way == "ours" else pathlib.Path(site.new_path("single.yml"))
    path.write_text(json.dumps(play), encoding="utf-8")
    words = [] if way == "ours" else ["-e", "ansible_python_interpreter=/usr/bin/python3"]
    config = (paths.PLAYBOOKS if way == "ours" else BENCH / "stock") / "ansible.cfg"
    return _run(site, way, folder, str(path), words, config, watched=False)


def _run(site, way, folder, name, arguments, config, watched=True):
    base = site.new_path(way)
    os.mkdir(f"{base}.cp")
    environment = {**site.environment, "ANSIBLE_CONFIG": str(config), "ANSIBLE_NOCOLOR": "1",
                   "ANSIBLE_CALLBACK_PLUGINS": str(BENCH / "callback"), "ANSIBLE_CALLBACKS_ENABLED": "clock",
                   "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{base}.cp", "ANSIBLE_SSH_EXECUTABLE": str(HERE / "ssh"),
                   "ANSIBLE_SFTP_EXECUTABLE": str(HERE / "sftp"), "BENCH_NETWORK": site.network,
                   "ANSIBLE_CACHE_PLUGIN_CONNECTION": f"{base}.facts", "BENCH_CLOCK": f"{base}.clock",
                   "BENCH_CALLS": f"{base}.calls"}
    command = ["ansible-playbook", "-i", str(site.inventory), name, *arguments]
    before, load = site.carried(), os.getloadavg()[0]
    watching, writer, exits = Watching(site), Writer(site, rate=10), Exits(site.pumps)
    with contextlib.ExitStack() as beside:
        if watched:
            beside.enter_context(watching)
            beside.enter_context(writer)
        began = time.time()
        with open(f"{base}.log", "wb") as log:
            child = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
            _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        ended = time.time()
        processor = usage.ru_utime + usage.ru_stime + _end_connections(f"{base}.cp")
    if child.returncode != 0:
        raise RuntimeError(f"the {way} way failed:\n{pathlib.Path(f'{base}.log').read_text(errors='replace')[-4000:]}")
    after, tasks = site.carried(), _lines(f"{base}.clock")
    for task in tasks:
        task["begun"] = (task["begun"] or task["ended"]) - began
        task["ended"] -= began
    names = {pump.address: pump.name for pump in site.pumps}
    lines = pathlib.Path(f"{base}.calls").read_text(encoding="ascii").splitlines()
    calls = [[names.get(address, "unknown"), float(start) - began, float(end) - began, program]
             for start, end, program, address in map(str.split, lines)]
    return {"way": way, "link": site.link, "pumps": len(site.pumps), "size_mb": site.size_mb, "load": load,
            "wall_s": ended - began, **_waits(tasks), "processor_s": processor,
            "windows": {name: [[since - began, again - began] for since, again in windows]
                        for name, windows in watching.windows.items()},
            "processes": {name: [ended - began, started - began] for name, (ended, started) in exits.found().items()},
            "refused": writer.refused if watched else None, "written": writer.summary["attempted"] if watched else None,
            "wire": {name: sum(after[name]) - sum(before[name]) for name in after},
            "payload": {task["host"]: sum(file.get("bytes_received") or 0 for file in task["result"].get("files", []))
                        for task in tasks if task["action"].replace("_", "-") == "copy-binary"},
            "calls": {name: sum(call[0] == name for call in calls) for name in names.values()},
            "trace": {"tasks": tasks, "calls": calls}}


def _waits(tasks):
    """What the operator asks for and the run waits: not the way's own time."""
    stable = sum(phase["ms"] for task in tasks for phase in task["result"].get("phases") or [] if phase["name"] == "stable")
    settle = [task["ended"] - task["begun"] for task in tasks if task["action"] == "pause" and task["outcome"] == "ok"]
    return {"stable_for_s": stable / 1000, "settle_s": max(settle, default=0.0), **turns(tasks)}


def turns(tasks):
    """Ours: from the first turn's begin to the last one's end, and what the tool itself took of it, stable_for included."""
    taken = [task for task in tasks if any(phase["name"] == "stable" for phase in task["result"].get("phases") or [])]
    if not taken:
        return {}
    return {"turns_s": max(turn["ended"] for turn in taken) - min(turn["begun"] for turn in taken),
            "own_s": sum(turn["result"]["elapsed_ms"] for turn in taken) / 1000}


def _end_connections(folder):
    """Ansible's SSH connections outlive it: their processor time, and their end. Every run begins without any."""
    seconds = 0.0
    for pid in process.pids():
        if any(folder in word for word in process.command_line(pid)):
            with contextlib.suppress(OSError):
                fields = sweep._stat(pid)
                os.kill(pid, 15)
                seconds += (int(fields[11]) + int(fields[12])) / TICK
    return seconds


def _started(pid):
    """In seconds of time.time()."""
    since_boot = int(sweep._stat(pid)[19]) / TICK
    return since_boot + time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def _lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]

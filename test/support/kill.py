"""Ending a tool in a chosen phase, as a crash or a power cut would: SIGKILL, from outside."""
import contextlib
import glob
import os
import signal
import time

from . import process, wait
from .pd import LOCK

# rolling-restart writes the name of the phase it is in to <stage_dir>/phase, in this order.
PHASES = ("lock", "peers", "stop", "activate", "start", "ready", "stable", "commit")


def tools_running(cluster, name="rolling-restart"):
    """Pids of this cluster's calls of a tool, in either face (Ansible's copy is named AnsiballZ_<name>)."""
    mark = f"TBU_CLUSTER={cluster.folder}".encode()
    found = []
    for pid in process.pids():
        executable = os.path.basename(process.executable(pid))
        if executable in (name, f"AnsiballZ_{name}", f"AnsiballZ_{name.replace('-', '_')}"):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if mark in file.read().split(b"\0"):
                        found.append(pid)
            except OSError:
                pass
    return found


_phase_files = {}  # deploy_dir -> path, once seen: looking for it each time would be too slow


def phase_of(pump):
    """(phase, time of writing) a tool last reported on this host, or None."""
    path = _phase_files.get(pump.deploy_dir)
    if not path:
        found = glob.glob(f"{pump.deploy_dir}/**/phase", recursive=True, include_hidden=True)
        if not found:
            return None
        path = _phase_files[pump.deploy_dir] = found[0]
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip(), os.stat(path).st_mtime_ns
    except OSError:
        return None


@contextlib.contextmanager
def ahead_of_others():
    """Within, this process runs before all others, where it may: a phase of a few milliseconds is not to be missed."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
    except PermissionError:
        pass
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def wait_for_phase(cluster, phase, pumps=None, seconds=180):
    """The Pump on which a call enters the phase from now on; polled every millisecond."""
    pumps = pumps or cluster.pumps
    before = {pump.name: phase_of(pump) for pump in pumps}

    def entered():
        for pump in pumps:
            now = phase_of(pump)
            if now and now != before[pump.name] and now[0] == phase:
                return pump
        return None
    with ahead_of_others():
        return wait.until(f"a call reaches the phase {phase}", entered, seconds, every=0.001)


def kill_calls(cluster, name):
    """SIGKILL to every call of the tool, as soon as there is one."""
    with ahead_of_others():
        for pid in wait_for_tool(cluster, name):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    wait.until("the tool is gone", lambda: not tools_running(cluster, name), every=0.002)


def kill_tool_in(cluster, phase, **options):
    """SIGKILL to rolling-restart as soon as it is in the phase; the Pump it was at."""
    pump = wait_for_phase(cluster, phase, **options)
    kill_calls(cluster, "rolling-restart")
    return pump


def free_lock_of_the_dead(cluster):
    """What the end of its lease does within 30 s; test_two_operators waits for that, others need not."""
    assert not tools_running(cluster), "a living call holds it"
    cluster.pd.delete(LOCK)


def wait_for_tool(cluster, name, seconds=180):
    """Pids of a running call of the tool, as soon as there is one."""
    return wait.until(f"{name} runs", lambda: tools_running(cluster, name), seconds, every=0.002)


def stays(what, probe, seconds):
    """Asserts that probe stays true for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert probe(), f"no longer: {what}"
        time.sleep(0.05)


def send(pid, name):
    """A signal by its short name: "TERM"."""
    os.kill(pid, signal.Signals[f"SIG{name}"])

"""Pulling plugs: the control host gone, seen from the hosts."""
import contextlib
import os
import signal

from support import playbook, process, sweep, wait
from support.kill import ahead_of_others

from .takedown import MARK


def wait_for_phase(pumps, phase, seconds=180):
    """The Pump on which rolling-restart enters the phase from now on; polled every millisecond. In the place of
    activate it may be a phase later: it may have taken less than that."""
    before = {pump.name: pump.phase for pump in pumps}
    wanted = ("activate", "start", "ready") if phase == "activate" else (phase,)

    def entered():
        return next((pump for pump in pumps
                     if (now := pump.phase) and now != before[pump.name] and now[0] in wanted), None)
    with ahead_of_others():
        return wait.until(f"a call reaches the phase {phase}", entered, seconds, every=0.001)


def wait_for_tool(pumps, name, seconds=180):
    """The host on which the tool runs, as soon as it does."""
    def running():
        return next((pump for pump in pumps if pump.pids(name)), None)
    return wait.until(f"{name} runs on a host", running, seconds, every=0.005)


def wait_for_tools_to_end(hosts, seconds=120):
    def ended():
        return not any(host.pids(name) for host in hosts for name in ("copy-binary", "rolling-restart"))
    wait.until("no tool runs on the hosts", ended, seconds, every=0.05)


def kill_control_host(rig, run):
    """SIGKILL to everything the run has on the control host: ansible-playbook, its forks and its connections. The hosts
    see their connections closed."""
    for pid in [*playbook.ansible_processes(run.process.pid), *_connections(rig)]:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    run.process.wait(10)


def _connections(rig):
    return [pid for pid in sweep.members(MARK, rig.folder, rig.folder)
            if os.path.basename(process.executable(pid)) in ("ssh", "sftp", "scp")]

"""Ends what a cluster or a test run left running, and nothing else.

Every process started for a test carries MARK=<value> in its environment, or runs an executable or works in a folder
below the run's own temporary directory. As a program:
    sweep.py MARK VALUE DIR            end them now
    sweep.py --keep MARK VALUE DIR     wait for end of file on stdin (its owner is gone, however), then end them
"""
import os
import signal
import subprocess
import sys
import time


def _environment_has(pid, needle):
    with open(f"/proc/{pid}/environ", "rb") as file:
        return needle in file.read().split(b"\0")


def _stat(pid):
    """Fields of /proc/PID/stat from the state on."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()


def _runs_below(pid, folder):
    return os.readlink(f"/proc/{pid}/exe").startswith(folder + "/")


def _works_below(pid, folder):
    """Works there and has no terminal: somebody's shell that went there to look is not ours."""
    return os.readlink(f"/proc/{pid}/cwd").startswith(folder + "/") and _stat(pid)[4] == b"0"


def belongs(pid, mark, value, folder):
    tests = (
        lambda: _environment_has(pid, f"{mark}={value}".encode()),
        lambda: _runs_below(pid, folder),
        lambda: _works_below(pid, folder),
    )
    for test in tests:
        try:
            if test():
                return _stat(pid)[0] != b"Z"
        except OSError:
            pass
    return False


def ancestors(pid):
    found = set()
    while pid > 1:
        found.add(pid)
        try:
            pid = int(_stat(pid)[1])
        except OSError:
            break
    return found


def members(mark, value, folder):
    """Pids that belong, without this process and those it descends from."""
    mine = ancestors(os.getpid())
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return [pid for pid in pids if pid not in mine and belongs(pid, mark, value, folder)]


def _end(pids, number):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, number)
        except OSError:
            pass


def sweep(mark, value, folder, grace=3.0):
    """SIGTERM until nobody is left or `grace` is over, then SIGKILL; stand-ins lose nothing by it.
    Returns the pids that are still there (none, as a rule)."""
    start = time.monotonic()
    while time.monotonic() - start < grace + 5:
        pids = members(mark, value, folder)
        if not pids:
            return []
        _end(pids, signal.SIGTERM if time.monotonic() - start < grace else signal.SIGKILL)
        time.sleep(0.1)
    return members(mark, value, folder)


def unmount(folder):
    """File systems of their own that hosts below the folder had."""
    with open("/proc/mounts", encoding="utf-8") as file:
        mounts = [line.split()[1] for line in file]
    for mount in mounts:
        if mount.startswith(folder + "/"):
            subprocess.run(["umount", "-l", mount], check=False)


def keep(mark, value, folder):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.read()
    sweep(mark, value, folder, grace=0)
    unmount(folder)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[0] == "--keep":
        keep(*arguments[1:])
    else:
        sys.exit(1 if sweep(*arguments) else 0)

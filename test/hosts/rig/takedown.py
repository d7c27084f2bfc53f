"""Takes a rig down by its number and folder alone, whoever made it and however far that had come.

    takedown.py NUMBER FOLDER          now
    takedown.py --keep NUMBER FOLDER   when stdin ends: its owner is gone, by return, exception or SIGKILL
"""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2])]

from hosts.rig import needs  # noqa: E402
from support import sweep  # noqa: E402

MARK = "TBU_CLUSTER"
NSPAWN = pathlib.Path("/run/systemd/nspawn")


def network(number):
    return f"10.77.{number}"


def prefix(number):
    """Every bridge, link, namespace, machine and control group of a rig is named so."""
    return f"tbu{number}"


def namespaces(number):
    return _named("/run/netns", number)


def links(number):
    return [name for name in os.listdir("/sys/class/net")
            if name == prefix(number) or name.startswith(f"{prefix(number)}-")]


def control_groups(number):
    return [pathlib.Path(root, name) for root in needs.cgroup_roots() for name in _named(root, number)]


def routes(number):
    """Destinations cut off on purpose."""
    listed = subprocess.run(["ip", "route", "show", "type", "blackhole", "root", f"{network(number)}.0/24"],
                            capture_output=True, text=True, check=False).stdout
    return [line.split()[1] for line in listed.splitlines()]


def mounts(folder):
    """Below the folder, the deepest first."""
    with open("/proc/mounts", encoding="utf-8") as file:
        found = [line.split()[1] for line in file]
    return sorted((path for path in found if path.startswith(f"{folder}/")), reverse=True)


def processes(number):
    """{pid: its control group} of everything in the rig's control groups or network namespaces."""
    found = {}
    for group in control_groups(number):
        for folder, *_ in os.walk(group):  # groups go away meanwhile
            path = pathlib.Path(folder)
            with contextlib.suppress(OSError):
                found.update((int(pid), path) for pid in (path / "cgroup.procs").read_text().split())
    inodes = {os.stat(f"/run/netns/{name}").st_ino for name in namespaces(number)}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{pid}/ns/net").st_ino in inodes:
                found.setdefault(int(pid), None)
    return found


def traces(number, folder):
    """What is there of a rig, for people; nothing, once it is down."""
    return [*map(str, control_groups(number)), *namespaces(number), *links(number), *routes(number), *mounts(folder),
            *(f"process {pid}" for pid in processes(number)), *_nspawn_leftovers(number),
            *(f"process {pid}" for pid in sweep.members(MARK, folder, folder)),
            *([folder] if os.path.exists(folder) else [])]


def take_down(number, folder, seconds=30):
    """Power off, not shut down: nothing of a rig is worth keeping."""
    folder = str(folder)
    sweep.sweep(MARK, folder, folder, grace=0)  # what was started on this side: ansible, ssh, etcd, writer
    _end_processes(number, seconds)
    for mount in mounts(folder):
        subprocess.run(["umount", "-l", mount], check=False, capture_output=True)
    for name in routes(number):
        _ip("route", "del", "blackhole", name)
    for name in namespaces(number):
        _ip("netns", "del", name)
    for name in links(number):
        _ip("link", "del", name)
    _remove_control_groups(number)
    for path in _nspawn_leftovers(number):
        with contextlib.suppress(OSError):
            os.rmdir(path)
    shutil.rmtree(folder, ignore_errors=True)
    return traces(number, folder)


def clear(number):
    """What a former rig of this number left behind, whose keeper was killed too. The number is ours by now."""
    with open("/proc/mounts", encoding="utf-8") as file:
        found = {match[1] for line in file if (match := re.search(rf"(/\S*/tbu-rig\.{number}\.[^/ ]+)/", line))}
    for folder in found or ([f"/tbu-rig.{number}.gone"] if links(number) or namespaces(number) else []):
        take_down(number, folder)


def _end_processes(number, seconds):
    """A host ends with its PID 1; systemd-nspawn then tidies up and ends too, and is killed only if it does not."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        left = processes(number)
        if not left:
            return
        patient = time.monotonic() - begin < 5
        for pid in left:
            if not (patient and _executable(pid) == "systemd-nspawn"):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _remove_control_groups(number, seconds=5):
    begin = time.monotonic()
    while control_groups(number) and time.monotonic() - begin < seconds:
        for group in control_groups(number):
            remove_control_groups_below(group)
            with contextlib.suppress(OSError):
                group.rmdir()
        time.sleep(0.02)


def remove_control_groups_below(group):
    for path in sorted(group.rglob("*"), reverse=True):
        if path.is_dir():
            with contextlib.suppress(OSError):
                path.rmdir()


def _nspawn_leftovers(number):
    return [str(path) for path in NSPAWN.glob("*/*") if path.name.startswith(f"{prefix(number)}-")]


def _named(folder, number):
    with contextlib.suppress(OSError):
        return [name for name in os.listdir(folder) if name.startswith(f"{prefix(number)}-")]
    return []


def _executable(pid):
    with contextlib.suppress(OSError):
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    return ""


def _ip(*words):
    subprocess.run(["ip", *words], check=False, capture_output=True)


def _keep(number, folder):
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    sys.stdin.read()
    return take_down(number, folder)


if __name__ == "__main__":
    words = sys.argv[1:]
    keeping = words[0] == "--keep"
    left_over = (_keep if keeping else take_down)(int(words[-2]), words[-1])
    sys.exit(f"left over: {left_over}" if left_over else 0)

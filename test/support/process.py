"""Looking at processes through /proc, on a path of its own (nothing here is shared with the tools)."""
import hashlib
import os
import socket
import struct


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def executable(pid):
    """Path of the executable, without the kernel's " (deleted)"; "" when the process is gone."""
    try:
        return os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    except OSError:
        return ""


def executable_digest(pid):
    with open(f"/proc/{pid}/exe", "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def parent(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


def user(pid):
    return os.stat(f"/proc/{pid}").st_uid


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def running(path):
    """Pids whose executable is, or was, the file at `path`."""
    return [pid for pid in pids() if executable(pid) == str(path) and alive(pid)]


def listening(port):
    """Does anybody listen on this TCP port, on any address?"""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    return True
    return False


def connects(host, port):
    with socket.socket() as probe:
        probe.settimeout(1)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return probe.connect_ex((host, port)) == 0

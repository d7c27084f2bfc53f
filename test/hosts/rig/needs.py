"""What a machine must have and be allowed to do before it can run hosts: said in one sentence when it is not there."""
import functools
import os
import pathlib
import shutil
import subprocess

PROGRAMS = {"systemd-nspawn": "systemd-container", "mmdebstrap": "mmdebstrap", "ip": "iproute2",
            "ssh": "openssh-client", "ssh-keygen": "openssh-client", "nsenter": "util-linux", "etcd": "etcd-server", "openssl": "openssl"}
# Bits of CapEff (capability.h): these alone are asked for by name when something does not work.
CAPABILITIES = {"CAP_SYS_ADMIN": 21, "CAP_NET_ADMIN": 12, "CAP_SYS_CHROOT": 18, "CAP_MKNOD": 27}


class Missing(RuntimeError):
    pass


def cgroup_roots():
    """Where a host gets a control group of its own: the hierarchies systemd uses."""
    mounts = pathlib.Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    fields = [line.split() for line in mounts]
    return [pathlib.Path(where) for _, where, kind, options, *_ in fields
            if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(","))]


@functools.cache
def check():
    problem = _problem()
    if problem:
        raise Missing(f"this machine cannot run hosts of its own (test/hosts): {problem}")


def _problem():
    if os.geteuid() != 0:
        return "it takes root"
    for program, package in PROGRAMS.items():
        if not shutil.which(program):
            return f"{program} is not installed (Debian's package {package})"
    status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
    held = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff")), 16)
    for name, bit in CAPABILITIES.items():
        if not held >> bit & 1:
            return f"{name} is not granted here; in a container, run it privileged"
    if not cgroup_roots():
        return "no cgroup hierarchy for systemd is mounted below /sys/fs/cgroup"
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "-q", "overlay"], check=False, capture_output=True)
    if "overlay" not in pathlib.Path("/proc/filesystems").read_text(encoding="ascii"):
        return "the kernel has no overlay file system"
    tried = subprocess.run(["unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "true"],
                           capture_output=True, text=True)
    if tried.returncode != 0:
        return f"namespaces can't be made: {tried.stderr.strip()}"
    return None

"""The user lands that hosts run: Debian packages alone, made once by mmdebstrap, kept in a folder of their own.

    debian12            as small as it comes, with systemd, sshd, sudo; no Python
    debian11            the same from the release before
    debian11-python2    with Python 2.7 and no other, as CentOS 7 has it
    debian12-python3    with Python 3, for stock Ansible modules (test/bench)
A host mounts the folders of its user land read-only below a layer of its own.

    python3 -m hosts.rig.image      makes all that tests need and that are missing
"""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

from . import needs

PACKAGES = ("systemd", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "sudo", "iproute2", "procps",
            "daemontools")
SUITES = {"debian12": "bookworm", "debian11": "bullseye"}
# What is below, the packages added, the names under which Python can be called afterwards.
WITH_PYTHON = {
    "debian11-python2": ("debian11", ("python2.7", "python-is-python2"), {"python", "python2", "python2.7"}),
    "debian12-python3": ("debian12", ("python3",), {"python3", "python3.11"}),
}

# What a hosts' administrator and tidb-ansible's bootstrap.yml set up, and what a machine that may not raise its own
# limits needs: there, `ulimit -n 1000000` would end tidb-ansible's run scripts.
PREPARE = r"""
useradd --create-home --uid 1000 --shell /bin/bash tidb
echo 'tidb ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/tidb
chmod 440 /etc/sudoers.d/tidb
install -d -m 700 -o tidb -g tidb /home/tidb/.ssh
rm -f /etc/ssh/ssh_host_*
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
# Not a file below sshd_config.d: it would come too late for what sshd_config says itself.
printf '%s\n' 'PasswordAuthentication no' 'UseDNS no' 'PermitRootLogin no' 'UsePAM yes' 'PrintMotd no' \
  'HostKey /etc/ssh/ssh_host_ed25519_key' 'Subsystem sftp /usr/lib/openssh/sftp-server' > /etc/ssh/sshd_config
: > /etc/machine-id
: > /etc/fstab
echo 'ulimit() { builtin ulimit "$@" 2>/dev/null || true; }' > /etc/soft-ulimit
echo 'BASH_ENV=/etc/soft-ulimit' >> /etc/environment
mkdir -p /etc/systemd/system.conf.d
printf '[Manager]\nDefaultEnvironment=BASH_ENV=/etc/soft-ulimit\n' > /etc/systemd/system.conf.d/soft-ulimit.conf
systemctl enable ssh.service
systemctl set-default multi-user.target
for unit in getty.target console-getty.service systemd-timesyncd.service systemd-networkd.service systemd-resolved.service \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
  systemd-firstboot.service systemd-journal-flush.service dev-hugepages.mount dev-mqueue.mount \
  sys-kernel-debug.mount sys-kernel-tracing.mount; do
  ln -sfn /dev/null "/etc/systemd/system/$unit"
done
rm -rf /var/cache/apt/* /var/lib/apt/lists/*
"""


def layers(name):
    """The folders of a user land, the topmost first; made on first use."""
    needs.check()
    if name in WITH_PYTHON:
        below, packages, _ = WITH_PYTHON[name]
        return [_made(name, lambda path: _add(path, below, packages), " ".join(packages)), *layers(below)]
    suite = SUITES[name]
    return [_made(name, lambda path: _debootstrap(path, suite), suite + " ".join(PACKAGES) + PREPARE)]


def cache():
    return pathlib.Path(os.environ.get("TBU_IMAGES", "/var/cache/tidb-binlog-upgrade/images"))


def _made(name, make, recipe):
    """The folder of an image made by this recipe; whoever comes second waits for the first."""
    path = cache() / f"{name}.{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{path}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            unfinished = pathlib.Path(f"{path}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            try:
                make(unfinished)
                _check_pythons(unfinished, WITH_PYTHON[name][2] if name in WITH_PYTHON else set())
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
            os.rename(unfinished, path)
    return path


def _debootstrap(path, suite):
    _run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}",
          "--aptopt=Acquire::Languages none", "--dpkgopt=force-unsafe-io",
          "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
          "--dpkgopt=path-exclude=/usr/share/locale/*", suite, str(path), mirror()],
         f"make a Debian {suite} from {mirror()}")
    _run(["chroot", str(path), "/bin/bash", "-euc", PREPARE], f"prepare the Debian {suite} in {path}")


def _add(path, below, packages):
    """What installing packages on another user land adds: the upper layer of an overlay over it."""
    base = layers(below)[0]
    work, root = pathlib.Path(f"{path}.work"), pathlib.Path(f"{path}.root")
    for folder in (path, work, root):
        folder.mkdir()
    try:
        _run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={base},upperdir={path},workdir={work}", str(root)],
             "mount an overlay")
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        install = f"""
            echo 'deb {mirror()} {SUITES[below]} main' > /etc/apt/sources.list
            apt-get -q update
            DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Options::=--force-unsafe-io \
                install --no-install-recommends {' '.join(packages)}
            rm -rf /var/cache/apt/* /var/lib/apt/lists/*"""
        _run(["chroot", str(root), "/bin/bash", "-euc", install], f"install {' '.join(packages)} in a {below}")
    finally:
        subprocess.run(["umount", "-l", str(root)], check=False, capture_output=True)
        with contextlib.suppress(OSError):
            root.rmdir()
        shutil.rmtree(work, ignore_errors=True)


def _check_pythons(path, wanted):
    """The names under which Python can be called there are exactly these."""
    found = {entry.name for folder in ("bin", "usr/bin", "usr/local/bin", "sbin", "usr/sbin")
             if (path / folder).is_dir() for entry in (path / folder).iterdir()
             if entry.name.rstrip("0123456789.") == "python"}
    if found != wanted:
        raise RuntimeError(f"{path} holds {sorted(found)}, wanted {sorted(wanted)}")


def mirror():
    """Debian's main archive as this machine's apt knows it."""
    if not _mirrors():
        _run(["apt-get", "-q", "-o", "DPkg::Lock::Timeout=600", "update"], "learn from apt where Debian is")
    if not _mirrors():
        raise needs.Missing("this machine cannot make hosts (test/hosts): its apt knows no mirror of Debian")
    return _mirrors()[0]


def _mirrors():
    listed = subprocess.run(["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"],
                            check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.split()[1] for line in listed if line.startswith("Debian ")]


def _run(command, what):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"cannot {what}: {(done.stderr or done.stdout)[-3000:]}")


def main():
    try:
        for name in (*SUITES, "debian11-python2"):
            print(name, *layers(name), flush=True)
    except (needs.Missing, RuntimeError) as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()

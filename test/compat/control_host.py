"""Control hosts with another Ansible: the root of a Debian suite, made once and kept, and commands that run in it.

    python3 -m compat.control_host NAME FOLDER

makes FOLDER, to be put first in PATH: ansible-playbook and the others, which see this machine's files, processes and
users but their own /usr. Each call mounts what it needs for itself alone: no mount outlives it or shows elsewhere.
"""
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import time

from hosts.rig.image import mirror
from support import java, paths

# Without zstd, so that the other way of packing is taken, too.
COMMON = ("ca-certificates", "daemontools", "default-jre-headless", "mariadb-client", "openssh-client", "procps", "python3",
          "sudo")
SUITES = {"debian11": ("bullseye", "ansible"), "debian12": ("bookworm", "ansible-core"),
          "debian13": ("trixie", "ansible-core"), "pypi": ("trixie", "python3-venv")}
FROM_PYPI = "python3 -m venv /opt/ansible && /opt/ansible/bin/pip install --quiet --no-input ansible-core"
COMMANDS = ("ansible", "ansible-doc", "ansible-inventory", "ansible-playbook")
CACHE = pathlib.Path("/var/cache/tidb-binlog-upgrade/control-hosts")

COMMAND = """\
#!/bin/bash
# In mounts of its own, gone with this process: {root} with this machine's files and users.
[ "${{TBU_INSIDE:-}}" = yes ] || TBU_INSIDE=yes exec unshare --mount --propagation slave "$0" "$@"
unset TBU_INSIDE
set -e
mount -t tmpfs tbu /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir={root},upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
for path in {shared}; do
  mkdir -p "/mnt/root$path"
  mount --rbind "$path" "/mnt/root$path"
done
for path in /etc/passwd /etc/group /etc/hosts; do
  mount --bind "$path" "/mnt/root$path"
done
# Not chroot: of what was started here, /proc would show paths below /mnt/root everywhere else.
mkdir /mnt/root/outside
pivot_root /mnt/root /mnt/root/outside
exec /usr/bin/env -C "$PWD" {program} "$@"
"""


def main(name, folder):
    folder = pathlib.Path(folder)
    root = made(name)
    shared = ["/proc", "/sys", "/dev", "/run", "/tmp", "/home", "/root", str(java.JARS), str(java.DEBIAN)]
    repository = str(paths.PLAYBOOKS.parent)
    if not repository.startswith(tuple(f"{each}/" for each in shared)):
        shared.append(repository)
    folder.mkdir(parents=True, exist_ok=True)
    programs = "/opt/ansible/bin" if name == "pypi" else "/usr/bin"
    for each in COMMANDS:
        script = folder / each
        script.write_text(COMMAND.format(root=root, shared=" ".join(shared), program=f"{programs}/{each}"), encoding="ascii")
        script.chmod(0o755)


def made(name):
    """The root of that name. PyPI's is made again each day, to be the newest."""
    suite, package = SUITES[name]
    day = time.strftime("%F") if name == "pypi" else ""
    recipe = " ".join((suite, package, *COMMON, FROM_PYPI, day))
    path = CACHE / f"{name}.{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(f"{path}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            unfinished = pathlib.Path(f"{path}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            run("mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join((package, *COMMON))}",
                "--aptopt=Acquire::Languages none", "--dpkgopt=force-unsafe-io",
                "--dpkgopt=path-exclude=/usr/share/doc/*", suite, str(unfinished), mirror())
            if name == "pypi":
                for file in ("/etc/resolv.conf", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt"):
                    if os.path.exists(file):
                        shutil.copy(file, unfinished / file.lstrip("/"))
                run("chroot", str(unfinished), "/bin/sh", "-ec", FROM_PYPI)
            os.rename(unfinished, path)
    return path


def run(*argv):
    subprocess.run(argv, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])

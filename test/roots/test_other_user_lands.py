"""The tools are fully static: they run in older and newer user lands, with name services that crash static programs."""
import json
import os
import shutil
import subprocess
import time

import pytest

from support import paths

# A fully static glibc program that follows this into these modules dies of a signal (facts: SIGABRT on 11, SIGFPE on 13).
NSSWITCH = """passwd: files systemd
group: files systemd
hosts: files resolve [!UNAVAIL=return] mymachines myhostname dns
"""
SUITES = {"11": "bullseye", "13": "trixie"}


def mirror():
    listed = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)"], check=True, capture_output=True,
                            text=True).stdout.split()
    assert listed, "apt knows no mirror: run apt-get update first"
    return listed[0]


@pytest.fixture(scope="module", params=sorted(SUITES))
def root(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("root") / SUITES[request.param]
    made = subprocess.run(["mmdebstrap", "--quiet", "--variant=essential",
                           "--include=libnss-resolve,libnss-mymachines,libnss-myhostname,libnss-systemd",
                           SUITES[request.param], str(path), mirror()], capture_output=True, text=True)
    assert made.returncode == 0, f"cannot make a Debian {request.param} root: {made.stderr[-2000:]}"
    (path / "etc/nsswitch.conf").write_text(NSSWITCH)
    with open(path / "etc/passwd", "a", encoding="ascii") as passwd:
        passwd.write("tidb:x:1234:1234::/home/tidb:/bin/bash\n")
    with open(path / "etc/group", "a", encoding="ascii") as group:
        group.write("tidb:x:1234:\n")
    for tool in ("copy-binary", "rolling-restart"):
        shutil.copy2(paths.tool(tool), path / "usr/local/bin" / tool)
    yield path
    shutil.rmtree(path)


def inside(root, *argv):
    return subprocess.run(["chroot", str(root), *argv], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("tool", ["copy-binary", "rolling-restart"])
def test_a_tool_starts_in_another_user_land(root, tool):
    done = inside(root, tool, "--version")
    assert (done.returncode, done.stdout.split()[:1]) == (0, [tool]), done


def test_owners_are_looked_up_by_name(root):
    done = inside(root, "copy-binary", "--content=gc = 7", "--dest=/etc/pump.toml", "--owner=tidb", "--group=tidb")
    assert done.returncode == 0, done
    assert json.loads(done.stdout)["changed"] is True
    status = os.stat(root / "etc/pump.toml")
    assert (status.st_uid, status.st_gid) == (1234, 1234)


def test_an_unknown_owner_is_an_error_not_a_crash(root):
    done = inside(root, "copy-binary", "--content=x", "--dest=/etc/other", "--owner=nobody-of-that-name")
    assert done.returncode in (1, 100), done
    assert json.loads(done.stdout)["failed"] is True


def test_host_names_are_looked_up_without_crash(root):
    """localhost by /etc/hosts; a name nobody knows ends in an error."""
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    for host in ("localhost", "no-such-host.invalid"):
        done = inside(root, "rolling-restart", "--component=pump", "--deploy-dir=/opt/none", "--supervision=command",
                      f"--pd-urls=http://{host}:1", f"--advertise={host}:2", "--action=status")
        assert done.returncode in (1, 111), done
        assert json.loads(done.stdout)["error"]["code"] == "registry_unreadable", done


@pytest.mark.parametrize("tool,limit", [("copy-binary", 2_000_000), ("rolling-restart", 6_500_000)])
def test_size_and_start(tool, limit):
    """Sizes are what Ansible sends at every call. The start time is printed, not judged: machines differ."""
    size = os.path.getsize(paths.tool(tool))
    times = []
    for _ in range(20):
        start = time.perf_counter()
        subprocess.run([paths.tool(tool), "--version"], check=True, capture_output=True)
        times.append((time.perf_counter() - start) * 1000)
    print(f"{tool}: {size} bytes, starts in {sorted(times)[len(times) // 2]:.1f} ms")
    assert size < limit


def test_they_need_no_library():
    for tool in ("copy-binary", "rolling-restart"):
        headers = subprocess.run(["readelf", "-ld", paths.tool(tool)], check=True, capture_output=True, text=True).stdout
        assert "INTERP" not in headers and "NEEDED" not in headers

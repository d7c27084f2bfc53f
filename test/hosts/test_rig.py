"""the rig itself: up in time, hosts of their own, down without a trace however it ended, two side by side."""
import json
import os
import signal
import subprocess
import sys

import pytest

from hosts.rig import needs, takedown
from hosts.rig.rig import Rig
from support import paths, process, wait

# A rig of its own process, ended from outside while it is up or half way there.
OWNER = """
import json, sys, time
from hosts.rig import rig
running = []
class Watched(rig.Rig):
    def _make_network(self):
        print(json.dumps([self.number, self.folder]), flush=True)
        super()._make_network()
with Watched(pumps=2, drainers=0) as up:
    print("up", flush=True)
    if {fails}:
        raise RuntimeError("a test fails")
    time.sleep(600)
"""


def everything_of_rigs():
    """What any rig may leave on the machine, each with the name or folder that tells whose it is."""
    links = [f"link {name}" for name in os.listdir("/sys/class/net")]
    namespaces = [f"netns {name}" for name in os.listdir("/run/netns")] if os.path.isdir("/run/netns") else []
    groups = [f"cgroup {name}" for root in needs.cgroup_roots() for name in os.listdir(root)]
    nspawn = [f"nspawn {path.name}" for path in takedown.NSPAWN.glob("*/*") if not path.name.startswith("inode")]
    mounts = [f"mount {mount}" for mount in _mounts()]
    return {*links, *namespaces, *groups, *nspawn, *mounts}


def _mounts():
    with open("/proc/mounts", encoding="utf-8") as file:
        return [line.split()[1] for line in file if "tbu-rig." in line or "tbu" in line.split()[0]]


def of_rig(things, number, folder):
    marks = (f" {takedown.prefix(number)}", folder)
    return {thing for thing in things if any(mark in thing for mark in marks)}


class Owner:
    def __init__(self, fails=False):
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER.format(fails=fails)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "PYTHONPATH": str(paths.TESTS)}, start_new_session=True)
        self.number, self.folder = json.loads(self.process.stdout.readline())

    @property
    def keeper(self):
        return next(pid for pid in process.pids() if {"--keep", self.folder} <= set(process.command_line(pid)))

    def wait_up(self):
        assert self.process.stdout.readline() == "up\n", "the rig did not come up"


def assert_no_trace(number, folder):
    wait.until(f"nothing is left of rig {number}", lambda: not takedown.traces(number, folder), seconds=60, every=0.2)
    assert not of_rig(everything_of_rigs(), number, folder)


def test_it_is_up_within_ninety_seconds_and_goes_without_a_trace():
    with Rig() as rig:
        number, folder = rig.number, rig.folder
        print(f"up in {rig.boot_seconds:.1f} s: {len(rig.hosts)} hosts")
        assert rig.boot_seconds < 90
        assert of_rig(everything_of_rigs(), number, folder), "nothing would be noticed"
        for host in rig.hosts:
            assert host.run("systemctl", "is-system-running", check=False).stdout.strip() == "running", \
                host.systemctl("--failed", check=False)
            assert host.run("hostname").stdout.strip() == host.name
        addresses = {host.name: host.run("ip", "-4", "-o", "addr", "show", "eth0").stdout for host in rig.hosts}
        assert all(host.address in addresses[host.name] for host in rig.hosts)
        file_systems = {host.name: [host.run("stat", "-c", "%d", path).stdout for path in ("/etc", host.deploy_dir)]
                        for host in rig.hosts}
        assert all(etc != deploy for etc, deploy in file_systems.values()), "/etc and deploy_dir are one file system"
        assert len({etc for etc, _ in file_systems.values()}) == len(rig.hosts), "hosts share a root file system"
        assert all("ok" in host.ssh("sudo -n true && curl -s x || echo ok").stdout for host in rig.hosts)
    assert_no_trace(number, folder)


def test_two_rigs_stand_side_by_side():
    with Rig(pumps=1, drainers=0) as ours, Rig(pumps=1, drainers=0) as theirs:
        assert ours.network != theirs.network
        before = theirs.pids()
        assert list(ours.pd.pumps()) == list(theirs.pd.pumps()) == ["pump1:8250"]
        ours.pumps[0].lose_power()
        wait.until("our Pump is gone", lambda: not ours.pumps[0].is_online())
        assert theirs.pumps[0].is_online() and theirs.pids() == before
        our_pd = f"/dev/tcp/{ours.pd.host}/{ours.pd.port}"
        assert theirs.pumps[0].run("bash", "-c", f"exec 3<>{our_pd}", check=False).returncode != 0
        ours.pumps[0].reboot_after_power_loss()
        assert theirs.pids() == before
        number, folder = ours.number, ours.folder
        ours.close()
        assert_no_trace(number, folder)
        assert theirs.pumps[0].is_online() and theirs.pids() == before


def test_a_test_that_fails_leaves_nothing():
    owner = Owner(fails=True)
    owner.wait_up()
    assert owner.process.wait(90) == 1
    assert_no_trace(owner.number, owner.folder)


@pytest.mark.parametrize("name", ["INT", "TERM", "KILL"])
@pytest.mark.parametrize("when", ["while it comes up", "once it is up"])
def test_an_interrupted_test_leaves_nothing(name, when):
    owner = Owner()
    if when == "once it is up":
        owner.wait_up()
    os.kill(owner.process.pid, signal.Signals[f"SIG{name}"])
    owner.process.wait(90)
    assert_no_trace(owner.number, owner.folder)
    assert not process.alive(owner.process.pid)


def test_what_even_its_keeper_left_is_cleared_by_the_next_of_its_number():
    owner = Owner()
    owner.wait_up()
    for pid in (owner.keeper, owner.process.pid):
        os.kill(pid, signal.SIGKILL)
    owner.process.wait(90)
    assert takedown.traces(owner.number, owner.folder), "nothing would be noticed"
    takedown.clear(owner.number)
    assert_no_trace(owner.number, owner.folder)

"""An old Drainer and Pump that daemontools' supervise keeps: as tidb-ansible calls it, with a script as second word, and as the
rest of the world does."""
import os
import signal
import time

import pytest

from support import paths, process, wait
from support.host import exporting
from support.retiring import Retiring, codes, running_as, steps


@pytest.fixture(scope="module", params=["supervise", "daemontools"])
def old(request):
    with Retiring(old_supervision=request.param) as ready:
        for node in (ready.old_drainer, ready.old_pump):
            if request.param == "supervise":  # what undo starts is to find what this machine needs
                with open(paths.peer("supervise"), encoding="ascii") as file:
                    node.write("bin/supervise", exporting(file.read(), ready.environment), 0o755)
        yield ready


def end_supervisor(node):
    """As a reboot does, the node aside, which is down."""
    for pid in node.supervisors():
        os.kill(pid, signal.SIGKILL)
    wait.until("supervise is gone", lambda: not node.supervisors())


def as_it_ran(node):
    """But for its environment, which is supervise's."""
    executable, words, folder, _, user = running_as(node.pid)
    return executable, words, folder, user, process.parent(node.pid) in node.supervisors()


def assert_unnamed_it_is_refused(old, name):
    node, pid = old.node(name), old.node(name).pid
    refused = old.stop_old(name, supervision=None)
    assert codes(refused) == {"wrong_node"} and "supervise" in refused["msg"] and node.pid == pid, refused


def assert_retired_for_good(old, name):
    node, pid = old.node(name), old.node(name).pid
    node.set_knobs(stop_delay=14000)
    slow = old.stop_old(name, timeout=12)  # most of it is for the looks before, on a busy machine
    assert slow.status == 99 and slow.code == "stop_timeout" and process.alive(pid), slow
    gone = old.stop_old(name)
    assert gone.status == 0 and gone["changed"] and not node.pid, gone
    assert list(steps(gone)) == ["verify", "record", "stop", "deregistered", "mask", "settled"]
    node.set_knobs()
    end_supervisor(node)
    node.start(wait_ready=False)  # after a reboot, or by hand
    wait.until("supervise runs", node.supervisors)
    time.sleep(2)
    assert not node.pid
    again = old.stop_old(name)
    assert again.status == 0 and not again["changed"], again


def assert_comes_back(old, name, was, **named):
    node = old.node(name)
    back = old.undo(name, **named)
    assert back.status == 0 and back["changed"] and list(steps(back)) == ["unmask", "start", "proven"], back
    assert as_it_ran(node) == was
    node.kill()
    node.start()  # after a reboot
    assert as_it_ran(node) == was
    if name == "drainer":
        old.wait_window()
    assert not old.undo(name)["changed"]


def retire_and_bring_back(old, name):
    was = as_it_ran(old.node(name))
    assert was[-1]
    assert_unnamed_it_is_refused(old, name)
    assert_retired_for_good(old, name)
    assert_comes_back(old, name, was)
    # and where nothing of supervise is left, by the record alone
    assert old.stop_old(name).status == 0
    end_supervisor(old.node(name))
    assert_comes_back(old, name, was, supervision=None)
    assert old.stop_old(name).status == 0


def test_a_drainer(old):
    retire_and_bring_back(old, "drainer")


def test_a_pump(old):
    old.start_new_drainer()
    retire_and_bring_back(old, "pump")
    assert old.old_pump.registered is None  # the Local version's own doing: it was given the time to end


def test_a_service_that_was_down_before_stays_so(old):
    """Its owner's file, not ours."""
    down = f"{old.old_pump.deploy_dir}/status/pump/down"
    assert old.undo("pump").status == 0 and not os.path.exists(down)
    old.old_pump.write("status/pump/down", "", 0o644)
    assert old.stop_old("pump").status == 0 and old.undo("pump").status == 0
    assert os.path.exists(down) and old.old_pump.pid

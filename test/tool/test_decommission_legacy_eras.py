"""The Drainer and Pump of each version that had Kafka, retired on wait-synced's proof and brought back, in order."""
import time

import pytest

from support import process, wait
from support.retiring import Retiring, codes, running_as, steps

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module", params=["v1.0", "v1.1", "kafka"])
def old(request):
    """An interval long enough for some calls within it."""
    with Retiring(mode=request.param, detect_interval=10) as ready:
        ready.were = {each.component: running_as(each.pid) for each in (ready.old_drainer, ready.old_pump)}
        yield ready


def assert_retired(call, node):
    assert call.status == 0 and call["changed"] and not node.pid and not process.listening(node.port), call
    assert list(steps(call)) == ["verify", "record", "stop", "deregistered", "settled"]


def assert_back(call, old, node):
    assert call.status == 0 and call["changed"] and steps(call)["proven"]["evidence"]["alive_key"] == node.node_id, call
    executable, words, folder, _, user = running_as(node.pid)
    assert (executable, words, folder, user) == (*old.were[node.component][:3], old.were[node.component][4])


def test_a_drainer_goes_with_its_checkpoint_kept(old):
    with open(old.old_drainer.savepoint, "rb") as file:
        checkpoint = file.read()
    assert_retired(old.stop_old("drainer"), old.old_drainer)
    copy, = old.manifest("drainer")["copies"]
    with open(copy["path"], "rb") as file:
        assert file.read() == checkpoint
    assert not old.stop_old("drainer")["changed"]


def test_a_drainer_that_comes_back_is_asked_for_nothing_too_early(old):
    """Version v1.1 asked for its /status before it has looked at the registry never answers or replicates again."""
    assert_back(old.undo("drainer"), old, old.old_drainer)
    assert old.old_drainer.is_online()


def test_nor_is_one_that_was_just_started(old):
    old.old_drainer.stop()
    old.old_drainer.start(wait_ready=False)
    wait.until("it listens", lambda: process.listening(old.old_drainer.port))
    waited = old.tool("wait-synced", f"--drainers={old.old_drainer.advertised}", f"--pumps={old.old_pump.advertised}",
                      "--timeout=3")
    assert waited.status == 99 and "not looked at the registry" in str(waited["drainers"]), waited
    for name in ("drainer", "pump"):
        refused = old.stop_old(name)
        assert {"drainer": "unproven", "pump": "wrong_order"}[name] in codes(refused), refused
    time.sleep(11)
    assert old.old_drainer.is_online()
    old.wait_window()
    assert_retired(old.stop_old("drainer"), old.old_drainer)


def test_a_pump_goes_and_comes_back(old):
    old.start_new_drainer()
    assert_retired(old.stop_old("pump"), old.old_pump)
    assert old.old_pump.registered["IsOffline"]
    assert_back(old.undo("pump"), old, old.old_pump)
    wait.until("it answers", old.old_pump.is_online)
    assert_retired(old.stop_old("pump"), old.old_pump)

"""Retiring a Local-version Drainer and Pump and bringing them back: real processes, a real etcd. The tests follow one
deployment through its last day, in order."""
import json
import os
import shutil
import signal
import stat
import time

import pytest

from support import paths, process, tool, wait
from support.retiring import Retiring, contents, running_as, steps


@pytest.fixture(scope="module")
def old():
    with Retiring() as ready:
        yield ready


def test_check_mode_says_what_it_would_do_and_does_nothing(old):
    pid, before = old.old_drainer.pid, contents(old.old_drainer.deploy_dir).keys()
    plan = old.stop_old("drainer", "--check")
    assert plan.status == 0 and plan["changed"], plan
    assert [step["step"] for step in plan["plan"]] == ["record", "stop"]
    assert not any(step["done"] for step in plan["steps"])
    assert old.old_drainer.pid == pid and contents(old.old_drainer.deploy_dir).keys() == before


def test_the_nodes_own_user_may_do_it(old):
    """Where there is no unit, nothing needs root."""
    mine = f"{old.folder}/decommission-legacy"
    shutil.copy(paths.tool("decommission-legacy"), mine)
    looked = old.old_drainer.as_user([mine, "--check", *old.words("drainer")], capture_output=True, text=True)
    assert json.loads(looked.stdout)["plan"] and old.old_drainer.pid


def test_a_drainer_is_retired_with_its_data_in_place_and_stays_so(old):
    drainer = old.old_drainer
    old.was = running_as(drainer.pid)
    with open(drainer.savepoint, "rb") as file:
        checkpoint = file.read()
    gone = old.stop_old("drainer")
    assert gone.status == 0 and gone["changed"] and not gone["failed"], gone
    assert list(steps(gone)) == ["verify", "record", "stop", "deregistered", "settled"]
    assert all(step["done"] for step in gone["steps"])
    assert not drainer.pid and not process.listening(drainer.port)
    assert not any(key.endswith("/alive") for key in old.pd.prefix("/tidb-binlog/cisterns/"))

    with open(drainer.savepoint, "rb") as file:
        assert file.read() == checkpoint
    manifest = old.manifest("drainer")
    assert stat.S_IMODE(os.stat(gone["manifest"]).st_mode) == 0o600
    assert manifest["process"]["argv"] == old.was[1] and manifest["node_id"] == drainer.node_id
    assert [os.path.basename(copy["path"]) for copy in manifest["copies"]] == ["savePoint"]
    with open(manifest["copies"][0]["path"], "rb") as file:
        assert file.read() == checkpoint
    assert drainer.savepoint in {file["path"] for file in manifest["files"]}

    again = old.stop_old("drainer")
    assert again.status == 0 and not again["changed"], again
    assert all(step["done"] and not step["changed"] for step in again["steps"])


def test_a_second_stop_does_not_believe_its_own_record(old):
    """Somebody has started it again: it is looked at, and stopped, like any other."""
    old.old_drainer.start()
    refused = old.stop_old("drainer", evidence_file="/nowhere/proof.json")
    assert refused.code == "no_proof" and old.old_drainer.pid
    assert old.stop_old("drainer")["changed"] and not old.old_drainer.pid


def test_undo_brings_a_drainer_back_as_it_ran(old):
    plan = old.undo("drainer", "--check")
    assert plan["changed"] and [step["step"] for step in plan["plan"]] == ["start"] and not old.old_drainer.pid
    back = old.undo("drainer")
    assert back.status == 0 and back["changed"], back
    assert running_as(old.old_drainer.pid)[:3] == old.was[:3] and running_as(old.old_drainer.pid)[4] == old.was[4]
    assert steps(back)["proven"]["evidence"]["alive_key"] == old.old_drainer.node_id
    again = old.undo("drainer")
    assert again.status == 0 and not again["changed"], again


def test_killed_anywhere_the_next_call_finishes(old):
    """SIGKILL of the tool after more and more of its time, until one call gets through."""
    points = (1, 8, 21, 22, 23, 24, 26, 30, 35) if os.environ.get("TBU_FULL") else (1, 22, 24, 28)
    for tenths in points:
        call = tool.start("decommission-legacy", *old.words("drainer"), environment=old.environment)
        time.sleep(tenths / 10)
        call.send_signal(signal.SIGKILL)
        call.communicate()
        done = old.stop_old("drainer")
        assert done.status == 0, (tenths, done)
        assert not old.old_drainer.pid
        if tenths != points[-1]:
            call = tool.start("decommission-legacy", "--action=undo", *old.words("drainer", evidence_file=None, tidbs=None),
                              environment=old.environment)
            time.sleep(tenths / 40)
            call.send_signal(signal.SIGKILL)
            call.communicate()
            back = old.undo("drainer")
            assert back.status == 0 and old.old_drainer.pid, (tenths, back)


def test_a_pump_waits_for_a_new_drainer_past_the_proof(old):
    refused = old.stop_old("pump", new_drainers="127.0.0.1:1")
    assert refused.code == "drainers_not_ready" and old.old_pump.pid
    assert refused["steps"] == [{**refused["steps"][0], "name": "verify", "done": False, "changed": False}]
    old.start_new_drainer()


def test_a_stop_that_does_not_end_in_time_is_waited_for_by_the_next_call(old):
    pump = old.old_pump
    old.was = running_as(pump.pid)
    pump.set_knobs(stop_delay=6000)
    pid = pump.pid
    slow = old.stop_old("pump", timeout=5)
    assert slow.status == 99 and slow.code == "stop_timeout" and str(pid) in slow["msg"], slow
    assert process.alive(pid) and [step["name"] for step in slow["steps"] if step["done"]] == ["verify", "record"]
    done = old.stop_old("pump")
    assert done.status == 0 and not pump.pid, done
    # The Local version takes its keys away itself; nothing else was written.
    assert set(old.pd.prefix("/tidb-binlog/v1/")) == {f"/tidb-binlog/v1/pumps/{old.new_pump.node_id}",
                                                      f"/tidb-binlog/v1/drainers/{old.drainers[0].node_id}"}


def test_undo_brings_a_pump_back(old):
    old.old_pump.set_knobs()
    before = contents(f"{old.old_pump.data_dir}/clusters")
    back = old.undo("pump")
    assert back.status == 0 and back["changed"], back
    assert running_as(old.old_pump.pid)[:3] == old.was[:3]
    assert before.items() <= contents(f"{old.old_pump.data_dir}/clusters").items() or before
    wait.until("it is registered again", lambda: old.old_pump.alive_key)
    assert old.stop_old("pump").status == 0


def test_undo_of_a_drainer_is_refused_while_the_new_one_runs(old):
    refused = old.undo("drainer", new_drainers=old.drainers[0].advertised)
    assert refused.code == "wrong_order" and not old.old_drainer.pid, refused


def test_nothing_to_undo(old):
    assert old.undo("pump", port=old.old_pump.port + 1).code == "nothing_to_undo"

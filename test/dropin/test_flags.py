"""Flags of ansible-playbook that pick, skip, limit and reorder: none of them gets a node changed without its checks."""
import json
import re
import subprocess

import pytest

from support import cluster as clusters
from support import playbook, process

OLD, NEW = "v4.0.14", "v4.0.16"


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers")

    class Peers:
        old, new = (clusters.make_peer(str(folder / version), version) for version in (OLD, NEW))
        drainer = clusters.make_peer(str(folder / "drainer"), OLD, program="drainer")
    return Peers


@pytest.fixture(scope="module")
def running(peers):
    with clusters.Cluster(old=peers.old, old_drainer=peers.drainer, drainers=1) as cluster:
        yield cluster


@pytest.fixture
def untouched(running, peers):
    """A new Pump is offered; at the end everything must run and be as it was."""
    running.offer(peers.new)
    before = (running.pids(), running.drainers[0].pid)
    yield running
    assert (running.pids(), running.drainers[0].pid) == before


def test_list_tags_and_tasks_name_one_tag(untouched):
    listed = playbook.roll(untouched, "--list-tags", tags=None).assert_done().output
    assert set(re.findall(r"TASK TAGS: \[(.*)\]", listed)) <= {"always", "pump", "always, pump"}


@pytest.mark.parametrize("task", ["Pump: {{ __pump_action }}", "Take the turn", "Put the Pumps in order", "Read conf/pump.yml",
                                  "Stage the Pump's files beside those in use", "Verify"])
def test_begun_in_the_middle_no_pump_is_changed(untouched, task):
    playbook.roll(untouched, "--start-at-task", task)


@pytest.mark.parametrize("task", ["Drainer: {{ __drainer_action }}", "Stage the Drainer's files beside those in use"])
def test_begun_in_the_middle_no_drainer_is_stopped(untouched, task):
    done = playbook.run(untouched, "stop_drainer.yml", "--start-at-task", task, tags="drainer")
    assert done.status != 0
    assert "checks_left_out" in done.output


@pytest.mark.parametrize("flags", [["--skip-tags=pump"], ["--tags=pump,nothing"], ["--limit=pd1"], ["--limit=localhost"],
                                   ["--skip-tags=pump,always"]])
def test_what_leaves_nothing_to_do_changes_nothing(untouched, flags):
    playbook.roll(untouched, *flags, tags=None if any("--tags" in flag for flag in flags) else "pump")


def test_more_output_is_as_safe(untouched):
    plan = playbook.roll(untouched, "--check", "--diff", "-vvv", "-f", "50").assert_done()
    assert {host for host, _ in plan.results("copy-binary", "ok")} == {"pump1", "pump2", "pump3"}


def test_a_limit_restarts_that_pump_alone_and_asks_all_others(running, peers):
    running.offer(peers.new)
    before = running.pids()
    done = playbook.roll(running, "--limit=pump2").assert_done()
    assert [host for host, _ in done.restarts()] == ["pump2"]
    assert {name for name, pid in running.pids().items() if before[name] != pid} == {"pump2"}
    assert sorted(done.restarts()[0][1]["peers_online"]) == [running.pump(name).node_id for name in ("pump1", "pump3")]


def test_free_strategy_and_many_forks_still_take_one_after_the_other(running, peers):
    running.offer(peers.new)
    running.environment["ANSIBLE_STRATEGY"] = "free"
    try:
        done = playbook.roll(running, "-f", "50", variables={"pump_force": True}).assert_done()
    finally:
        del running.environment["ANSIBLE_STRATEGY"]
    assert [host for host, _ in done.restarts()] == ["pump1", "pump2", "pump3"]
    assert set(running.digests().values()) == {process.file_digest(peers.new)}


def ad_hoc(cluster, *arguments, module="copy-binary"):
    """`ansible localhost -m MODULE`: exit status, and the object it returned."""
    folder = playbook.copy_of_playbooks(cluster)
    done = subprocess.run(["ansible", "-i", str(cluster.inventory), "localhost", "-m", module, *arguments], cwd=folder,
                          env={**cluster.environment, "ANSIBLE_CONFIG": f"{folder}/ansible.cfg", "ANSIBLE_NOCOLOR": "1",
                               "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"},
                          capture_output=True, text=True, timeout=120)
    return done.returncode, json.loads(done.stdout.partition("=>")[2] or "{}")


def test_ad_hoc_puts_the_binary_in_place_and_checks_it_too(running, peers, tmp_path):
    dest = tmp_path / "pump"
    wanted = f"src={peers.new} dest={dest} component=pump"
    assert ad_hoc(running, "--check", "-a", wanted)[1]["changed"] is True
    assert not dest.exists()
    assert ad_hoc(running, "-a", wanted)[1]["changed"] is True
    assert process.file_digest(dest) == process.file_digest(peers.new)
    assert ad_hoc(running, "-a", wanted, module="copy_binary")[1]["changed"] is False
    status, refused = ad_hoc(running, "-a", f"src={peers.drainer} dest={dest} component=pump")
    assert status != 0 and refused["error"]["code"] == "wrong_program"
    assert process.file_digest(dest) == process.file_digest(peers.new)

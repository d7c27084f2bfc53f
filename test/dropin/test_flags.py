"""Flags of ansible-playbook that pick, skip, limit and reorder: none of them gets a node changed without its checks."""
import json
import os
import pathlib
import re
import stat
import subprocess

import pytest
import yaml

from support import cluster as clusters
from support import paths, playbook, process

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


@pytest.mark.parametrize("book", sorted(path.name for path in paths.PLAYBOOKS.glob("*.yml")))
def test_list_tags_names_nodes_and_nothing_else(untouched, book):
    listed = playbook.run(untouched, book, "--list-tags", tags=None).assert_done().output
    tags = {tag for tags in re.findall(r"TASK TAGS: \[(.*)\]", listed) for tag in tags.split(", ") if tag}
    assert tags <= {"always", "pump", "drainer", "kafka", "zookeeper"}


@pytest.mark.parametrize("book", sorted(path.name for path in paths.PLAYBOOKS.glob("*.yml")))
def test_no_play_for_several_hosts_takes_its_order_from_outside(book):
    plays = yaml.safe_load((paths.PLAYBOOKS / book).read_text(encoding="utf-8"))
    assert not [play["name"] for play in plays if play.get("hosts", "localhost") != "localhost" and play.get("strategy") != "linear"]


ONE_BY_ONE = """\
- hosts: all
  gather_facts: false
  serial: 1
  tasks: [{raw: "true"}]
- hosts: all
  gather_facts: false
  tasks: [{debug: {msg: all was well}}]
"""


def test_a_host_that_is_gone_ends_a_run_of_one_by_one(tmp_path):
    """What ours rely on. With any_errors_fatal Ansible counts such a host twice, and goes on with the next one."""
    (tmp_path / "inventory.ini").write_text("one ansible_connection=local\ntwo ansible_host=127.0.0.1 ansible_port=1\n"
                                            "three ansible_connection=local\n", encoding="utf-8")
    (tmp_path / "one_by_one.yml").write_text(ONE_BY_ONE, encoding="utf-8")
    done = subprocess.run(["ansible-playbook", "-i", "inventory.ini", "one_by_one.yml"], cwd=tmp_path, check=False,
                          capture_output=True, text=True)
    assert done.returncode != 0
    assert re.findall(r"^(\w+) .*ok=(\d)", done.stdout, re.M) == [("one", "1"), ("two", "0")], done.stdout + done.stderr


@pytest.mark.parametrize("book", sorted(path.name for path in paths.PLAYBOOKS.glob("*.yml")))
def test_no_play_one_by_one_says_any_errors_fatal(book):
    plays = yaml.safe_load((paths.PLAYBOOKS / book).read_text(encoding="utf-8"))
    assert not [play["name"] for play in plays if play.get("serial") and play.get("any_errors_fatal")]


def tasks_behind_the_checks(cluster, book, component):
    """Names of the tasks that follow the preflight, as --start-at-task takes them."""
    listed = playbook.run(cluster, book, "--list-tasks", tags=component).assert_done().output
    names = list(dict.fromkeys(re.findall(rf"^ {{6}}({component} : .*?)\t", listed, re.M)))
    behind = names[names.index(f"{component} : Check the inventory") + 1:]
    assert len(behind) > 2, listed
    return behind


def test_begun_in_the_middle_no_pump_is_changed(untouched):
    refused = []
    for task in tasks_behind_the_checks(untouched, "rolling_update.yml", "pump"):
        done = playbook.roll(untouched, "--start-at-task", task)
        assert not done.restarts(), done.output
        refused += [task] if done.status and "checks_left_out" in done.output else []
    assert refused == ["pump : Read conf/pump.yml", "pump : Stage the Pump's files beside those in use"]


@pytest.mark.parametrize("book", ["stop_drainer.yml", "start_drainer.yml"])
def test_begun_in_the_middle_no_drainer_is_changed(untouched, book):
    for task in tasks_behind_the_checks(untouched, book, "drainer"):
        done = playbook.run(untouched, book, "--start-at-task", task, tags="drainer")
        assert not done.restarts(), done.output


@pytest.mark.parametrize("flags,why", [
    (["--skip-tags=pump"], "selects nothing of this playbook"), (["--tags=pump,nothing"], "selects nothing of this playbook"),
    (["--tags=pump,drainer"], "selects nothing of this playbook"), (["--tags=always"], "selects nothing of this playbook"),
    (["--tags=untagged"], "selects nothing of this playbook"), (["--tags=pump", "--limit=pd1"], "--limit leaves none of it"),
    (["--tags=pump", "--limit=localhost"], "--limit")])
def test_what_leaves_nothing_to_do_fails_and_says_so(untouched, flags, why):
    done = playbook.roll(untouched, *flags, tags=None)
    assert done.status != 0
    assert why in " ".join(done.output.split())


def test_without_its_checks_nothing_runs(untouched):
    playbook.roll(untouched, "--skip-tags=pump,always", tags=None)


@pytest.mark.parametrize("flags", [["--tags=pump,always"], ["--tags=all"], ["--tags=tagged", "--skip-tags=drainer"], []])
def test_these_all_mean_the_pumps(untouched, flags):
    plan = playbook.roll(untouched, "--check", *flags, tags=None).assert_done()
    assert {host for host, _ in plan.results("copy-binary", "ok")} == {"pump1", "pump2", "pump3"}


def test_more_output_is_as_safe(untouched):
    plan = playbook.roll(untouched, "--check", "--diff", "-vvv", "-f", "50").assert_done()
    assert {host for host, _ in plan.results("copy-binary", "ok")} == {"pump1", "pump2", "pump3"}


def test_no_output_shows_what_drainer_toml_holds(untouched, peers):
    untouched.offer(peers.drainer, "drainer")
    config = pathlib.Path(playbook.copy_of_playbooks(untouched), "conf/drainer1_drainer.toml")
    config.write_text('detect-interval = 3\n[syncer.to]\nuser = "root"\npassword = "hush-hush"\n', encoding="utf-8")
    try:
        plan = playbook.run(untouched, "stop_drainer.yml", "--check", "--diff", "-vvv", tags="drainer").assert_done()
    finally:
        config.unlink()
    assert "detect-interval = 3" in plan.output, "its diff is shown"
    assert "hush-hush" not in plan.output


def test_a_limit_does_not_leave_out_a_pump_that_is_down(running, peers):
    running.offer(peers.new)
    running.pump("pump3").stop()
    before = running.pids()
    try:
        playbook.roll(running, "--limit=pump2").assert_refused("peers_not_ready")
        assert running.pids() == before
    finally:
        running.pump("pump3").start()
        running.pump("pump3").wait_ready()


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


@pytest.mark.parametrize("ending", ["exec zstd \"$@\"", "echo torn >\"${!#}\"; exit 1"], ids=["zstd", "a zstd that fails"])
def test_a_large_file_is_packed_once_for_all_hosts_and_arrives_whole(running, tmp_path, ending):
    source, packings = tmp_path / "source", tmp_path / "packings"
    source.write_bytes(b"of a Pump" * 400_000 + os.urandom(1 << 20))
    packer = tmp_path / "bin/zstd"
    packer.parent.mkdir()
    packer.write_text(f"#!/bin/bash\nPATH=${{PATH#*:}}\necho . >>{packings}\n{ending}\n", encoding="utf-8")
    packer.chmod(0o755)
    hosts = {f"host{number}": {"ansible_connection": "local", "dest": str(tmp_path / str(number))} for number in range(4)}
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(json.dumps({"receivers": {"hosts": hosts}}), encoding="utf-8")
    task = {"copy_binary": {"src": str(source), "dest": "{{ dest }}"}}
    book = pathlib.Path(playbook.copy_of_playbooks(running), "send.yml")
    book.write_text(json.dumps([{"hosts": "receivers", "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
    before = running.environment["PATH"]
    running.environment["PATH"] = f"{packer.parent}:{before}"
    try:
        for changed in (True, False):
            sent = [result for _, result in playbook.run(running, book.name, "-i", str(inventory), tags=None).assert_done().results("copy_binary")]
            assert [result["changed"] for result in sent] == [changed] * len(hosts)
            if changed:
                assert len(packings.read_text(encoding="ascii").split()) == 1
                assert all(1 << 20 < result["bytes_received"] < 2 << 20 for result in sent)
    finally:
        running.environment["PATH"] = before
    assert {process.file_digest(host["dest"]) for host in hosts.values()} == {process.file_digest(str(source))}


def test_module_defaults_by_the_names_without_hyphen(running, tmp_path):
    """Each default must have arrived: none of these tasks gives an argument that decides."""
    pump, dest = running.pumps[0], tmp_path / "file"
    tasks = [{"copy_binary": {"content": "x", "dest": str(dest)}}, {"rolling_restart": {"component": "pump"}},
             {"wait_synced": {"stable_for": 1}, "ignore_errors": True},
             {"decommission_legacy": {"component": "pump"}, "ignore_errors": True}]
    defaults = {"copy_binary": {"mode": "0640"},
                "rolling_restart": {"action": "status", "deploy_dir": pump.deploy_dir, "port": pump.port, "supervision": "supervise",
                                    "service": f"{pump.deploy_dir}/status/pump"},
                "wait_synced": {"drainers": ["127.0.0.1:1"], "tso_from": pump.advertised, "timeout": 2},
                "decommission_legacy": {"evidence_file": str(tmp_path / "none.json")}}
    book = pathlib.Path(playbook.copy_of_playbooks(running), "defaults.yml")
    book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}]),
                    encoding="utf-8")
    done = playbook.run(running, book.name, tags=None).assert_done()
    assert stat.S_IMODE(dest.stat().st_mode) == 0o640
    assert done.results("rolling-restart")[0][1]["node"]["before"]["pid"] == pump.pid
    assert [drainer["url"] for drainer in done.results("wait-synced")[0][1]["drainers"]] == ["http://127.0.0.1:1"]
    assert done.results("decommission-legacy")[0][1]["error"]["code"] == "no_proof"

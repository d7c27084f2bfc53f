"""install-into on every branch of tidb-ansible: what changes there, what does not, and the way back."""
import hashlib
import json
import os
import re
import subprocess

import conftest
import pytest
import upstream

from support import paths

pytestmark = pytest.mark.upstream
every_branch = pytest.mark.parametrize("checkout", upstream.BRANCHES, indirect=True)
newest = pytest.mark.parametrize("checkout", ["master"], indirect=True)

ENTRIES = ["rolling_update.yml", "excessive_rolling_update.yml", "stop_drainer.yml", "start_drainer.yml", "deploy_drainer.yml"]
OUR_PLAY = re.compile(r"# tidb-binlog-upgrade's in the place.*?ansible_skip_tags\"", re.S)


def entries(checkout):
    return [name for name in ENTRIES if (checkout / name).exists()]


def ansible(checkout, playbook, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(["/usr/bin/ansible-playbook", playbook, *arguments], cwd=checkout, check=False, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, env={**environment, "ANSIBLE_NOCOLOR": "1"})
    return done


def plays(checkout, playbook, *arguments):
    done = ansible(checkout, playbook, "--list-tasks", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return re.findall(r"play #\d+ \((.*?)\): (.*?)\t", done.stdout), re.findall(r"^ {6}(.*?)\t", done.stdout, re.M)


@every_branch
def test_only_the_entry_files_change_and_all_else_is_new(checkout, install):
    install(checkout)
    changed = upstream.changes(checkout)
    assert sorted(name for name, status in changed.items() if status == "M") == sorted(entries(checkout))
    assert set(changed.values()) == {"M", "??"}
    new = {name.split("/")[0] for name, status in changed.items() if status == "??"}
    assert new == {".tidb-binlog-upgrade", "action_plugins", "callback_plugins", "library", "roles", "rollback.yml", "status.yml",
                   "deploy_pump.yml", *(f"tidb_ansible_{name}" for name in entries(checkout)),
                   *(f"tidb_binlog_{name}" for name in entries(checkout) if name != "excessive_rolling_update.yml")}
    asked_for = {"skippy.py"} if "skippy" in (checkout / "ansible.cfg").read_text(encoding="utf-8") else set()
    assert {name for name in changed if name.startswith("callback_plugins/")} == {
        f"callback_plugins/{name}" for name in {"verdict.py"} | asked_for}
    assert all(name.startswith("roles/tidb_binlog/") for name in changed if name.startswith("roles/"))


@every_branch
def test_other_plays_and_comments_go_on_as_they_were(checkout, install):
    before = {name: (checkout / name).read_text(encoding="utf-8") for name in entries(checkout)}
    install(checkout)
    for name, text in before.items():
        others = (checkout / f"tidb_ansible_{name}").read_text(encoding="utf-8")
        ours = OUR_PLAY.findall(others)
        assert len(ours) == 1
        head, tail = others.split(ours[0])
        assert text.startswith(head) and text.endswith(tail)
        left_out = text[len(head):len(text) - len(tail)]
        assert re.search(r"hosts: (pump|drainer)_servers\n", left_out)
        assert len(re.findall(r"^- ", left_out, re.M)) == 1, "one play and no more"
        assert (checkout / ".tidb-binlog-upgrade/original" / name).read_text(encoding="utf-8") == text


@every_branch
def test_a_second_run_changes_nothing(checkout, install):
    install(checkout)
    before = conftest.snapshot(checkout)
    assert "Nothing to change" in install(checkout)
    assert conftest.snapshot(checkout) == before


@every_branch
def test_removed_it_is_byte_for_byte_as_it_was(checkout, install):
    before = conftest.snapshot(checkout)
    install(checkout)
    install(checkout, "--remove")
    assert conftest.snapshot(checkout) == before
    assert upstream.changes(checkout) == {}
    assert "Nothing to change" in install(checkout, "--remove")


@every_branch
def test_the_tag_runs_our_plays_alone(checkout, install):
    install(checkout)
    for playbook in entries(checkout):
        tag = "pump" if "rolling_update" in playbook else "drainer"
        hosts, tasks = plays(checkout, playbook, f"--tags={tag}")
        assert {group for group, _ in hosts} <= {"localhost:all", f"{tag}_servers", ""}
        assert tasks and all(task.startswith("tidb_binlog/") for task in tasks)


@every_branch
def test_the_full_update_still_has_all_plays_in_their_order(checkout, install):
    before, _ = plays(checkout, "rolling_update.yml")
    install(checkout)
    after, tasks = plays(checkout, "rolling_update.yml")
    ours = [("localhost:all", "Check what this run is about"), ("pump_servers", "Stage on every Pump, in parallel"),
            ("", "Restart one Pump after the other"), ("pump_servers", "Look at every Pump once more")]
    at = next(index for index, (group, _) in enumerate(before) if group == "pump_servers")
    assert after == before[:at] + ours + before[at + 1:]
    for wanted in ("stop PD by systemd", "stop TiKV by systemd", "stop TiDB by systemd"):
        assert wanted in tasks


@every_branch
def test_other_tags_run_what_they_ran(checkout, install):
    _, before = plays(checkout, "rolling_update.yml", "--tags=tikv,tidb")
    install(checkout)
    _, after = plays(checkout, "rolling_update.yml", "--tags=tikv,tidb")
    assert [task for task in after if not task.startswith("tidb_binlog/")] == before


@every_branch
def test_local_edits_stay(checkout, install):
    """Edits before and after the installation, in the entry file and elsewhere, survive both ways."""
    entry, config = checkout / "rolling_update.yml", checkout / "ansible.cfg"
    entry.write_text(entry.read_text(encoding="utf-8").replace("serial: 1", "serial: 1  # ours", 1), encoding="utf-8")
    config.write_text(config.read_text(encoding="utf-8") + "# ours\n", encoding="utf-8")
    (checkout / "roles/common").mkdir()
    (checkout / "roles/common/note").write_text("ours\n", encoding="utf-8")
    before = conftest.snapshot(checkout)
    install(checkout)
    others = checkout / "tidb_ansible_rolling_update.yml"
    assert "serial: 1  # ours" in others.read_text(encoding="utf-8")
    others.write_text(others.read_text(encoding="utf-8") + "# later\n", encoding="utf-8")
    assert "Nothing to change" in install(checkout)
    install(checkout, "--remove")
    after = conftest.snapshot(checkout)
    content, mode = before.pop("rolling_update.yml")
    assert after.pop("rolling_update.yml") == (content + b"# later\n", mode)
    assert after == before


@newest
def test_a_failure_of_theirs_is_not_explained_by_us(checkout, install):
    install(checkout)
    (checkout / "own.yml").write_text("- hosts: localhost\n  tasks: [{name: theirs, fail: {msg: no}}]\n", encoding="utf-8")
    failed = ansible(checkout, "own.yml")
    assert failed.returncode == 2 and "fatal: [localhost]" in failed.stdout, failed.stdout + failed.stderr
    assert "WHAT FAILED" not in failed.stdout


@newest
def test_an_edited_pump_play_is_not_replaced_unasked(checkout, install, refuse):
    entry = checkout / "rolling_update.yml"
    text = entry.read_text(encoding="utf-8")
    entry.write_text(text.replace("- name: stop pump by systemd", "- name: tell the pager\n      debug:\n\n    - name: stop pump by systemd"),
                     encoding="utf-8")
    before = conftest.snapshot(checkout)
    assert "rolling_update.yml: its play for pump_servers is not the one of any release" in refuse(checkout)
    install(checkout, "--replace-edited")
    assert "tell the pager" not in (checkout / "tidb_ansible_rolling_update.yml").read_text(encoding="utf-8")
    install(checkout, "--remove")
    assert conftest.snapshot(checkout) == before


@newest
def test_where_it_cannot_be_sure_it_refuses(checkout, install, refuse):
    entry = checkout / "rolling_update.yml"
    text = entry.read_text(encoding="utf-8")
    entry.write_text(text + "\n- hosts: pump_servers\n  tasks: []\n", encoding="utf-8")
    assert "has 2 plays for pump_servers" in refuse(checkout)
    entry.write_text(text.replace("hosts: pump_servers\n", "hosts: pump_servers:tidb_servers\n"), encoding="utf-8")
    assert "is for other hosts, too" in refuse(checkout, "--replace-edited")
    entry.write_text(text.replace("hosts: pump_servers\n", "hosts: others\n"), encoding="utf-8")
    assert "has no plays for pump_servers" in refuse(checkout)
    entry.write_text(text, encoding="utf-8")
    (checkout / "status.yml").write_text("# the owner's\n", encoding="utf-8")
    assert "status.yml: is there already, and is not ours" in refuse(checkout)
    (checkout / "status.yml").unlink()
    install(checkout)
    (checkout / "status.yml").write_text("# the owner's\n", encoding="utf-8")
    assert "status.yml: was changed since the installation" in refuse(checkout)
    assert "status.yml: was changed since the installation" in refuse(checkout, "--remove")


@newest
def test_a_later_release_takes_its_place(checkout, install):
    """What is no longer part of it goes, what is new comes, and --remove still puts all back."""
    before = conftest.snapshot(checkout)
    install(checkout)
    as_released = conftest.snapshot(checkout)
    manifest = checkout / ".tidb-binlog-upgrade/manifest.json"
    former = json.loads(manifest.read_text(encoding="utf-8"))
    (checkout / "gone.yml").write_text("# of the former release\n", encoding="utf-8")
    (checkout / "status.yml").write_text("# the former release's\n", encoding="utf-8")
    (checkout / "rollback.yml").unlink()
    for name in ("gone.yml", "status.yml"):
        former["files"][name] = hashlib.sha256((checkout / name).read_bytes()).hexdigest()
    del former["files"]["rollback.yml"]
    manifest.write_text(json.dumps(former, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    install(checkout)
    assert conftest.snapshot(checkout) == as_released
    install(checkout, "--remove")
    assert conftest.snapshot(checkout) == before


@newest
def test_an_entry_file_put_back_by_git_is_taken_over_again(checkout, install):
    entry = checkout / "rolling_update.yml"
    theirs = entry.read_bytes()
    install(checkout)
    ours = entry.read_bytes()
    entry.write_bytes(theirs)
    install(checkout)
    assert entry.read_bytes() == ours
    entry.write_bytes(theirs)
    install(checkout, "--remove")
    assert upstream.changes(checkout) == {}


@pytest.mark.parametrize("checkout", ["release-2.1-kafka-binlog"], indirect=True)
def test_the_kafka_version_is_refused(checkout, refuse):
    assert "is not a checkout of tidb-ansible for the cluster version" in refuse(checkout)


@newest
def test_check_changes_nothing(checkout, install):
    before = conftest.snapshot(checkout)
    assert "would replace rolling_update.yml" in install(checkout, "--check")
    assert conftest.snapshot(checkout) == before


def test_without_built_modules_it_refuses(tmp_path, refuse):
    empty = tmp_path / "empty"
    empty.mkdir()
    folder = upstream.check_out("master", tmp_path / "tidb-ansible")
    assert "the modules are not built" in refuse(folder, "--library", empty)


def test_another_folder_is_refused(tmp_path, refuse):
    assert "is not a checkout of tidb-ansible" in refuse(tmp_path)
    assert "is not a checkout of tidb-ansible" in refuse(paths.PLAYBOOKS)

"""rolling-restart and copy-binary on a host without Ansible."""
import json
import os
import pwd
import shutil
import subprocess

from support import kill, net, paths, process, tool
from support.guard import nothing_happens
from support.watcher import Watcher
from support.writer import Writer


def on(pump, *arguments):
    """Arguments that name the node; all else is read from its process."""
    return ["--component", "pump", "--port", pump.port, "--deploy-dir", pump.deploy_dir, "--supervision", "command",
            "--stable-for", "1", *arguments]


def restart(cluster, pump, *arguments):
    return cluster.tool("rolling-restart", *on(pump, *arguments))


def stage(cluster, pump, binary):
    """Stages a binary on one host; what copy-binary returned for rolling-restart."""
    call = cluster.tool("copy-binary", "--src", binary, "--dest", pump.binary, "--component", "pump",
                        "--stage-dir", f"{pump.deploy_dir}/stage/pump")
    assert call.status == 0, call
    return call["staged"]


def test_the_manual_procedure_replaces_the_file_and_restarts_the_process(manual, binaries):
    new = process.file_digest(binaries.new)
    before = manual.pids()
    with Watcher(manual) as watcher, Writer(manual) as writer:
        for pump in manual.pumps:
            copied = manual.tool("copy-binary", "--src", binaries.new, "--dest", pump.binary)
            assert (copied.status, copied["changed"], copied["sha256"]) == (0, True, new), copied
            done = restart(manual, pump)
            assert (done.status, done["changed"]) == (0, True), done
            assert done["node"]["before"]["version"] == "v4.0.14"
            assert done["node"]["after"]["version"] == "v4.0.16"
    assert manual.digests() == dict.fromkeys(before, new)
    watcher.assert_one_at_a_time()
    writer.assert_nothing_refused()
    for pump in manual.pumps:
        assert process.user(pump.pid) == pwd.getpwnam("tidb").pw_uid
        assert os.readlink(f"/proc/{pump.pid}/cwd") == pump.deploy_dir
        assert os.getsid(pump.pid) == pump.pid, "a session of its own: it outlives the operator's"


def test_done_again_it_changes_nothing(manual, binaries):
    pump = manual.pump("pump1")
    for changed in (True, False):
        assert manual.tool("copy-binary", "--src", binaries.new, "--dest", pump.binary)["changed"] is changed
        assert restart(manual, pump)["changed"] is changed


def test_the_set_is_taken_by_its_digest_or_as_copy_binary_returned_it(manual, binaries):
    for pump, given in ((manual.pump("pump1"), lambda staged: staged["set"]), (manual.pump("pump2"), json.dumps)):
        staged = stage(manual, pump, binaries.new)
        assert process.file_digest(pump.binary) == process.file_digest(binaries.old)
        done = restart(manual, pump, "--staged", given(staged))
        assert done.status == 0, done
        assert pump.running_digest == process.file_digest(binaries.new)


def test_a_set_that_is_not_what_copy_binary_returned_is_not_activated(manual, binaries):
    """Its digest is right, so the manifest is whole; the object speaks of another file."""
    pump = manual.pump("pump1")
    staged = stage(manual, pump, binaries.new)
    staged["files"][0]["sha256"] = "0" * 64
    with nothing_happens(manual):
        refused = restart(manual, pump, "--staged", json.dumps(staged))
    assert (refused.status, refused.code) == (1, "stage_changed"), refused


def test_check_changes_nothing_and_tells_the_plan_of_the_real_call(manual, binaries):
    pump = manual.pump("pump1")
    staged = stage(manual, pump, binaries.new)
    with nothing_happens(manual):
        check = restart(manual, pump, "--staged", staged["set"], "--check")
    assert (check.status, check["changed"]) == (0, True)
    assert restart(manual, pump, "--staged", staged["set"])["plan"] == check["plan"]


def test_both_faces_mean_the_same(manual, tmp_path):
    pump = manual.pump("pump1")
    arguments = {"component": "pump", "action": "status", "port": str(pump.port), "deploy_dir": pump.deploy_dir,
                 "supervision": "command", "_ansible_check_mode": False, "_ansible_something_new": [1]}
    file = tmp_path / "args"
    file.write_text(json.dumps(arguments), encoding="utf-8")
    module = manual.tool("rolling-restart", file)
    command = manual.tool("rolling-restart", *on(pump, "--action", "status"))
    assert module.stderr == ""
    assert module.status == command.status == 0
    assert module["node"]["id"] == command["node"]["id"] == pump.node_id


def test_status_and_verify_only_look(manual):
    pump = manual.pump("pump1")
    with nothing_happens(manual):
        status = restart(manual, pump, "--action", "status")
        node = status["node"]["before"]
        assert (status["changed"], node["pid"], node["state"]) == (False, pump.pid, "online")
        good = restart(manual, pump, "--action", "verify", "--pid", node["pid"], "--exe-sha256", node["exe_sha256"])
        assert good.status == 0, good
        upper = node["exe_sha256"].upper()
        assert restart(manual, pump, "--action", "verify", "--pid", node["pid"], "--exe-sha256", upper).status == 0
        bad = restart(manual, pump, "--action", "verify", "--pid", node["pid"], "--exe-sha256", "0" * 64)
        assert (bad.status, bad.code) == (1, "wrong_executable")


def test_rollback_goes_back_to_the_former_version_and_no_further(manual, binaries):
    pump = manual.pump("pump1")
    restart(manual, pump, "--staged", stage(manual, pump, binaries.new)["set"])
    back = restart(manual, pump, "--action", "rollback", "--accept", "downgrade")
    assert back.status == 0, back
    assert pump.running_digest == process.file_digest(binaries.old)
    again = restart(manual, pump, "--action", "rollback", "--accept", "downgrade")
    assert again["changed"] is False
    assert pump.running_digest == process.file_digest(binaries.old)


def turn_the_last_bit_over(path):
    """In place, and the times are put back."""
    before = os.stat(path)
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_what_a_former_call_read_is_not_believed_of_a_file_written_since(manual, binaries):
    pump = manual.pump("pump1")
    stage(manual, pump, binaries.new)
    assert restart(manual, pump, "--action", "stop").status == 0
    old = process.file_digest(binaries.old)
    with open(f"{pump.deploy_dir}/stage/pump/digests.json", encoding="ascii") as remembered:
        assert old in remembered.read()
    turn_the_last_bit_over(pump.binary)
    started = restart(manual, pump, "--action", "start")
    assert started.status == 0, started
    assert started["node"]["after"]["exe_sha256"] == pump.running_digest != old


def test_a_staged_file_damaged_meanwhile_is_not_activated(manual, binaries):
    pump = manual.pump("pump1")
    staged = stage(manual, pump, binaries.new)
    turn_the_last_bit_over(staged["files"][0]["path"])
    with nothing_happens(manual):
        refused = restart(manual, pump, "--staged", staged["set"])
    assert (refused.status, refused.code) == (1, "stage_changed"), refused


def test_a_process_of_another_file_is_not_taken_for_the_new_one(manual, binaries):
    """The start command itself puts the old file back in place: the path is right, the file is not."""
    pump = manual.pump("pump1")
    script = f"{pump.deploy_dir}/scripts/start_old.sh"
    shutil.copy2(binaries.old, f"{pump.deploy_dir}/kept")
    with open(script, "w", encoding="ascii") as file:
        file.write(f"#!/bin/bash\ncp {pump.deploy_dir}/kept {pump.binary}.x && mv -f {pump.binary}.x {pump.binary}\n"
                   f"exec {pump.deploy_dir}/scripts/run_pump.sh\n")
    os.chmod(script, 0o755)
    pump.give_to_user()
    staged = stage(manual, pump, binaries.new)
    done = restart(manual, pump, "--staged", staged["set"], "--start-command", script)
    assert done.status == 1, done
    assert done.code in ("rolled_back", "wrong_executable"), done


def test_nothing_is_renamed_or_started_while_the_process_is_still_there(manual, binaries):
    pump = manual.pump("pump1")
    staged = stage(manual, pump, binaries.new)
    pump.set_knobs(ignore_term=True)
    with nothing_happens(manual):
        late = restart(manual, pump, "--staged", staged["set"], "--stop-timeout", "2")
    assert (late.status, late.code) == (99, "stop_timeout"), late
    assert str(pump.pid) in late["msg"]
    pump.set_knobs()
    done = restart(manual, pump, "--staged", staged["set"])
    assert done.status == 0, done
    assert pump.running_digest == process.file_digest(binaries.new)


def test_a_pump_that_is_closing_is_left_to_it(manual):
    """It would ignore the signal, and go offline in the middle of the wait."""
    pump = manual.pump("pump1")
    pump.set_knobs(stay_closing=True)
    net.http(f"http://{pump.advertised}/state/{pump.node_id}/close", method="PUT")
    before = pump.pid
    refused = restart(manual, pump, "--force")
    assert (refused.status, refused.code) == (99, "not_ready") and "closing" in refused["msg"], refused
    assert pump.pid == before and not os.path.exists(f"{pump.deploy_dir}/stage/pump/journal.json")


def test_a_peer_the_operator_answers_for_need_not_be_ready_and_does_not_count(manual):
    pump, peer = manual.pump("pump1"), manual.pump("pump2")
    peer.stop()
    assert restart(manual, pump, "--force").code == "peers_not_ready"
    assert restart(manual, pump, "--force", "--except", peer.node_id, "--min-online", "2").code == "peers_not_ready"
    done = restart(manual, pump, "--force", "--except", peer.node_id)
    assert done.status == 0 and done["peers_online"] == [manual.pump("pump3").node_id], done


def test_a_signal_in_the_stopped_window_does_not_leave_the_pump_down(manual):
    pump = manual.pump("pump1")
    pump.set_knobs(start_delay=700)
    for number in ("HUP", "INT", "TERM", "PIPE"):
        call = tool.start("rolling-restart", *on(pump, "--force"), environment=manual.environment)
        kill.wait_for_phase(manual, "start", pumps=[pump])
        kill.send(call.pid, number)
        tool.finish(call)
        assert pump.is_online(), f"down after SIG{number}"


def asked_through_standard_input(manual, pump, **options):
    """A call in Ansible's face whose args file comes on standard input, as the playbooks ask it."""
    call = subprocess.Popen([paths.tool("rolling-restart"), "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=manual.environment, start_new_session=True)
    call.stdin.write(json.dumps({"component": "pump", "port": pump.port, "deploy_dir": pump.deploy_dir, "supervision": "command",
                                 "stable_for": 1, "_ansible_check_mode": False, **options}))
    call.stdin.close()
    call.stdin = None
    return call


def test_an_args_file_on_standard_input_is_as_good(manual):
    pump = manual.pump("pump1")
    before = pump.pid
    done = tool.finish(asked_through_standard_input(manual, pump, force=True))
    assert (done.status, done["changed"]) == (0, True) and pump.pid != before, done


def test_nothing_is_restarted_for_one_who_asked_through_standard_input_and_is_gone(manual):
    pump = manual.pump("pump1")
    with nothing_happens(manual):
        call = asked_through_standard_input(manual, pump, force=True)
        call.stdout.close()  # as when the connection to this host is lost
        assert call.wait(60) == 1
    assert manual.pd.lock_holder() is None
    assert restart(manual, pump, "--force").status == 0


def test_another_program_at_the_port_is_refused(manual):
    one, other = manual.pump("pump1"), manual.pump("pump2")
    with nothing_happens(manual):
        refused = manual.tool("rolling-restart", "--component", "pump", "--supervision", "command", "--force",
                              "--port", one.port, "--deploy-dir", other.deploy_dir)
    assert (refused.status, refused.code) == (1, "wrong_executable"), refused

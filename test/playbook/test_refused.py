"""what is refused before anything stops, with its code, the Pumps serving on."""
import os
import shutil

import pytest

from support.cluster import Cluster
from support.guard import nothing_happens
from support.playbook import roll


def put_into_resources(cluster, content):
    path = f"{cluster.resources_dir}/bin/pump"
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, 0o755)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def for_another_machine(elf):
    """The same file, but its header says AArch64 (e_machine, two bytes at 18)."""
    return elf[:18] + (183).to_bytes(2, "little") + elf[20:]


PAGE = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>nginx</body></html>\n"


@pytest.mark.parametrize("damage, code", [
    pytest.param(lambda elf: elf[:len(elf) // 3], "truncated", id="a truncated ELF"),
    pytest.param(lambda elf: elf[:40], "truncated", id="an ELF cut within its header"),
    pytest.param(for_another_machine, "wrong_architecture", id="another architecture"),
    pytest.param(lambda _: PAGE, "not_executable", id="an HTML page"),
    pytest.param(lambda _: b"", "not_executable", id="an empty file"),
])
def test_a_file_that_is_no_pump_for_this_host_is_refused(shared, binaries, damage, code):
    put_into_resources(shared, damage(read(binaries.new)))
    with nothing_happens(shared):
        roll(shared).assert_refused(code)


def test_a_drainer_given_as_pump_is_refused(shared):
    put_into_resources(shared, read(shared.peer("v4.0.16", program="drainer")))
    with nothing_happens(shared):
        roll(shared).assert_refused("wrong_program")


def test_a_wrong_digest_is_refused_on_the_way_into_resources(shared, binaries):
    shared.offer(binaries.old)
    kept = read(f"{shared.resources_dir}/bin/pump")
    call = shared.tool("copy-binary", "--src", binaries.new, "--dest", f"{shared.resources_dir}/bin/pump",
                       "--sha256", "0" * 64)
    assert (call.status, call.code) == (1, "digest_mismatch")
    assert read(f"{shared.resources_dir}/bin/pump") == kept


@pytest.mark.parametrize("make", [
    pytest.param(lambda path: None, id="missing"),
    pytest.param(os.mkdir, id="a folder"),
    pytest.param(lambda path: os.symlink("/nowhere/pump", path), id="a link to nowhere"),
])
def test_an_unreadable_source_is_refused(binaries, shared, make, tmp_path):
    (tmp_path / "bin").mkdir()
    make(str(tmp_path / "bin/pump"))
    with nothing_happens(shared):
        roll(shared, variables={"resources_dir": str(tmp_path)}).assert_refused("source_unreadable")


def test_a_full_disk_is_refused_before_any_host_is_touched(binaries):
    with Cluster(old=binaries.old, disks={"pump2": "64m"}) as cluster:
        cluster.offer(binaries.new)
        folder = os.path.dirname(cluster.pump("pump2").deploy_dir)
        free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
        with open(f"{folder}/filler", "wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, free - 1_000_000)
        with nothing_happens(cluster):
            roll(cluster).assert_refused("no_space")


def test_a_pump_that_rejects_the_configuration_in_place_is_refused(shared):
    shared.offer(shared.peer("v4.0.16", "reject_key=gc"))
    with nothing_happens(shared):
        roll(shared).assert_refused("config_rejected")


@pytest.mark.parametrize("changed, code", [
    pytest.param({"pump_data_dir": "/tmp/elsewhere"}, "data_dir_changed", id="data dir"),
    pytest.param({"pump_port": 11999}, "port_changed", id="port"),
    pytest.param({"ansible_host": "127.0.0.99"}, "advertise_changed", id="address"),
])
def test_a_moved_pump_is_refused_unless_accepted(shared, binaries, changed, code):
    shared.offer(binaries.new)
    with nothing_happens(shared):
        roll(shared, variables=changed).assert_refused(code)


@pytest.mark.parametrize("inventory", [
    pytest.param({"enable_binlog": "False"}, id="False"),
    pytest.param({"enable_binlog": "false"}, id="false"),
    pytest.param({"enable_binlog": '"no"'}, id="no"),
    pytest.param({"pumps": []}, id="an empty group"),
])
def test_a_roll_of_nothing_is_a_failure(shared, binaries, inventory):
    shared.offer(binaries.new)
    shared.write_inventory(**inventory)
    try:
        with nothing_happens(shared):
            roll(shared).assert_refused("binlog_disabled")
    finally:
        shared.write_inventory()


def test_a_tag_that_selects_nothing_of_ours_is_a_failure(shared, binaries):
    shared.offer(binaries.new)
    with nothing_happens(shared):
        assert roll(shared, tags="tikv").status != 0


def test_an_older_version_is_refused_unless_accepted(shared):
    shared.offer(shared.peer("v4.0.9"))
    with nothing_happens(shared):
        roll(shared).assert_refused("downgrade")


def test_no_resources_at_all_is_a_failure(shared, tmp_path):
    shutil.rmtree(tmp_path)
    with nothing_happens(shared):
        roll(shared, variables={"resources_dir": str(tmp_path)}).assert_refused("source_unreadable")

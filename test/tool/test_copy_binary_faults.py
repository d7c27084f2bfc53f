"""copy-binary in trouble: failing writes, being killed, hanging programs, odd kernels and callers. A destination is never
half new, and the next run cleans up what is left."""
import json
import os
import pathlib
import random
import resource
import signal
import subprocess
import time

import pytest

from support import paths, tool
from support.copying import sha256, tree


def test_a_disk_that_fills_up_while_writing(dest, tmp_path):
    """The free space is checked first, so the write itself is made to fail: by a limit on the size of files."""
    source = tmp_path / "big"
    source.write_bytes(os.urandom(3 << 20))
    before = tree(dest.parent)
    process = subprocess.Popen([paths.tool("copy-binary"), f"--src={source}", f"--dest={dest}"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
    refused = tool.finish(process)
    assert (refused.status, refused.code) == (111, "system_failure") and tree(dest.parent) == before


def test_killed_at_any_point_the_file_is_whole(tmp_path, dest):
    source = tmp_path / "big"
    with open(source, "wb") as file:
        for _ in range(40):
            file.write(os.urandom(1 << 20))
    old, new = sha256(dest), sha256(source)
    seed = int(os.environ.get("TBU_SEED", time.time_ns() % 1000000))
    print("seed", seed)
    chance = random.Random(seed)
    options = [f"--src={source}", f"--dest={dest}"]
    started = time.monotonic()
    tool.run("copy-binary", *options)
    takes = time.monotonic() - started
    seen = set()
    for _ in range(12):
        dest.write_bytes(b"the old one")
        process = tool.start("copy-binary", *options)
        time.sleep(chance.uniform(0, takes))
        process.kill()
        process.communicate()
        assert sha256(dest) in (old, new)
        seen.add(sha256(dest))
    assert tool.run("copy-binary", *options)["failed"] is False
    assert sha256(dest) == new
    assert not list(dest.parent.glob(".*.copying")), "the next run cleans up after the dead"
    assert old in seen


def test_killed_while_staging_the_next_run_completes_the_set(tmp_path, dest):
    source = tmp_path / "big"
    source.write_bytes(os.urandom(30 << 20))
    options = [f"--src={source}", f"--dest={dest}", f"--stage-dir={dest.parent}/.upgrade"]
    chance = random.Random(int(os.environ.get("TBU_SEED", "7")))
    for _ in range(8):
        process = tool.start("copy-binary", *options)
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        process.communicate()
        assert dest.read_bytes() == b"the old one"
        for manifest in (dest.parent / ".upgrade").glob("*/manifest.json"):
            for file in json.loads(manifest.read_text())["files"]:
                assert sha256(file["path"]) == file["sha256"], "a manifest means that all is there"
    staged = tool.run("copy-binary", *options)
    assert staged["failed"] is False and sha256(staged["staged"]["files"][0]["path"]) == sha256(source)
    assert not list(dest.parent.glob(".*.copying"))


def test_two_at_once_leave_one_whole_file(tmp_path, dest):
    sources = []
    for name in "ab":
        (tmp_path / name).write_bytes(os.urandom(5 << 20))
        sources.append(tmp_path / name)
    for _ in range(5):
        running = [tool.start("copy-binary", f"--src={source}", f"--dest={dest}", "--backup=0") for source in sources]
        for process in running:
            assert tool.finish(process)["failed"] is False
        assert sha256(dest) in [sha256(source) for source in sources]
        assert not list(dest.parent.glob(".*.copying"))


def test_a_program_that_hangs_is_given_up(made, dest):
    before = tree(dest.parent)
    started = time.monotonic()
    refused = tool.run("copy-binary", f"--src={made.hanging}", f"--dest={dest}", "--component=pump", "--timeout=1")
    assert (refused.status, refused.code) == (99, "timed_out"), refused
    assert tree(dest.parent) == before
    assert time.monotonic() - started < 8


def test_without_rights_nothing_is_done(dest, tmp_path):
    os.chmod(tmp_path, 0o755)
    for folder in tmp_path.parents:
        if folder.stat().st_uid == 0 and str(folder).startswith("/tmp/"):
            os.chmod(folder, 0o755)
    before = tree(dest.parent)
    process = subprocess.Popen([paths.tool("copy-binary"), "--content=new", f"--dest={dest}"], text=True, user="nobody",
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    refused = tool.finish(process)
    assert (refused.status, refused.code) == (111, "system_failure"), refused
    assert "Permission denied" in refused["msg"] and tree(dest.parent) == before


def deny(number):
    """Makes a system call fail with ENOSYS, as old kernels do: a seccomp filter on x86-64."""
    import ctypes
    import struct
    load, equal, give = 0x20, 0x15, 0x06
    program = b"".join(struct.pack("HBBI", *line) for line in (
        (load, 0, 0, 0), (equal, 0, 1, number), (give, 0, 0, 0x00050000 | 38), (give, 0, 0, 0x7FFF0000)))
    buffer = ctypes.create_string_buffer(program)

    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(Filter(4, ctypes.cast(buffer, ctypes.c_void_p).value))) == 0


def test_a_kernel_without_memory_files(made, dest):
    before = tree(dest.parent)
    strays = set(pathlib.Path("/tmp").glob(".copy-binary.*"))
    process = subprocess.Popen([paths.tool("copy-binary"), "--check", f"--src={made.pump}", f"--dest={dest}",
                                "--component=pump"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               preexec_fn=lambda: deny(319))
    planned = tool.finish(process)
    assert planned.status == 0 and planned["version"] == "v4.0.16" and tree(dest.parent) == before
    assert set(pathlib.Path("/tmp").glob(".copy-binary.*")) == strays


# What is common to all tools, tried on this one

def test_a_result_that_nobody_reads(dest):
    process = tool.start("copy-binary", "--content=new", f"--dest={dest}")
    process.stdout.close()
    process.wait(timeout=20)
    assert process.returncode in (0, 111), "no death by SIGPIPE"
    assert dest.read_bytes() == b"new"


@pytest.mark.parametrize("closed, status", [("<&- 2>&-", 0), ("<&- >&- 2>&-", 111), (">/dev/full", 111)])
def test_closed_standard_descriptors_do_no_harm(dest, closed, status):
    """A result that reaches nobody is no success, though all was done."""
    done = subprocess.run(f"exec {paths.tool('copy-binary')} --content=new --dest={dest} {closed}", shell=True, check=False,
                          stdout=subprocess.PIPE)
    assert (done.returncode, dest.read_bytes()) == (status, b"new")


def test_names_that_are_no_utf8_are_escaped(tmp_path):
    dest = os.fsencode(tmp_path) + b"/\xff\xfe"
    out = subprocess.run([paths.tool("copy-binary"), b"--content=x", b"--dest=" + dest], capture_output=True)
    refused = tool.one_object(out.stdout.decode("utf-8"))
    assert refused["error"]["code"] == "bad_destination" and "\\xff\\xfe" in refused["msg"]


def test_progress_and_summary_go_to_stderr_on_demand(dest):
    quiet = tool.run("copy-binary", "--content=new", f"--dest={dest}")
    assert quiet.stderr == ""
    told = tool.run("copy-binary", "--content=newer", f"--dest={dest}", "--progress")
    assert "writing" in told.stderr and told["msg"] in told.stderr


def test_help_version_and_docs():
    import yaml
    outputs = [subprocess.run([paths.tool("copy-binary"), word], capture_output=True, text=True, check=True).stdout
               for word in ("--help", "--version", "--docs")]
    assert "--probe-config" in outputs[0] and outputs[1].startswith("copy-binary ")
    docs = yaml.safe_load(outputs[2])
    assert docs["DOCUMENTATION"]["module"] == "copy-binary"
    assert docs["DOCUMENTATION"]["options"]["files"]["suboptions"]["dest"]["required"] is True
    assert docs["DOCUMENTATION"]["options"]["backup"]["default"] == 1
    page = (paths.REPO / "tools/copy-binary/README.md").read_text()
    for name in docs["DOCUMENTATION"]["options"]:
        assert f"`{name}`" in page, f"the contract page does not know {name}"
    assert yaml.safe_load(docs["EXAMPLES"]) and docs["RETURN"]["staged"]["type"] == "dict"


def test_it_is_small_and_starts_at_once(tmp_path):
    assert os.path.getsize(paths.tool("copy-binary")) < 2 << 20
    took = []
    for _ in range(20):
        started = time.monotonic()
        subprocess.run([paths.tool("copy-binary"), "--version"], stdout=subprocess.DEVNULL, check=True)
        took.append(time.monotonic() - started)
    assert min(took) < 0.010


def test_sigterm_before_the_end_leaves_the_old_file(tmp_path, dest):
    source = tmp_path / "big"
    source.write_bytes(os.urandom(50 << 20))
    process = tool.start("copy-binary", f"--src={source}", f"--dest={dest}")
    time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert sha256(dest) in (sha256(b"the old one"), sha256(source))

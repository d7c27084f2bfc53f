"""copy-binary's refusals: bad usage, bad sources, bad destinations, full disks, and being killed. None of them leaves a
destination half new, or anything that the next run does not clean up."""
import gzip
import io
import json
import os
import pathlib
import random
import resource
import signal
import subprocess
import tarfile
import time

import pytest

from support import copying, paths, tool
from support.copying import sha256, tree


@pytest.fixture(params=copying.FACES)
def call(request, tmp_path):
    folder = tmp_path / "ansible-tmp"
    folder.mkdir()
    return lambda **options: copying.FACES[request.param](folder, **options)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")

    class Made:
        pump = copying.program(folder / "pump")
        drainer = copying.program(folder / "drainer", name="drainer")
        other = copying.program(folder / "other", name="tidb-server")
        failing = copying.program(folder / "failing", status=1)
        silent = copying.program(folder / "silent", text="")
        hanging = copying.program(folder / "hanging", hang=True)
        object_file = copying.program(folder / "pump.o", options=["-c"])
    return Made


@pytest.fixture
def dest(tmp_path):
    folder = tmp_path / "deploy/bin"
    folder.mkdir(parents=True)
    (folder / "pump").write_bytes(b"the old one")
    (folder / "pump").chmod(0o755)
    return folder / "pump"


BAD = {
    "nothing at all": ({}, "src"),
    "no dest": ({"src": "/bin/true"}, "dest"),
    "no source": ({"dest": "/x"}, "src"),
    "two sources": ({"src": "/bin/true", "content": "x", "dest": "/x"}, "content"),
    "an unknown option": ({"src": "/bin/true", "dest": "/x", "force": "yes"}, "force"),
    "an unknown component": ({"src": "/bin/true", "dest": "/x", "component": "tikv"}, "component"),
    "a mode in words": ({"src": "/bin/true", "dest": "/x", "mode": "u=rwx"}, "mode"),
    "a mode of decimal digits": ({"src": "/bin/true", "dest": "/x", "mode": "0999"}, "mode"),
    "an unknown owner": ({"src": "/bin/true", "dest": "/tmp/none/x", "owner": "no-such-user"}, "no-such-user"),
    "an unknown group": ({"src": "/bin/true", "dest": "/tmp/none/x", "group": "no-such-group"}, "no-such-group"),
    "a negative backup": ({"src": "/bin/true", "dest": "/x", "backup": -1}, "backup"),
    "a backup that is no number": ({"src": "/bin/true", "dest": "/x", "backup": "some"}, "backup"),
    "files that are none": ({"files": ["x"]}, "files"),
    "files and dest": ({"files": [{"content": "", "dest": "/x"}], "dest": "/y"}, "dest"),
    "an unknown member of files": ({"files": [{"content": "", "dest": "/x", "colour": "red"}]}, "files[0].colour"),
    "a bad mode in files": ({"files": [{"content": "", "dest": "/x", "mode": "x"}]}, "files[0].mode"),
    "one dest twice": ({"files": [{"content": "", "dest": "/x"}, {"content": "", "dest": "//x"}]}, "/x"),
    "a directory without path": ({"content": "", "dest": "/x", "directories": [{"mode": "0755"}]}, "path"),
    "a probe without a program": ({"content": "", "dest": "/x", "probe_config": "/x"}, "probe_config"),
    "a member without archive": ({"content": "", "dest": "/x", "member": "pump"}, "member"),
    "a folder for content": ({"content": "", "dest": "/tmp/"}, "dest"),
    "a timeout of nothing": ({"content": "", "dest": "/tmp/none/x", "timeout": 0}, "timeout"),
    "an empty path": ({"src": "", "dest": "/x"}, "src"),
    "a source that is no digest": ({"source": {"sha256": "x", "size": 1}, "dest": "/x"}, "sha256"),
    "a source packed unknowingly": ({"source": {"sha256": "0" * 64, "size": 1, "encoding": "zip"}, "dest": "/x"},
                                    "encoding"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_usage_is_named(call, case):
    options, named = BAD[case]
    refused = call(**options)
    assert (refused.status, refused.code) == (100, "usage"), refused
    assert refused["failed"] is True and refused["changed"] is False and named in refused["msg"], refused
    assert not os.path.exists("/x") and not os.path.exists("/tmp/none")


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b'{"a":1}{"b":2}', b"\xff\xfe", b"[" * 100000,
                                     b" " * (40 << 20)], ids=range(8))
def test_an_args_file_that_is_none(tmp_path, content):
    args = tmp_path / "args"
    args.write_bytes(content)
    refused = tool.run("copy-binary", args)
    assert (refused.status, refused.code) == (100, "usage") and refused["failed"] is True and refused.stderr == ""


@pytest.mark.parametrize("path", ["/", "/no/such/file", "/dev/zero", "/proc/self/mem"])
def test_an_args_file_that_cannot_be_read(path):
    refused = tool.run("copy-binary", path)
    assert (refused.status, refused.code) == (100, "usage") and path in refused["msg"]


def refusal_cases(made, folder):
    """name -> options (without dest), the code expected"""
    def file(name, content):
        (folder / name).write_bytes(content)
        return str(folder / name)
    def archive(path):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            tar.add(path, "pump")
        return packed.getvalue()

    pump = made.pump.read_bytes()
    arm = bytearray(pump)
    arm[18] = 183
    small = bytearray(pump)
    small[4] = 1
    return {
        "no such source": ({"src": str(folder / "none")}, "source_unreadable"),
        "a folder as source": ({"src": str(folder)}, "source_unreadable"),
        "a device as source": ({"src": "/dev/zero"}, "source_unreadable"),
        "cut short": ({"src": file("cut", pump[:-100]), "component": "pump"}, "truncated"),
        "half": ({"src": file("half", pump[:len(pump) // 2]), "component": "pump"}, "truncated"),
        "a header only": ({"src": file("head", pump[:64]), "component": "pump"}, "truncated"),
        "empty": ({"src": file("empty", b""), "component": "pump"}, "not_executable"),
        "an HTML page": ({"src": file("html", b"<!DOCTYPE html><html>404</html>"), "component": "pump"},
                         "not_executable"),
        "a script": ({"src": file("script", b"#!/bin/sh\necho\n"), "component": "pump"}, "not_executable"),
        "an archive": ({"src": file("gz", gzip.compress(pump)), "component": "pump"}, "not_executable"),
        "an object file": ({"src": str(made.object_file), "component": "pump"}, "not_executable"),
        "content": ({"content": "pump", "component": "pump"}, "not_executable"),
        "another architecture": ({"src": file("arm", arm), "component": "pump"}, "wrong_architecture"),
        "32 bits": ({"src": file("small", small), "component": "pump"}, "wrong_architecture"),
        "a drainer for a pump": ({"src": str(made.drainer), "component": "pump"}, "wrong_program"),
        "a pump for a drainer": ({"src": str(made.pump), "component": "drainer"}, "wrong_program"),
        "another program": ({"src": "/bin/true", "component": "pump"}, "wrong_program"),
        "TiDB": ({"src": str(made.other), "component": "pump"}, "wrong_program"),
        "-V that fails": ({"src": str(made.failing), "component": "pump"}, "wrong_program"),
        "-V that says nothing": ({"src": str(made.silent), "component": "pump"}, "wrong_program"),
        "not executable by mode": ({"src": str(made.pump), "component": "pump", "mode": "0644"}, "usage"),
        "a wrong digest": ({"src": str(made.pump), "sha256": "0" * 64}, "digest_mismatch"),
        "a sums file without it": ({"src": str(made.pump), "sha256": file("SUMS", b"00  x\n")}, "digest_mismatch"),
        "no sums file": ({"src": str(made.pump), "sha256": str(folder / "none")}, "source_unreadable"),
        "a member of no archive": ({"src": str(made.pump), "member": "pump"}, "source_unreadable"),
        "a damaged archive": ({"src": file("bad.tar.gz", archive(made.pump)[:-5]), "member": "pump"},
                              "source_unreadable"),
    }


# What the sentence must tell beyond the code, so that each case is refused for its own reason.
said = {"a drainer for a pump": "it is a drainer, not a pump", "a pump for a drainer": "it is a pump, not a drainer",
        "another program": "version labels", "TiDB": "it is something else", "-V that fails": "exit status 1",
        "-V that says nothing": "version labels", "an HTML page": "an HTML page", "a script": "a script",
        "another architecture": "arm64", "cut short": "cut short", "an object file": "not an executable",
        "no such source": "No such file", "a member of no archive": "archive format", "a damaged archive": "cut short"}


def test_a_refused_source_changes_nothing(call, made, dest, tmp_path):
    sources = tmp_path / "sources"
    sources.mkdir()
    for name, (options, code) in refusal_cases(made, sources).items():
        for more in ({}, {"stage_dir": f"{dest.parent}/.upgrade"}, {"_ansible_check_mode": True}):
            before = tree(dest.parent)
            refused = call(**options, dest=str(dest), **more)
            assert (refused.status, refused.code) == (100 if code == "usage" else 1, code), (name, refused)
            assert said.get(name, "") in refused["msg"], refused["msg"]
            assert refused["failed"] is True and refused["changed"] is False and refused["error"]["hint"] is not None
            assert tree(dest.parent) == before, name


def test_a_refused_set_changes_none_of_its_files(call, made, dest, tmp_path):
    before = tree(dest.parent)
    refused = call(files=[{"content": "new", "dest": str(dest)},
                          {"src": str(made.drainer), "dest": f"{dest.parent}/new/pump", "component": "pump"}],
                   directories=[{"path": f"{dest.parent}/made"}])
    assert refused.code == "wrong_program" and tree(dest.parent) == before


def test_a_refused_destination_changes_nothing(call, dest):
    folder = dest.parent
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to("loop")
    (folder / "nowhere").symlink_to("none")
    (folder / "to-folder").symlink_to("folder")
    os.mkfifo(folder / "fifo")
    before = tree(folder)
    for name in ("folder", "loop", "nowhere", "to-folder", "fifo", "pump/x", "loop/x", "nowhere/x", "x" * 300):
        refused = call(content="new", dest=f"{folder}/{name}")
        assert (refused.status, refused.code) == (1, "bad_destination"), (name, refused)
        assert tree(folder) == before
    for more in ({"directories": [{"path": str(dest)}]}, {"stage_dir": f"{dest}/x"}):
        assert call(content="new", dest=f"{folder}/new", **more).code == "bad_destination"
        assert tree(folder) == before
    assert call(content="new", dest="relative").code == "bad_destination"


def test_file_systems_that_cannot_take_it(call, made, tmp_path):
    with copying.mounted(tmp_path / "small", "size=2m") as small:
        (small / "pump").write_text("old")
        before = tree(small)
        (tmp_path / "big").write_bytes(os.urandom(3 << 20))
        for more in ({}, {"stage_dir": str(small / ".upgrade")}, {"_ansible_check_mode": True}):
            refused = call(src=str(tmp_path / "big"), dest=f"{small}/pump", **more)
            assert (refused.status, refused.code) == (1, "no_space") and "bytes" in refused["msg"], refused
            assert tree(small) == before
        (tmp_path / "half").write_bytes(bytes(600000))
        refused = call(files=[{"src": str(tmp_path / "half"), "dest": f"{small}/{n}"} for n in "ab"])
        assert refused.code == "no_space" and tree(small) == before
    with copying.mounted(tmp_path / "inodes", "size=8m,nr_inodes=3") as inodes:
        (inodes / "a").write_text("old")
        (inodes / "b").write_text("old")
        before = tree(inodes)
        refused = call(content="new", dest=f"{inodes}/a")
        assert (refused.status, refused.code) == (1, "no_space"), refused
        assert tree(inodes) == before
    with copying.mounted(tmp_path / "noexec", "size=8m,noexec") as noexec:
        refused = call(src=str(made.pump), dest=f"{noexec}/pump", component="pump")
        assert refused.code == "bad_destination" and "noexec" in refused["msg"] and not tree(noexec)
        assert call(src=str(made.pump), dest=f"{noexec}/pump").status == 0, "anything else may lie there"
    with copying.mounted(tmp_path / "fixed", "size=8m,ro") as fixed:
        refused = call(content="x", dest=f"{fixed}/a/b")
        assert refused.code == "bad_destination" and "read-only" in refused["msg"]


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


def test_closed_standard_descriptors_do_no_harm(dest):
    status = subprocess.run(f"exec {paths.tool('copy-binary')} --content=new --dest={dest} <&- >&- 2>&-",
                            shell=True, check=False).returncode
    assert status in (0, 111) and dest.read_bytes() == b"new"


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

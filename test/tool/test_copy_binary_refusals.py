"""copy-binary's refusals: bad usage, bad sources, bad destinations, full disks. None of them changes anything."""
import gzip
import io
import os
import tarfile

import pytest

from support import copying, tool
from support.copying import tree

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


def test_a_masked_unit_is_refused_as_such(call, dest):
    unit = dest.parent / "pump-8250.service"
    unit.symlink_to("/dev/null")
    refused = call(content="[Unit]", dest=str(unit))
    assert (refused.status, refused.code) == (1, "service_masked") and "systemctl unmask pump-8250" in refused["error"]["hint"]
    assert os.readlink(unit) == "/dev/null"


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

"""copy-binary puts files in place: what it does, in both faces, in check mode and again."""
import gzip
import json
import lzma
import os
import pathlib
import subprocess
import tarfile

import pytest

from support import copying, tool
from support.copying import sha256, tree


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")

    class Made:
        old = copying.program(folder / "old-pump", version="v4.0.14")
        pump = copying.program(folder / "pump", version="v4.0.16")
        drainer = copying.program(folder / "drainer", name="drainer")
    return Made


@pytest.fixture(params=copying.FACES)
def call(request, tmp_path):
    """A call in each face; options as keywords."""
    folder = tmp_path / "ansible-tmp"
    folder.mkdir()
    return lambda **options: copying.FACES[request.param](folder, **options)


@pytest.fixture
def deploy(tmp_path, made):
    """A host with the old Pump in place."""
    folder = tmp_path / "deploy"
    (folder / "bin").mkdir(parents=True)
    (folder / "conf").mkdir()
    (folder / "bin/pump").write_bytes(made.old.read_bytes())
    (folder / "bin/pump").chmod(0o751)
    return folder


def done(call):
    assert call.status == 0 and call["failed"] is False, call
    return call


def leftovers(folder):
    return [str(path) for path in pathlib.Path(folder).rglob("*.copying")]


def test_check_do_check_again(call, deploy, made):
    options = dict(src=str(made.pump), dest=f"{deploy}/bin/pump", component="pump")
    before = tree(deploy)
    planned = done(call(**options, _ansible_check_mode=True))
    assert planned["changed"] and tree(deploy) == before

    first = done(call(**options))
    assert first["changed"] and first["plan"] == planned["plan"]
    assert sha256(deploy / "bin/pump") == sha256(made.pump)
    assert first["version"] == "v4.0.16" and first["sha256"] == sha256(made.pump)
    assert first["size"] == made.pump.stat().st_size and first["bytes_received"] == 0
    assert first["previous"]["version"] == "v4.0.14" and first["previous"]["sha256"] == sha256(made.old)
    assert sha256(first["previous"]["backup"]) == sha256(made.old)
    assert (deploy / "bin/pump").stat().st_mode & 0o7777 == 0o751, "the mode of the file replaced"

    after = tree(deploy)
    for check in (True, False):
        again = done(call(**options, _ansible_check_mode=check))
        assert again["changed"] is False and again["plan"] == [] and tree(deploy) == after
    assert not leftovers(deploy)


def test_a_new_file_gets_parents_and_a_fitting_mode(call, tmp_path, made):
    root = tmp_path / "new"
    done(call(src=str(made.pump), dest=f"{root}/a/b/"))
    done(call(content="#!/bin/sh\n", dest=f"{root}/a/run.sh"))
    done(call(content="x = 1\n", dest=f"{root}/a/x.toml"))
    modes = {name: oct((root / name).stat().st_mode & 0o7777) for name in ("a", "a/b/pump", "a/run.sh", "a/x.toml")}
    assert modes == {"a": "0o755", "a/b/pump": "0o755", "a/run.sh": "0o755", "a/x.toml": "0o644"}
    assert (root / "a/x.toml").read_text() == "x = 1\n"


def test_owner_group_and_mode(call, tmp_path):
    root = tmp_path / "new"
    options = dict(content="x", dest=f"{root}/conf/x", owner="daemon", group="sys", mode="0640",
                   directories=[{"path": f"{root}/log", "mode": "0750", "owner": "daemon"}])
    assert done(call(**options))["changed"]
    status = (root / "conf/x").stat()
    assert (oct(status.st_mode & 0o7777), status.st_uid, status.st_gid) == ("0o640", 1, 3)
    assert (root / "conf").stat().st_uid == 1, "a parent that was made belongs to the file's owner"
    log = (root / "log").stat()
    assert (oct(log.st_mode & 0o7777), log.st_uid, log.st_gid) == ("0o750", 1, 1)
    assert done(call(**options))["changed"] is False
    assert done(call(**{**options, "mode": "0600", "owner": "2"}))["changed"]
    status = (root / "conf/x").stat()
    assert (oct(status.st_mode & 0o7777), status.st_uid, status.st_gid) == ("0o600", 2, 3)
    os.chmod(root / "log", 0o700)
    assert done(call(**{**options, "mode": "0600", "owner": "2"}))["changed"], "the directory is put right"


def test_a_running_binary_is_replaced(call, deploy, made):
    process = subprocess.Popen([deploy / "bin/pump"])
    try:
        assert done(call(src=str(made.pump), dest=f"{deploy}/bin/pump", component="pump"))["changed"]
        assert process.poll() is None, "it goes on running"
        assert sha256(f"/proc/{process.pid}/exe") == sha256(made.old), "on what it was started from"
    finally:
        process.terminate()
        process.wait()


def test_a_link_is_followed_and_stays(call, deploy, made):
    (deploy / "link").symlink_to("bin/pump")
    done(call(src=str(made.pump), dest=f"{deploy}/link"))
    assert (deploy / "link").is_symlink() and sha256(deploy / "bin/pump") == sha256(made.pump)


@pytest.mark.parametrize("packing", ["gz", "xz", ""])
def test_a_member_of_an_archive(call, deploy, made, tmp_path, packing):
    archive = tmp_path / "release.tar"
    with tarfile.open(archive, f"w:{packing}") as tar:
        tar.add(made.drainer, "tidb/bin/drainer")
        tar.add(made.pump, "tidb/bin/pump")
    options = dict(src=str(archive), member="tidb/bin/pump", dest=f"{deploy}/bin/", component="pump")
    for digest in (sha256(made.pump), sha256(archive), sha256(made.pump).upper()):
        done(call(**options, sha256=digest, _ansible_check_mode=True))
    assert done(call(**options))["changed"]
    assert sha256(deploy / "bin/pump") == sha256(made.pump)


def test_digests_from_a_sums_file(call, deploy, made, tmp_path):
    sums = tmp_path / "SHA256SUMS"
    sums.write_text(f"{sha256(made.drainer)}  bin/drainer\n{sha256(made.pump)} *bin/pump\n")
    assert done(call(src=str(made.pump), dest=f"{deploy}/bin/pump", sha256=str(sums)))["changed"]


def test_former_versions_are_kept_and_counted(call, tmp_path, deploy):
    (deploy / "backup").mkdir()
    dest = f"{deploy}/bin/x"
    for text in ("one", "two", "three", "four"):
        last = done(call(content=text, dest=dest, backup=2))
    kept = sorted(path.read_text() for path in (deploy / "backup").iterdir())
    assert kept == ["three", "two"], "former versions lie in ../backup where that is there"
    assert last["previous"]["backup"] == f"{deploy}/backup/x.{sha256(b'three')[:16]}"
    elsewhere = tmp_path / "elsewhere"
    done(call(content="five", dest=dest, backup_dir=str(elsewhere)))
    assert [path.read_text() for path in elsewhere.iterdir()] == ["four"]
    assert done(call(content="six", dest=dest, backup=0))["previous"]["backup"] is None
    assert len(list((deploy / "backup").iterdir())) == 2


def test_a_backup_on_another_file_system_is_a_copy(call, tmp_path):
    dest = tmp_path / "x"
    dest.write_text("old")
    dest.chmod(0o604)
    with copying.mounted(tmp_path / "other", "size=4m") as other:
        backup = pathlib.Path(done(call(content="new", dest=str(dest), backup_dir=str(other)))["previous"]["backup"])
        assert backup.read_text() == "old" and backup.stat().st_mode & 0o777 == 0o604
        assert not leftovers(other)


def test_several_files_in_one_call(call, deploy, made):
    options = dict(files=[{"src": str(made.pump), "dest": f"{deploy}/bin/pump", "component": "pump"},
                          {"content": "a = 1\n", "dest": f"{deploy}/conf/pump.toml"}],
                   probe_config=f"{deploy}/conf/pump.toml")
    first = done(call(**options))
    assert [each["changed"] for each in first["files"]] == [True, True] and first["changed"]
    assert [each["version"] for each in first["files"]] == ["v4.0.16", None]
    (deploy / "conf/pump.toml").write_text("a = 2\n")
    again = done(call(**options))
    assert [each["changed"] for each in again["files"]] == [False, True]


def test_versions_of_old_releases(call, deploy, tmp_path):
    colours = r"2019/11/15 10:11:12 version.go:20: \033[0;37m[info] Release Version: v2.1.19\033[0m\n"
    for text, version in ((colours, "v2.1.19"), (f"Git Commit Hash: {copying.HASH}\\n", copying.HASH),
                          ("Release Version: Not provided (use make)\\n", None)):
        binary = copying.program(tmp_path / "old", text=text)
        done_call = done(call(src=str(binary), dest=f"{deploy}/bin/pump", component="pump"))
        assert done_call["version"] == version


def test_diff_shows_text_but_no_secrets(call, deploy):
    dest = deploy / "conf/drainer.toml"
    dest.write_text('user = "root"\npassword = "old-secret"\n')
    options = dict(content='user = "tidb"\npassword = "new-secret"\n', dest=str(dest), _ansible_diff=True)
    shown = done(call(**options, _ansible_check_mode=True))
    assert 'user = "root"' in shown["diff"][0]["before"] and 'user = "tidb"' in shown["diff"][0]["after"]
    assert "secret" not in shown.stdout
    assert done(call(**options))["diff"] == shown["diff"]
    only_the_secret = done(call(**{**options, "content": 'user = "tidb"\npassword = "third-secret"\n'}))
    assert only_the_secret["diff"][0]["before"] != only_the_secret["diff"][0]["after"]
    assert "secret" not in only_the_secret.stdout


def test_no_log_shows_no_content(tmp_path, deploy):
    options = dict(content="private\n", dest=f"{deploy}/conf/x", _ansible_diff=True, _ansible_no_log=True)
    shown = done(copying.as_module(tmp_path, **options))
    assert "diff" not in shown.result and "private" not in shown.stdout


# The action plugin's side of it

def announced(path, **more):
    return {"sha256": sha256(path), "size": path.stat().st_size, "name": path.name, **more}


@pytest.mark.parametrize("encoding, pack", [("identity", bytes), ("gzip", gzip.compress), ("xz", lzma.compress)])
def test_a_file_of_the_control_host_is_asked_for_once(call, deploy, made, tmp_path, encoding, pack):
    options = dict(dest=f"{deploy}/bin/pump", component="pump")
    before = tree(deploy)
    asked = done(call(**options, source=announced(made.pump)))
    assert asked["need_upload"] == [sha256(made.pump)] and asked["changed"] is False and tree(deploy) == before

    upload = tmp_path / "upload"
    upload.write_bytes(pack(made.pump.read_bytes()))
    sent = done(call(**options, source=announced(made.pump, upload=str(upload), encoding=encoding)))
    assert sent["changed"] and sent["bytes_received"] == upload.stat().st_size and sent["version"] == "v4.0.16"
    assert sha256(deploy / "bin/pump") == sha256(made.pump)

    again = done(call(**options, source=announced(made.pump)))
    assert again["changed"] is False and "need_upload" not in again.result
    back = done(call(**options, source=announced(made.old)))
    assert back["changed"] and sha256(deploy / "bin/pump") == sha256(made.old), "the backup had it"


def test_check_mode_plans_what_would_be_sent(call, deploy, made):
    options = dict(dest=f"{deploy}/bin/pump", component="pump", source=announced(made.pump),
                   stage_dir=f"{deploy}/.upgrade")
    before = tree(deploy)
    planned = done(call(**options, _ansible_check_mode=True))
    assert planned["changed"] and "need_upload" not in planned.result and tree(deploy) == before
    assert any("from the control host" in step for step in planned["plan"])
    assert planned["staged"]["files"][0]["sha256"] == sha256(made.pump)
    upload = {**announced(made.pump), "upload": str(made.pump), "encoding": "identity"}
    assert done(call(**{**options, "source": upload}))["staged"]["set"] == planned["staged"]["set"]


def test_refusals_that_need_no_content_come_before_the_upload(call, deploy, made):
    (deploy / "folder").mkdir()
    refused = call(dest=f"{deploy}/folder", source=announced(made.pump))
    assert (refused.status, refused.code) == (1, "bad_destination") and "need_upload" not in refused.result
    refused = call(dest=f"{deploy}/x", source={**announced(made.pump), "size": 1 << 60})
    assert (refused.status, refused.code) == (1, "no_space")
    refused = call(dest=f"{deploy}/x", source=announced(made.pump), sha256="0" * 64)
    assert (refused.status, refused.code) == (1, "digest_mismatch")


@pytest.mark.parametrize("damage", ["other", "longer", "shorter", "rubbish", "absent", "bomb"])
def test_a_damaged_upload_changes_nothing(call, deploy, made, tmp_path, damage):
    upload = tmp_path / "upload"
    content = made.pump.read_bytes()
    if damage != "absent":
        upload.write_bytes({"other": lambda: lzma.compress(made.drainer.read_bytes()),
                            "longer": lambda: lzma.compress(content + b"x"),
                            "shorter": lambda: lzma.compress(content)[:-50],
                            "rubbish": lambda: b"<html>",
                            "bomb": lambda: lzma.compress(bytes(64 << 20), preset=0)}[damage]())
    before = tree(deploy)
    refused = call(dest=f"{deploy}/bin/new/pump",
                   source=announced(made.pump, upload=str(upload), encoding="xz"))
    assert refused.status == 1 and refused.code in ("digest_mismatch", "source_unreadable"), refused
    assert refused["failed"] is True and refused["changed"] is False
    assert tree(deploy) == before, "neither the file nor the folder made for it stays"


# Staging

def stage_options(deploy, made, **more):
    return dict(files=[{"src": str(made.pump), "dest": f"{deploy}/bin/pump", "component": "pump"},
                       {"content": "a = 1\n", "dest": f"{deploy}/conf/pump.toml", "mode": "0640"}],
                stage_dir=f"{deploy}/.upgrade", **more)


def test_staging_touches_no_destination(call, deploy, made):
    before = tree(deploy)
    planned = done(call(**stage_options(deploy, made), _ansible_check_mode=True))
    assert planned["changed"] and tree(deploy) == before

    first = done(call(**stage_options(deploy, made)))
    assert first["changed"] and first["staged"] == planned["staged"]
    assert {name: tree(deploy)[name] for name in before if name not in ("bin", "conf")} == \
        {name: before[name] for name in before if name not in ("bin", "conf")}
    manifest = deploy / ".upgrade" / first["staged"]["set"] / "manifest.json"
    assert json.loads(manifest.read_text()) == first["staged"]
    for file in first["staged"]["files"]:
        assert sha256(file["path"]) == file["sha256"]
        assert os.path.dirname(file["path"]) == os.path.dirname(file["dest"])
        assert os.stat(file["path"]).st_mode & 0o7777 == file["mode"]
    assert first["staged"]["component"] == "pump" and first["staged"]["files"][0]["version"] == "v4.0.16"

    after = tree(deploy)
    again = done(call(**stage_options(deploy, made)))
    assert again["changed"] is False and again["staged"] == first["staged"] and tree(deploy) == after


def test_staging_again_mends_what_was_lost(call, deploy, made):
    first = done(call(**stage_options(deploy, made)))
    pump, toml = (pathlib.Path(file["path"]) for file in first["staged"]["files"])
    manifest = deploy / ".upgrade" / first["staged"]["set"] / "manifest.json"
    good = tree(deploy)
    damages = [pump.unlink, lambda: pump.write_bytes(b"damaged"), lambda: toml.chmod(0o600), manifest.unlink,
               lambda: manifest.write_text("{")]
    for damage in damages:
        damage()
        assert done(call(**stage_options(deploy, made)))["changed"]
        assert tree(deploy) == good


def test_files_in_place_need_no_staged_copy(call, deploy, made):
    (deploy / "bin/pump").write_bytes(made.pump.read_bytes())
    some = done(call(**stage_options(deploy, made)))
    assert some["changed"] and len(some["staged"]["files"]) == 2
    assert [os.path.exists(file["path"]) for file in some["staged"]["files"]] == [False, True]

    (deploy / "conf/pump.toml").write_text("a = 1\n")
    (deploy / "conf/pump.toml").chmod(0o640)
    os.unlink(some["staged"]["files"][1]["path"])
    for check in (True, False):
        every = done(call(**stage_options(deploy, made), _ansible_check_mode=check))
        assert every["changed"] is False and every["staged"] == some["staged"]

    other = stage_options(deploy, made)
    other["files"][0]["mode"] = "0700"
    moded = done(call(**other))
    assert moded["changed"] and moded["staged"]["set"] != some["staged"]["set"]
    assert os.stat(moded["staged"]["files"][0]["path"]).st_mode & 0o7777 == 0o700
    assert (deploy / "bin/pump").stat().st_mode & 0o7777 == 0o751


def test_a_staged_copy_saves_the_upload(call, deploy, made):
    done(call(**stage_options(deploy, made)))
    sent = done(call(dest=f"{deploy}/bin/pump", source=announced(made.pump), component="pump"))
    assert sent["changed"] and sent["bytes_received"] == 0 and sha256(deploy / "bin/pump") == sha256(made.pump)


@pytest.mark.parametrize("in_set", [True, False])
def test_a_configuration_is_tried_with_the_new_binary(call, deploy, made, in_set):
    for text, status in (("a = 1\n", 0), ("no-such-key = 1\n", 1)):
        options = stage_options(deploy, made, probe_config=f"{deploy}/conf/pump.toml")
        if in_set:
            options["files"][1]["content"] = text
            (deploy / "conf/pump.toml").write_text("no-such-key = 1\n")
        else:
            del options["files"][1]
            (deploy / "conf/pump.toml").write_text(text)
        before = tree(deploy)
        for check in (True, False):
            tried = call(**options, _ansible_check_mode=check)
            assert tried.status == status, tried
            if status:
                assert tried.code == "config_rejected" and "no-such-key" in tried["msg"]
                assert f"{deploy}/conf/pump.toml" in tried["msg"] and tree(deploy) == before

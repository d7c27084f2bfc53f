"""copy-binary with files of the control host, sent only when they are lacking, and with staging."""
import gzip
import json
import lzma
import os
import pathlib
import subprocess

import pytest

from support.copying import done, sha256, tree

# The action plugin's side of it

def announced(path, **more):
    return {"sha256": sha256(path), "size": path.stat().st_size, "name": path.name, **more}


def zstd(content):
    return subprocess.run(["zstd", "-q", "-c"], input=content, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize("encoding, pack", [("identity", bytes), ("gzip", gzip.compress), ("xz", lzma.compress), ("zstd", zstd)])
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
    assert planned["changed"] and planned["need_upload"] == [sha256(made.pump)] and tree(deploy) == before
    assert any("from the control host" in step for step in planned["plan"])
    assert planned["staged"]["files"][0]["sha256"] == sha256(made.pump)
    upload = {**announced(made.pump), "upload": str(made.pump), "encoding": "identity"}
    assert done(call(**{**options, "source": upload}))["staged"]["set"] == planned["staged"]["set"]


@pytest.mark.parametrize("same_size", [False, True])
def test_what_was_there_is_told_whether_or_not_it_was_read_before_the_upload(call, deploy, made, same_size):
    dest = deploy / "bin/pump"
    dest.write_bytes(made.old.read_bytes() + (b"" if same_size else b"longer"))
    if same_size:
        os.truncate(dest, made.pump.stat().st_size)
    former = sha256(dest)
    options = dict(dest=str(dest), component="pump", stage_dir=f"{deploy}/.upgrade")
    before = tree(deploy)
    asked = done(call(**options, source=announced(made.pump)))
    assert asked["need_upload"] == [sha256(made.pump)] and tree(deploy) == before
    planned = done(call(**options, source=announced(made.pump), _ansible_check_mode=True))
    assert planned["previous"]["sha256"] == former
    sent = done(call(**options, source=announced(made.pump, upload=str(made.pump), encoding="identity")))
    assert sent["changed"] and sent["previous"]["sha256"] == former
    again = done(call(**options, source=announced(made.pump)))
    assert not again["changed"] and again["previous"]["sha256"] == former, "it is staged already"


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

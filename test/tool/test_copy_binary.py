"""copy-binary puts files in place: what it does, in both faces, in check mode and again."""
import os
import pathlib
import subprocess
import tarfile

import pytest

from support import copying
from support.copying import done, sha256, tree


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

"""copy-binary as a task: what is on the control host goes to the host, once, and arrives whole."""
import hashlib
import json
import lzma
import os
import tarfile

import pytest

from support import playbook, process

CONTENT = os.urandom(2 << 20)  # large enough to be packed ahead


@pytest.fixture
def copy(shared, tmp_path):
    """Runs one task on pump1; its sources and destinations are in tmp_path."""
    def run(*arguments, **options):
        path = os.path.join(playbook.copy_of_playbooks(shared), "copy.yml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump([{"hosts": "pump1", "gather_facts": False, "tasks": [{"name": "Copy", "copy-binary": options}]}], file)
        return playbook.run(shared, "copy.yml", *arguments, tags=None)
    return run


def result(run):
    (_, found), = run.assert_done().results("copy-binary")
    return found


def archive(path, files, mode="w:gz"):
    with tarfile.open(path, mode) as packed:
        for name, content in files.items():
            source = path.with_name("source")
            source.write_bytes(content)
            packed.add(source, name)
    return path


def test_the_same_content_goes_to_two_places(copy, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(CONTENT)
    wanted = [{"src": str(tmp_path / name), "dest": str(tmp_path / f"{name}.copy"), "mode": "0600"} for name in ("one", "two")]
    assert result(copy(files=wanted))["changed"]
    assert (tmp_path / "one.copy").read_bytes() == (tmp_path / "two.copy").read_bytes() == CONTENT
    assert not result(copy(files=wanted))["changed"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_members_of_one_archive_are_sent_without_the_rest(copy, tmp_path, mode):
    other = b"#!/bin/sh\n" + os.urandom(1000)
    release = archive(tmp_path / "release.tar", {"./tidb/bin/pump": CONTENT, "tidb/bin/drainer": other, "tidb/rest": bytes(9 << 20)}, mode)
    wanted = [{"src": str(release), "member": f"tidb/bin/{name}", "dest": str(tmp_path / name)} for name in ("pump", "drainer")]
    planned = result(copy("--check", files=wanted))
    assert planned["changed"] and not (tmp_path / "pump").exists()
    sent = result(copy(files=wanted))
    assert sent["changed"] and all(0 < file["bytes_received"] < 3 << 20 for file in sent["files"])
    assert (tmp_path / "pump").read_bytes() == CONTENT and (tmp_path / "drainer").read_bytes() == other
    assert os.access(tmp_path / "drainer", os.X_OK) and not os.access(tmp_path / "pump", os.X_OK)
    assert not result(copy(files=wanted))["changed"]


@pytest.mark.parametrize("digest_of", ["archive", "member"])
@pytest.mark.parametrize("listed", [False, True])
def test_the_digest_is_the_archives_or_the_members(copy, tmp_path, digest_of, listed):
    release = archive(tmp_path / "release.tar.gz", {"pump": CONTENT})
    digest = process.file_digest(release) if digest_of == "archive" else hashlib.sha256(CONTENT).hexdigest()
    if listed:
        sums = tmp_path / "SHA256SUMS"
        sums.write_text(f"{digest}  {'release.tar.gz' if digest_of == 'archive' else 'bin/pump'}\n", encoding="ascii")
    task = dict(src=str(release), member="pump", dest=str(tmp_path / "dest"))
    assert result(copy(**task, sha256=str(sums) if listed else digest))["changed"]
    copy(**task, sha256="0" * 64).assert_refused("digest_mismatch")


@pytest.mark.parametrize("damage", ["no such member", "cut short", "no archive"])
def test_a_bad_archive_is_named_and_nothing_is_sent(copy, tmp_path, damage):
    release = archive(tmp_path / "release.tar.xz", {"pump": CONTENT}, "w:xz")
    if damage == "cut short":
        release.write_bytes(release.read_bytes()[:-40])
    if damage == "no archive":
        release.write_bytes(lzma.compress(CONTENT))
    member = "drainer" if damage == "no such member" else "pump"
    refused = copy(src=str(release), member=member, dest=str(tmp_path / "dest"))
    refused.assert_refused("source_unreadable")
    assert str(release) in refused.output and not (tmp_path / "dest").exists()

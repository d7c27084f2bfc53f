"""./playbooks/quickstart, as a newcomer runs it."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from support import paths, process


@pytest.fixture(scope="module")
def shown():
    # Not below pytest's folder, which only root may enter: the Pumps run as tidb.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tbu-quickstart-test."))
    environment = dict(os.environ, TMPDIR=str(folder))
    folder.chmod(0o755)
    done = subprocess.run([str(paths.PLAYBOOKS / "quickstart")], cwd="/", env=environment, text=True,
                          capture_output=True, check=False)
    done.folder = folder
    yield done
    shutil.rmtree(folder)


def test_it_ends_well(shown):
    assert shown.returncode == 0, shown.stdout + shown.stderr


def test_its_last_line_is_the_result(shown):
    word, _, text = shown.stdout.splitlines()[-1].partition(" ")
    assert word == "result:"
    result = json.loads(text)
    assert sorted(result) == ["nodes", "rows", "writes"]
    assert [node["component"] for node in result["nodes"]] == ["pump", "pump", "pump", "drainer"]
    for node in result["nodes"]:
        assert sorted(node) == ["component", "downtime_ms", "from", "id", "to"]
        assert (node["from"], node["to"]) == ("v4.0.14", "v4.0.16")
        assert node["downtime_ms"] > 0
    assert result["writes"]["attempted"] > 0
    assert result["writes"]["refused"] == 0
    assert result["rows"]["received"] >= result["rows"]["sent"] > 0
    assert result["rows"]["duplicated"] == 0


def test_it_tells_people_versions_phases_and_downtime(shown):
    for number in (1, 2, 3):
        line = next(line for line in shown.stdout.splitlines() if line.startswith(f"pump{number} ("))
        for word in ("v4.0.14 -> v4.0.16", "down ", "stop ", "start "):
            assert word in line


def test_it_leaves_nothing_running_and_no_file(shown):
    assert os.listdir(shown.folder) == []
    assert not [pid for pid in process.pids() if str(shown.folder) in process.executable(pid)]


def test_it_refuses_arguments_it_does_not_know():
    done = subprocess.run([str(paths.PLAYBOOKS / "quickstart"), "backwards"], text=True, capture_output=True,
                          check=False)
    assert done.returncode == 100
    assert "usage" in done.stdout

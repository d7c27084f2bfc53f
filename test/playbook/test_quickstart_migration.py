"""./playbooks/quickstart migration, as a newcomer runs it."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from support import paths, process

pytestmark = pytest.mark.kafka


def test_it_shows_the_seven_steps_and_leaves_nothing():
    # Not below pytest's folder, which only root may enter: the Pumps run as tidb.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tbu-quickstart-test."))
    folder.chmod(0o755)
    done = subprocess.run([str(paths.PLAYBOOKS / "quickstart"), "migration"], cwd="/", env=dict(os.environ, TMPDIR=str(folder)),
                          text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    word, _, text = done.stdout.splitlines()[-1].partition(" ")
    assert word == "result:"
    result = json.loads(text)
    assert sorted(result) == ["nodes", "rows", "writes"]
    assert [node["component"] for node in result["nodes"]] == ["pump", "pump", "drainer"]
    assert result["writes"]["refused"] == 0
    assert result["rows"]["received"] == result["rows"]["sent"] >= 1000
    assert result["rows"]["duplicated"] == 0
    assert os.listdir(folder) == []
    assert not [pid for pid in process.pids() if str(folder) in process.executable(pid)]
    shutil.rmtree(folder)

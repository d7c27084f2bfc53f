"""each safety check, switched off, makes a named test fail.

The tests' own build of rolling-restart (rolling-restart-switchable) leaves out the check that TBU_SWITCH_OFF names. Each
check's test is run in a process of its own against that build; it must fail, and pass when nothing is switched off.
"""
import os
import re
import shutil
import subprocess
import sys

import pytest

from support import paths

WATCHED_BY = {
    "peers": "playbook/test_refused_by_cluster.py::test_a_peer_that_is_paused",
    "stale_drainer": "playbook/test_refused_by_cluster.py::"
                     "test_a_dead_drainer_left_online_where_it_would_block_the_start",
    "moved": "playbook/test_refused.py::test_a_moved_pump_is_refused_unless_accepted[data dir]",
    "lock": "playbook/test_two_operators.py::test_three_calls_in_parallel_restart_one_pump_after_the_other",
    "put_back": "playbook/test_put_back.py::test_a_pump_that_exits_at_each_start",
    "node_id": "playbook/test_drainer_refused.py::test_a_node_id_that_would_change",
    "own_entry": "playbook/test_put_back.py::test_a_pump_that_serves_without_being_registered",
    "own_answer": "playbook/test_put_back.py::test_a_pump_whose_status_never_answers",
    "executable": "tool/test_rolling_restart.py::test_a_process_of_another_file_is_not_taken_for_the_new_one",
    "start_point": "playbook/test_drainer_refused.py::test_a_checkpoint_older_than_what_the_pumps_hold",
    "progress": "playbook/test_drainer_refused.py::test_one_that_does_not_read_from_the_pumps_is_left_running_and_named",
    "elsewhere": "playbook/test_drainer_refused.py::test_another_process_that_serves_under_its_id",
    "gone": "tool/test_rolling_restart.py::test_nothing_is_renamed_or_started_while_the_process_is_still_there",
}


@pytest.fixture(scope="module")
def switchable(tmp_path_factory):
    """A module library whose rolling-restart is the switchable build."""
    library = tmp_path_factory.mktemp("library")
    for module in paths.LIBRARY.iterdir():
        if not module.is_symlink():
            shutil.copy2(module, library / module.name)
    shutil.copy2(paths.BUILD / "switchable/rolling-restart-switchable", library / "rolling-restart")
    for module in ("copy-binary", "rolling-restart"):
        os.symlink(module, library / module.replace("-", "_"))
    return library


def outcome_of(test, library, switched_off):
    """(passed, failed, all output)"""
    environment = dict(os.environ, TBU_LIBRARY=str(library), TBU_SWITCH_OFF=switched_off)
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", test], cwd=paths.TESTS, env=environment, text=True,
                          capture_output=True, check=False)
    counts = dict((word, int(number)) for number, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout))
    assert not counts.get("error"), done.stdout
    return counts.get("passed", 0), counts.get("failed", 0), done.stdout


def test_every_check_of_the_tool_has_its_test():
    header = (paths.REPO / "tools/rolling-restart/switches.hpp").read_text(encoding="utf-8")
    checks = re.search(r"enum class safety \{(.*?)\};", header, re.S).group(1)
    assert sorted(re.findall(r"^ *(\w+),", checks, re.M)) == sorted(WATCHED_BY)


@pytest.mark.parametrize("check", WATCHED_BY)
def test_a_check_switched_off_is_noticed(switchable, check):
    _, failed, output = outcome_of(WATCHED_BY[check], switchable, check)
    assert failed == 1, f"{WATCHED_BY[check]} did not notice that {check} was switched off:\n{output}"


def test_with_nothing_switched_off_the_same_build_passes(switchable):
    passed, failed, output = outcome_of(WATCHED_BY["executable"], switchable, "")
    assert (passed, failed) == (1, 0), output

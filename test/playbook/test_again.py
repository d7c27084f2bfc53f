"""a second run changes nothing; --check --diff changes nothing and shows the plan."""
import re

from support.guard import assert_same_files
from support.playbook import roll, run
from support.watcher import Watcher


def steps(run):
    """{host: the plan that rolling-restart announced or executed}"""
    return {host: result["plan"] for host, result in run.results("rolling-restart") if result.get("plan")}


def staged(run):
    """{host: digests of what is to be put in place}"""
    return {host: result.get("plan") for host, result in run.results("copy-binary") if result.get("changed")}


def test_a_second_run_changes_nothing(cluster, binaries):
    cluster.offer(binaries.new)
    roll(cluster).assert_done()
    pids, files = cluster.pids(), cluster.snapshot()
    with Watcher(cluster) as watcher:
        again = roll(cluster).assert_done()
    assert again.changed_hosts() == []
    assert cluster.pids() == pids
    assert_same_files(files, cluster.snapshot())
    watcher.assert_nothing_stopped()


def test_check_mode_changes_nothing_and_shows_the_plan_that_is_then_executed(cluster, binaries):
    cluster.offer(binaries.new)
    pids, files = cluster.pids(), cluster.snapshot()
    with Watcher(cluster) as watcher:
        check = roll(cluster, "--check", "--diff").assert_done()
    assert cluster.pids() == pids
    assert_same_files(files, cluster.snapshot())
    assert cluster.pd.lock_holder() is None
    watcher.assert_nothing_stopped()
    assert check.changed_hosts() == ["pump1", "pump2", "pump3"]

    real = roll(cluster).assert_done()
    assert sorted(steps(check)) == ["pump1", "pump2", "pump3"]
    assert steps(check) == steps(real)
    assert staged(check) == staged(real)


def test_check_mode_shows_the_versions_as_a_diff(shared, binaries):
    shared.offer(binaries.new)
    check = roll(shared, "--check", "--diff").assert_done()
    for version in ("v4.0.14", "v4.0.16"):
        assert version in check.output


def test_check_mode_refuses_what_the_real_run_would_refuse(shared, binaries):
    """Not a Pump that is down: a real run would bring it back first."""
    shared.offer(binaries.new)
    shared.pump("pump2").set_knobs(available_bytes=1 << 20)
    try:
        roll(shared, "--check").assert_refused("peers_not_ready")
    finally:
        shared.pump("pump2").set_knobs()


def test_a_check_after_the_roll_has_nothing_to_do(cluster, binaries):
    cluster.offer(binaries.new)
    roll(cluster).assert_done()
    assert roll(cluster, "--check", "--diff").assert_done().changed_hosts() == []


def test_status_says_what_an_upgrade_would_do_and_changes_nothing(shared, binaries):
    shared.offer(binaries.new)
    pids, files = shared.pids(), shared.snapshot()
    status = run(shared, "status.yml").assert_done()
    for name in pids:
        assert re.search(rf"{name}: v4.0.14, online, pid {pids[name]}; an upgrade would restart it", status.output), status.output
    assert shared.pids() == pids
    assert_same_files(files, shared.snapshot())

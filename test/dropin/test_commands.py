"""The commands typed in a tidb-ansible checkout, for real on an embedded cluster, with what the checkout itself says."""
import os
import pathlib

import pytest

from support import cluster as clusters
from support import playbook, process, wait

pytestmark = pytest.mark.upstream
OLD, NEW = "v4.0.14", "v4.0.16"


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers")

    class Peers:
        old, new = (clusters.make_peer(str(folder / version), version) for version in (OLD, NEW))
        old_drainer, new_drainer = (clusters.make_peer(str(folder / f"drainer-{version}"), version, program="drainer")
                                    for version in (OLD, NEW))
    return Peers


@pytest.fixture(scope="module")
def running(peers):
    with clusters.Cluster(old=peers.old, old_drainer=peers.old_drainer, drainers=1) as cluster:
        yield cluster


@pytest.fixture
def run(running, checkout, install):
    """run(playbook, ...): ansible-playbook in the checkout."""
    install(checkout)

    def typed(name, *arguments, **options):
        return playbook.run(running, name, *arguments, folder=checkout, **options)
    return typed


@pytest.mark.parametrize("checkout", ["master"], indirect=True)
def test_the_documented_commands_upgrade_pumps_and_drainer(running, peers, run):
    running.offer(peers.new)
    done = run("rolling_update.yml").assert_done()
    assert [host for host, _ in done.restarts()] == ["pump1", "pump2", "pump3"]
    assert set(running.digests().values()) == {process.file_digest(peers.new)}
    again = run("rolling_update.yml").assert_done()
    assert again.changed_hosts() == []

    drainer = running.drainers[0]
    running.offer(peers.new_drainer, "drainer")
    run("stop_drainer.yml", tags="drainer").assert_done()
    assert drainer.pid is None
    run("start_drainer.yml", tags="drainer").assert_done()
    assert drainer.running_digest == process.file_digest(peers.new_drainer)
    assert f"pump1: {NEW}, online" in run("status.yml", tags=None).assert_done().output


@pytest.mark.parametrize("checkout", ["release-2.0-new-binlog", "release-2.1", "release-3.0"], indirect=True)
def test_on_older_branches_they_do_the_same(running, peers, run):
    """These differ from master in group_vars, conf/pump.yml and ansible.cfg. Up and down by turns."""
    offered = next(peer for peer in (peers.new, peers.old) if process.file_digest(peer) not in running.digests().values())
    running.offer(offered)
    pids = running.pids()
    either_way = {"accept_downgrade": True}
    plan = run("rolling_update.yml", "--check", "--diff", variables=either_way).assert_done()
    assert sorted(host for host, _ in plan.results("copy-binary", "ok")) == ["pump1", "pump2", "pump3"]
    assert running.pids() == pids
    done = run("rolling_update.yml", variables=either_way).assert_done()
    assert [host for host, _ in done.restarts()] == ["pump1", "pump2", "pump3"]
    assert set(running.digests().values()) == {process.file_digest(offered)}
    drainer = running.drainers[0]
    run("stop_drainer.yml", tags="drainer").assert_done()
    assert drainer.pid is None
    run("start_drainer.yml", tags="drainer").assert_done()
    assert drainer.is_online()


@pytest.mark.parametrize("checkout", ["master"], indirect=True)
def test_a_new_drainer_is_deployed_from_the_checkouts_conf(running, peers, run, checkout):
    running.add_drainer(peers.old_drainer)
    fresh = running.drainers[-1]
    fresh.start()  # for its supervise, which lets run_drainer.sh's ulimit fail here
    fresh.as_user(["bin/svc", "-d", "status/drainer"])
    wait.until("it has ended", lambda: not fresh.pid)
    for file in ("bin/drainer", "conf/drainer.toml", "scripts/run_drainer.sh"):
        os.unlink(f"{fresh.deploy_dir}/{file}")
    running.offer(peers.new_drainer, "drainer")
    config = "# of this Drainer\n" + fresh.configuration()
    (checkout / f"conf/{fresh.name}_drainer.toml").write_text(config, encoding="utf-8")
    run("deploy_drainer.yml", f"--limit={fresh.name}", tags="drainer").assert_done()
    assert fresh.running_digest == process.file_digest(peers.new_drainer)
    assert pathlib.Path(fresh.deploy_dir, "conf/drainer.toml").read_text(encoding="utf-8") == config


@pytest.mark.parametrize("checkout", ["master"], indirect=True)
def test_a_tag_the_entry_file_has_not_is_refused(run):
    done = run("rolling_update.yml", tags="drainer")
    assert done.status != 0
    assert "selects nothing of this playbook" in done.output
    assert "WHAT FAILED, AND WHAT TO DO" in done.output

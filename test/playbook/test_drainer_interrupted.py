"""killed with SIGKILL while a Drainer is stopped or started, the same command again finishes; rows arrive exactly once."""
import itertools

import pytest

from support import cluster as clusters
from support import kill, playbook, process, tool, wait
from support.writer import Writer

TABLE = []
SLOW = ("start_delay=400", "stop_delay=400")  # so that each phase can be met


@pytest.fixture(scope="module")
def cluster(binaries, tmp_path_factory):
    old = clusters.make_peer(str(tmp_path_factory.mktemp("drainers") / "old"), "v4.0.14", *SLOW, program="drainer")
    with clusters.Cluster(old=binaries.old, pumps=2, old_drainer=old, drainers=1) as running:
        running.versions = (f"v4.1.{number}" for number in itertools.count())
        yield running
    print(f"\n{'killed in':<12}{'the Drainer afterwards':<26}after the same command")
    for row in TABLE:
        print("{:<12}{:<26}{}".format(*row))


def stage(cluster, drainer, binary):
    call = cluster.tool("copy-binary", "--src", binary, "--dest", drainer.binary, "--component", "drainer",
                        "--stage-dir", f"{drainer.deploy_dir}/stage/drainer")
    assert call.status == 0, call
    return call["staged"]["set"]


def arguments(drainer, action, *more):
    return ["--component", "drainer", "--action", action, "--deploy-dir", drainer.deploy_dir, "--port", drainer.port,
            "--supervision", "supervise", "--service", f"{drainer.deploy_dir}/status/drainer", "--user", "tidb",
            "--stable-for", "1", *more]


def rows(drainer):
    with open(f"{drainer.deploy_dir}/out/rows", encoding="utf-8") as file:
        return [line.split() for line in file]


@pytest.mark.parametrize("point", ("stop", "activate", "start", "ready", "stable", "commit"))
def test_killed_and_done_again(cluster, point):
    drainer = cluster.drainers[0]
    binary = cluster.peer(next(cluster.versions), *SLOW, program="drainer")
    new = process.file_digest(binary)
    wait.until("it has saved a checkpoint", lambda: (drainer.status() or {}).get("LastTS", 0) > 0)
    with Writer(cluster, rate=20, rows=True) as writer:
        staged = stage(cluster, drainer, binary)
        command = arguments(drainer, "restart", "--staged", staged)
        victim = tool.start("rolling-restart", *command, environment=cluster.environment)
        kill.kill_tool_in(cluster, point, pumps=[drainer])
        victim.communicate()
        kill.free_lock_of_the_dead(cluster)
        found = {None: "down", new: "runs the new"}.get(drainer.pid and drainer.running_digest, "runs the former")
        again = cluster.tool("rolling-restart", *command)
        assert again.status == 0, again
        assert drainer.running_digest == new
    TABLE.append((point, found, "runs the new"))
    wait.until("every row arrives", lambda: set(writer.rows) <= {payload for payload, _ in rows(drainer)})
    seen = rows(drainer)
    assert len({payload for payload, _ in seen}) == len(seen), "a row arrived twice"
    assert [int(ts) for _, ts in seen] == sorted(int(ts) for _, ts in seen)
    assert cluster.tool("rolling-restart", *command)["changed"] is False


def test_ansible_killed_in_the_start_and_run_again(cluster):
    drainer = cluster.drainers[0]
    binary = cluster.peer(next(cluster.versions), *SLOW, program="drainer")
    cluster.offer(binary, "drainer")
    playbook.run(cluster, "stop_drainer.yml", tags="drainer").assert_done()
    with playbook.Run(cluster, "start_drainer.yml", tags="drainer") as run:
        kill.wait_for_phase(cluster, "start", pumps=[drainer])
        run.kill()
    wait.until("the tool ends by itself", lambda: not kill.tools_running(cluster), seconds=60)
    playbook.run(cluster, "start_drainer.yml", tags="drainer").assert_done()
    assert drainer.running_digest == process.file_digest(binary)
    assert playbook.run(cluster, "start_drainer.yml", tags="drainer").assert_done().changed_hosts() == []

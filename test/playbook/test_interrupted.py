"""killed with SIGKILL anywhere, the same command again finishes the roll, broken nodes first.

The kill points, each tried for the tool or for ansible-playbook as a printed seed has it (TBU_FULL: for both), each
followed by the same command, every other time with a newer binary in resources/bin. The table of what was found is
printed at the end (pytest -s, or on failure).
"""
import itertools
import os
import random

import pytest

from support import kill, playbook, process, wait
from support.cluster import Cluster
from support.watcher import Watcher
from support.writer import Writer

SEED = int(os.environ.get("TBU_SEED", random.randrange(10**6)))
POINTS = ("stage", *kill.PHASES)
VICTIMS = ("the tool", "ansible-playbook")
CASES = [(point, victim) for number, point in enumerate(POINTS) for index, victim in enumerate(VICTIMS)
         if os.environ.get("TBU_FULL") or (SEED + number) % 2 == index]
SLOW = ("start_delay=400", "stop_delay=400")  # so that each phase can be met
TABLE = []


@pytest.fixture(scope="module")
def cluster(binaries):
    with Cluster(old=binaries.old) as running:
        running.versions = (f"v4.1.{number}" for number in itertools.count())
        yield running
    print(f"\nseed {SEED}\n{'killed':<17}{'in':<10}{'then':<16}{'at':<7}{'the Pump afterwards':<22}"
          f"{'files afterwards':<18}after the same command")
    for row in TABLE:
        print("{:<17}{:<10}{:<16}{:<7}{:<22}{:<18}{}".format(*row))


def offer_newer(cluster):
    binary = cluster.peer(next(cluster.versions), *SLOW)
    assert cluster.offer(binary).status == 0
    return process.file_digest(binary)


def kill_tool(cluster, point, pump):
    if point == "stage":
        kill.kill_calls(cluster, "copy-binary")
    else:
        kill.kill_tool_in(cluster, point, pumps=[pump])


def kill_ansible(cluster, point, pump, roll):
    if point == "stage":
        kill.wait_for_tool(cluster, "copy-binary")
    else:
        kill.wait_for_phase(cluster, point, pumps=[pump])
    roll.kill()
    # What it had started on the host goes on to its end, as over a lost connection.
    wait.until("the tool ends by itself", lambda: not kill.tools_running(cluster), seconds=60)


def state_of(pump, old, new):
    running = {None: "down", old: "runs the old", new: "runs the new"}.get(pump.pid and pump.running_digest, "runs ???")
    in_place = {old: "old", new: "new"}.get(process.file_digest(pump.binary), "???")
    return running, in_place


@pytest.mark.parametrize("point, victim", CASES)
def test_killed_and_done_again(cluster, point, victim):
    newer_meanwhile = (POINTS.index(point) // 2 + (victim == "the tool") + SEED) % 2 == 0
    target = cluster.pump("pump2")
    with Watcher(cluster) as watcher, Writer(cluster) as writer:
        old = target.running_digest
        new = offer_newer(cluster)
        with playbook.start_roll(cluster) as roll:
            if victim == "the tool":
                kill_tool(cluster, point, target)
                assert roll.wait().status != 0, roll.output
                kill.free_lock_of_the_dead(cluster)
            else:
                kill_ansible(cluster, point, target, roll)

        running, in_place = state_of(target, old, new)
        assert "???" not in running + in_place, "a torn or foreign file"
        broken = [pump.name for pump in cluster.pumps if not pump.is_online()]
        assert broken in ([], ["pump2"])

        wanted = offer_newer(cluster) if newer_meanwhile else new
        again = playbook.roll(cluster).assert_done()
    TABLE.append((victim, point, "a newer binary" if newer_meanwhile else "the same", "pump2", running, in_place,
                  "all run " + ("the newer" if newer_meanwhile else "it")))
    assert set(cluster.digests().values()) == {wanted}
    if broken:
        assert [host for host, _ in again.restarts()][0] == "pump2", "broken nodes come first"
    watcher.assert_one_at_a_time()
    writer.assert_nothing_refused()
    assert cluster.pd.lock_holder() is None
    assert playbook.roll(cluster).assert_done().changed_hosts() == []

"""The rules of wait-synced against worlds in which the truth is known: no false yes, a yes soon once it can be known,
and no required evidence that could be left out."""
import json
import os
import random
import subprocess
import time

import pytest

from model import worlds
from support import paths

RUNS = int(os.environ.get("TBU_MODEL_RUNS", "10000"))
CLUSTER = ("shape", "pumps_complete", "last_ts")
OLD = ("shape", "pumps_complete", "window", "drained", "applied")


class Tally:
    """Of one set of evidence, over all runs."""

    def __init__(self):
        self.runs = self.yes = self.false_yes = 0

    def row(self, name):
        return f"| {name} | {self.runs} | {self.yes / self.runs:.1%} | {self.false_yes / self.runs:.2%} |"


def due_at(world):
    """The sample by which a yes must have come: the world has said so for stable_for and one interval on end."""
    steps = (world.stable_for + worlds.STEP) // worlds.STEP
    length = 0
    for index, provable in enumerate(world.provable):
        length = length + 1 if provable else 0
        if length > steps:
            return index
    return None


@pytest.fixture(scope="module")
def outcome():
    seed = int(os.environ.get("TBU_SEED") or random.randrange(10**9))
    print(f"\nTBU_SEED={seed}, {RUNS} runs")
    started = time.monotonic()
    tallies, false, late = {}, [], []
    due = 0
    with subprocess.Popen([str(paths.BUILD / "model/judge")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          bufsize=1 << 20) as judge:
        for first in range(0, RUNS, 50):
            made = [worlds.World(seed * 100000 + number) for number in range(first, min(first + 50, RUNS))]
            lines = []
            for world in made:
                world.names = CLUSTER if world.kind == "cluster" else OLD
                lines.append(json.dumps({**world.run(), "left_out": [[]] + [[name] for name in world.names]}))
            for world, line in zip(made, lines):  # a line at a time: pipes are small
                judge.stdin.write(line + "\n")
                judge.stdin.flush()
                found = json.loads(judge.stdout.readline())
                family = "cluster" if world.kind == "cluster" else "kafka, local"
                for name, index in zip(("none", *world.names), found):
                    tally = tallies.setdefault((family, name), Tally())
                    tally.runs += 1
                    tally.yes += index >= 0
                    wrong = index >= 0 and not world.truth[index]
                    tally.false_yes += wrong
                    if wrong and name == "none":
                        false.append((world.rng, world.kind, world.scenario, index))
                latest = due_at(world)
                due += latest is not None
                if latest is not None and not 0 <= found[0] <= latest:
                    late.append((world.kind, world.scenario, found[0], latest))
        judge.stdin.close()
    print("| left out | runs | yes | false yes |\n|---|---|---|---|")
    for (family, name), tally in tallies.items():
        print(tally.row(f"{family}: {name}"))
    print(f"a yes was due in {due} runs; {time.monotonic() - started:.0f} s")
    return tallies, false, late, due


def test_no_false_yes(outcome):
    _, false, _, _ = outcome
    assert not false


def test_a_yes_comes_within_stable_for_and_one_interval_once_it_can_be_known(outcome):
    _, _, late, due = outcome
    assert not late
    assert due > RUNS // 10


@pytest.mark.parametrize("name", CLUSTER)
def test_no_evidence_of_cluster_drainers_can_be_left_out(outcome, name):
    assert outcome[0]["cluster", name].false_yes > 0


@pytest.mark.parametrize("name", OLD)
def test_no_evidence_of_old_drainers_can_be_left_out(outcome, name):
    assert outcome[0]["kafka, local", name].false_yes > 0

"""Fixtures of the tests on hosts."""
import os
import random

import pytest

from hosts.rig.rig import Rig

FULL = os.environ.get("TBU_FULL") == "1"
SEED = int(os.environ.get("TBU_SEED", random.randrange(10**6)))


def pytest_report_header():
    return f"hosts: seed {SEED} (TBU_SEED)" + (", everything" if FULL else ", sampled")


@pytest.fixture(scope="module")
def rig():
    """Three Pumps and a Drainer as tidb-ansible deployed them, under systemd, for all tests of a file: each leaves them
    in service."""
    with Rig() as running:
        yield running


def sampled(points, count):
    """As many of the points as the CI set tries, by the printed seed; all of them in a full run."""
    chosen = points if FULL else random.Random(SEED).sample(points, count)
    return [point for point in points if point in chosen]

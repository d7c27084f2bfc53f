"""What of the tests on hosts the CI set takes: TBU_FULL=1 takes all, else a seed chooses (TBU_SEED)."""
import os
import random

FULL = os.environ.get("TBU_FULL") == "1"
SEED = int(os.environ.get("TBU_SEED", random.randrange(10**6)))


def one_of(*names):
    """All of them in a full run, else one."""
    return list(names) if FULL else [random.Random(SEED).choice(names)]

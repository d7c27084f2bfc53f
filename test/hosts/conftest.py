"""Fixtures of the tests on hosts, and which of them the CI set takes.

Tests marked sample(group, count=1) are many ways to one end; the CI set takes so many of each group, by the printed seed.
A full run (TBU_FULL=1) takes all, and so does one that names tests itself (-k, or file::test).
"""
import random

from hosts.rig.sampling import FULL, SEED


def pytest_configure(config):
    config.addinivalue_line("markers", "sample(group, count=1): the CI set takes so many of the group")


def pytest_report_header():
    return "hosts: " + ("everything" if FULL else f"sampled by seed {SEED} (TBU_SEED)")


def pytest_collection_modifyitems(config, items):
    if FULL or config.option.keyword or any("::" in argument for argument in config.args):
        return
    groups = {}
    for item in items:
        mark = item.get_closest_marker("sample")
        if mark:
            groups.setdefault(mark.args[0], []).append(item)
    chooser = random.Random(SEED)
    taken = set()
    for name in sorted(groups):
        _, count = (*groups[name][0].get_closest_marker("sample").args, 1)[:2]
        taken.update(chooser.sample(groups[name], count))
    left_out = {item for group in groups.values() for item in group} - taken
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]
    if groups:  # -q prints no header
        print(f"\nsampled by seed {SEED} (TBU_SEED): {sorted(item.name for item in taken)}")

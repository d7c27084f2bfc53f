"""Asserting that something was refused before anything happened."""
import contextlib
import os

from .watcher import Watcher


def in_place(cluster):
    """What the hosts' nodes are made of, without what was only staged (hidden, beside it) or kept."""
    return {name: {path: facts for path, facts in files.items()
                   if path.split("/")[0] in ("bin", "conf", "scripts") and not os.path.basename(path).startswith(".")}
            for name, files in cluster.snapshot().items()}


def assert_same_files(before, after):
    """Compares two snapshots and names what differs."""
    differing = sorted(f"{name}: {path}" for name in before for path in before[name].keys() | after[name].keys()
                       if before[name].get(path) != after[name].get(path))
    assert not differing, f"changed: {differing}"


@contextlib.contextmanager
def nothing_happens(cluster, besides=()):
    """Within, no Pump stops or leaves online, no file in place changes, and the lock is free afterwards.
    `besides` names the Pumps that a test itself takes down."""
    files, pids = in_place(cluster), cluster.pids()
    with Watcher(cluster) as watcher:
        yield
    assert_same_files(files, in_place(cluster))
    assert cluster.pids() == pids
    watcher.assert_nothing_stopped(besides)

"""Asserting that something was refused before anything happened."""
import contextlib

from .watcher import Watcher


def in_place(cluster):
    """What the hosts' nodes are made of, without what was only staged or kept."""
    return {name: {path: facts for path, facts in files.items()
                   if path in ("bin/pump", "conf/pump.toml") or path.startswith("scripts/")}
            for name, files in cluster.snapshot().items()}


@contextlib.contextmanager
def nothing_happens(cluster, besides=()):
    """Within, no Pump stops or leaves online, no file in place changes, and the lock is free afterwards.
    `besides` names the Pumps that a test itself takes down."""
    files, pids = in_place(cluster), cluster.pids()
    with Watcher(cluster) as watcher:
        yield
    assert in_place(cluster) == files
    assert cluster.pids() == pids
    watcher.assert_nothing_stopped(besides)

"""what an operator reads last when a run failed: host, phase, what was found, what runs now, what to do.

More of these are read in test_stubborn_units.py.
"""
import pytest

from hosts.rig import verdict
from hosts.rig.rig import NEW, Rig
from support import playbook


@pytest.fixture(scope="module")
def rig():
    with Rig(drainers=0) as rig:
        rig.offer(rig.peer(NEW))
        yield rig


def test_a_host_that_is_not_reached(rig):
    rig.pump("pump3").cut_from_control()
    try:
        failed, _ = verdict.read(playbook.roll(rig))
    finally:
        rig.pump("pump3").rejoin_control()
    assert list(failed) == ["pump3"] and failed["pump3"]["where"].startswith("connection lost")
    assert rig.pump("pump3").address in failed["pump3"]["found"]
    assert "not known" in failed["pump3"]["now"] and "run the same command again" in failed["pump3"]["to do"]


def test_pd_away(rig):
    rig.pd.stop()
    try:
        failed, others = verdict.read(playbook.roll(rig))
    finally:
        rig.pd.start()
    (hosts, each), = failed.items()
    assert hosts == "pump1, pump2, pump3" and not others
    assert "[registry_unreadable]" in each["found"] and "PD" in each["to do"]
    assert "runs, version v4.0.14; its registry entry is not known" in each["now"]


def test_an_inventory_without_binlog(rig):
    failed, _ = verdict.read(playbook.roll(rig, variables={"enable_binlog": False}))
    (hosts, each), = failed.items()
    assert hosts == "pump1, pump2, pump3" and "enable_binlog" in each["found"] and "not touched" in each["now"]

"""what an operator reads last when a run failed: host, phase, what was found, what runs now, what to do."""
import re

import pytest

from hosts.rig.rig import NEW, Rig
from support import playbook


@pytest.fixture(scope="module")
def rig():
    with Rig(drainers=0, stop_timeout=2) as rig:
        yield rig


def verdict(run):
    """{host: {found, now, to do, where}} of the paragraphs below the last heading, and the lines of the other hosts."""
    assert run.status != 0, f"went through:\n{run.output}"
    assert "Traceback" not in run.output
    text = run.output.rpartition("WHAT FAILED, AND WHAT TO DO")[2].partition("\n")[2]
    print(f"\n{text}")
    assert not re.search(r'[{}]|\\n|": ', text), "a person shall read this"
    assert len(text.strip().splitlines()) <= 16
    failed, others, host = {}, {}, None
    for line in text.strip().splitlines():
        if match := re.fullmatch(r"(.+): FAILED \((.+)\)", line):
            host = match[1]
            failed[host] = {"where": match[2]}
        elif match := re.fullmatch(r"  (found|now|to do): +(\S.*)", line):
            last = match[1]
            failed[host][last] = match[2]
        elif line.startswith("         "):
            failed[host][last] += " " + line.strip()
        else:
            name, _, standing = line.partition(": ")
            others[name] = standing
    assert all(set(each) == {"where", "found", "now", "to do"} for each in failed.values()), failed
    return failed, others


def test_a_pump_that_does_not_stop(rig):
    rig.offer(rig.peer(NEW))
    pid = rig.pump("pump2").run("pidof", "pump").stdout.strip()
    rig.pump("pump2").set_knobs(stop_delay=8_000)
    failed, others = verdict(playbook.roll(rig, variables={"pump_stop_timeout": 2}))
    rig.pump("pump2").set_knobs()
    assert list(failed) == ["pump2"] and failed["pump2"]["where"] == "phase stop"
    assert f"pid {pid} is still alive" in failed["pump2"]["found"] and "[stop_timeout]" in failed["pump2"]["found"]
    assert f"pid {pid} runs, version v4.0.14" in failed["pump2"]["now"]
    assert "wait for it to end, then run the same command again" in failed["pump2"]["to do"]
    assert others == {"pump1": f"done: {NEW}, online", "pump3": "not touched by this run: v4.0.14, online"}


def test_a_host_that_is_not_reached(rig):
    rig.pump("pump3").cut_from_control()
    try:
        failed, _ = verdict(playbook.roll(rig))
    finally:
        rig.pump("pump3").rejoin_control()
    assert list(failed) == ["pump3"] and failed["pump3"]["where"].startswith("connection lost")
    assert rig.pump("pump3").address in failed["pump3"]["found"]
    assert "not known" in failed["pump3"]["now"] and "run the same command again" in failed["pump3"]["to do"]


def test_a_version_that_was_put_back(rig):
    playbook.roll(rig).assert_done()
    rig.offer(rig.peer("v4.0.17", "exit_at_start=1"))
    failed, others = verdict(playbook.roll(rig))
    assert list(failed) == ["pump1"] and failed["pump1"]["where"] == "phase put_back"
    assert "[rolled_back]" in failed["pump1"]["found"] and f"version {NEW}" in failed["pump1"]["now"]
    assert others == {name: f"not touched by this run: {NEW}, online" for name in ("pump2", "pump3")}


def test_pd_away(rig):
    rig.pd.stop()
    try:
        failed, others = verdict(playbook.roll(rig))
    finally:
        rig.pd.start()
    assert list(failed) == ["pump1, pump2, pump3"] and not others
    assert all("[registry_unreadable]" in each["found"] and "PD" in each["to do"] for each in failed.values())
    assert all(f"{pump.name}: pid " in each["now"] for each in failed.values() for pump in rig.pumps)


def test_an_inventory_without_binlog(rig):
    failed, _ = verdict(playbook.roll(rig, variables={"enable_binlog": False}))
    (hosts, each), = failed.items()
    assert hosts == "pump1, pump2, pump3" and "enable_binlog" in each["found"] and "not touched" in each["now"]

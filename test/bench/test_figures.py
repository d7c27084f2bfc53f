"""The benchmark's own arithmetic: what is counted, compared and judged, on runs made up here."""
import contextlib
import pathlib
import socket
import sys
import threading
import time
import xml.etree.ElementTree

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent)]
import trace  # noqa: E402

from parts import figures, measure, relay, shares, watch  # noqa: E402
from support import net, wait  # noqa: E402

HOSTS = ("pump1", "pump2", "pump3")


def run(way, case="roll", wall=100.0, gap=20.0, **changes):
    """Down from 10 s on: 0.02 s to end, `gap` without a process, 0.03 s to answer."""
    down = case == "roll" or way == "stock"
    made = {"way": way, "case": case, "pumps": 3, "size_mb": 60, "link": "lan", "load": 0.1, "wall_s": wall, "stable_for_s": 0.0,
            "settle_s": 0.0, "processor_s": 5.0, "refused": 0, "written": 100,
            "windows": {host: [[10.0, 10.05 + gap]] if down else [] for host in HOSTS},
            "processes": {host: [10.02, 10.02 + gap] for host in HOSTS if down},
            "wire": dict.fromkeys(HOSTS, 30_000_000 if case == "roll" else 1_000_000),
            "payload": dict.fromkeys(HOSTS, 18_000_000 if way == "ours" and case == "roll" else 0), "calls": dict.fromkeys(HOSTS, 20)}
    return {**made, **changes}


def rows(*runs):
    return {row["name"].strip(): row for row in figures.of_rolls(runs)}


def four(**ours):
    return [run("stock"), run("stock", "second"), run("ours", wall=9.0, gap=0.06, **ours), run("ours", "second", wall=2.5)]


def test_what_was_asked_to_wait_is_not_counted():
    assert figures.counted(run("ours", wall=36.0, stable_for_s=7.0, settle_s=20.0)) == 9.0


def test_the_gap_without_a_process_is_what_is_beyond_the_pumps_own():
    assert figures.down(run("stock")) == pytest.approx([20.05] * 3)
    assert figures.without_process(run("stock")) == pytest.approx([20.0] * 3)


def test_all_targets_are_met():
    found = rows(*four())
    assert found["whole roll"]["ratio"] == pytest.approx(100 / 9)
    assert {name for name, row in found.items() if row["met"] is False} == set()
    assert found["whole roll"]["met"] and found["beyond its own stop and start"]["met"]


def test_what_a_turn_takes_beside_the_nodes_own_time():
    def turn(begun, ended, elapsed_ms):
        return {"begun": begun, "ended": ended, "result": {"elapsed_ms": elapsed_ms, "phases": [{"name": "stable", "ms": 1000}]}}
    tasks = [{"begun": 0.0, "ended": 9.0, "result": {}}, turn(9.0, 11.0, 1500), turn(11.5, 13.0, 1000)]
    grown = {**run("ours"), **measure.turns(tasks)}
    found = {row["name"].strip(): row for row in figures.of_growth([grown])}["a turn, beside the node's own time"]
    assert found["ours"]["median"] == pytest.approx((13.0 - 9.0 - 2.5) / 3) and found["met"]
    grown["turns_s"] += 1
    assert not {row["name"].strip(): row for row in figures.of_growth([grown])}["a turn, beside the node's own time"]["met"]


@pytest.mark.parametrize("changes, name", [
    ({"stable_for_s": -1.5}, "whole roll"),  # 10.5 s: neither below 10 s nor a tenth
    ({"refused": 1}, "writes refused during the roll"),
    ({"calls": {"pump1": 26}}, "SSH and SFTP calls, each host"),
    ({"payload": dict.fromkeys(HOSTS, 22_000_000)}, "the binary, of its size"),
    ({"processes": {host: [10.0, 10.2] for host in HOSTS}}, "beyond its own stop and start"),
])
def test_a_missed_target_is_said(changes, name):
    assert rows(*four(**changes))[name]["met"] is False


def test_a_tenth_needs_both_ways():
    assert rows(run("ours", wall=9.0), run("ours", "second", wall=2.0))["whole roll"]["met"] is False


def test_the_stock_ways_binary_is_what_a_roll_carries_more_than_the_same_again():
    assert rows(*four())["the binary"]["stock"]["median"] == pytest.approx(29.0)


def test_the_median_of_pairs_with_its_ends():
    assert figures.spread([3, 1, 2, 10]) == {"median": 2.5, "min": 1, "max": 10, "n": 4}
    assert figures.ratio([10, 20, 30], [1, 2, 4]) == 10
    assert figures.ratio([10], [0]) is None and figures.ratio([], [1]) is None


def test_the_table_is_markdown_with_every_row():
    text = figures.table("3 Pumps", figures.of_rolls(four())).splitlines()
    assert {line.count("|") for line in text} == {7}
    assert any("whole roll | 100 s | 9 s | 11.1 | under 10 s, and a tenth | yes" in line for line in text)


def traced():
    """Ansible 0 to 1, SSH 1 to 4 with the tool in 2 to 4, of it stable 3 to 4; the Pump's own from 2.1 to 2.2."""
    result = {"elapsed_ms": 2000, "phases": [{"name": "stop", "ms": 1000}, {"name": "stable", "ms": 1000}]}
    tasks = [{"host": "pump1", "task": "Restart", "action": "rolling-restart", "outcome": "ok", "begun": 0.5, "ended": 4.5, "result": result}]
    return run("ours", wall=5.0, windows={"pump1": [[2.1, 2.2]]}, processes={"pump1": [2.2, 2.2]},
               trace={"tasks": tasks, "calls": [["pump1", 1.0, 4.0, "ssh"]]})


def test_every_moment_belongs_to_one_kind():
    found = shares.shares(traced())
    assert found == pytest.approx({"pump": 0.1, "wait": 1.0, "tool": 0.9, "ssh": 1.0, "ansible": 2.0})
    assert sum(found.values()) == pytest.approx(5.0)


def test_the_picture_is_well_formed_and_names_the_phases():
    text = trace.drawn({"ours 3 lan": traced(), "stock 3 lan": traced()}, "ours 3 lan", "stock 3 lan")
    assert xml.etree.ElementTree.fromstring(text).tag.endswith("svg")
    assert "stop: 1.000 s" in text and "no answer: 0.100 s" in text


def test_a_slow_line_takes_its_time_for_every_byte_and_for_the_way(monkeypatch):
    monkeypatch.setattr(relay.time, "monotonic", lambda: 100.0)
    line = relay.Line(rate=1000, delay=0.5)
    assert [line.arrival(2000), line.arrival(1000)] == [102.5, 103.5]
    assert relay.Line(rate=0, delay=0.5).arrival(10**9) == 100.5


def test_a_watched_answer_is_whole_with_a_length_and_in_chunks():
    assert watch.whole_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{") is None
    assert watch.whole_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    assert watch.whole_answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n") is None
    assert watch.whole_answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")


def test_the_line_of_a_lan_adds_no_waiting_of_its_own(monkeypatch):
    """Two small packets and their answer, as SSH sends them: held back by Nagle's algorithm they take 40 ms, which each of
    164 calls then took longer."""
    def answer(server):
        connection, _ = server.accept()
        with connection:
            while len(connection.recv(2, socket.MSG_WAITALL)) == 2:
                connection.send(b"c")

    def connected(port):
        with contextlib.suppress(OSError):
            return socket.create_connection(("127.0.0.1", port))

    port = net.free_port()
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(relay, "SSH", server.getsockname()[1])
        for target, words in ((answer, (server,)), (relay.pass_straight_on, (port, "127.0.0.1", lambda *_: lambda size: None))):
            threading.Thread(target=target, args=words, daemon=True).start()
        with wait.until("the relay listens", lambda: connected(port)) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            began = time.monotonic()
            for _ in range(50):
                client.send(b"a")
                time.sleep(0.001)
                client.send(b"b")
                assert client.recv(1) == b"c"
            assert time.monotonic() - began < 1

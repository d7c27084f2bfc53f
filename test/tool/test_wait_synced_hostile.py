"""wait-synced among peers that do their worst: a clear verdict, the deadline kept, memory bounded."""
import os
import pathlib
import socket
import subprocess
import threading
import time

import pytest

from support import answering, paths, tool
from support.answering import Drainer, Pump, Server, certificates, server_tls, tso

QUICK = ("--stable-for=1", "--interval=0.2")


def slack():
    """100 ms on a machine that has a core for us."""
    return 0.1 * max(1.0, os.getloadavg()[0] / os.cpu_count())


def measured(*words):
    """The call, its seconds, and the most memory it had, in MB."""
    started = time.monotonic()
    with subprocess.Popen([paths.tool("wait-synced"), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        stdout = process.stdout.read()
        seconds = time.monotonic() - started
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return tool.Call(process.returncode, stdout, process.stderr.read()), seconds, usage.ru_maxrss / 1024


@pytest.mark.parametrize("behaviour", answering.HOSTILE, ids=lambda function: function.__name__)
def test_a_hostile_drainer_is_unknown_in_time_and_in_bounds(behaviour):
    with Server({"*": behaviour}) as bad, Drainer() as good, Pump() as pump:
        call, seconds, megabytes = measured(f"--drainers={bad.address},{good.address}", f"--pumps={pump.address}",
                                            "--timeout=2.5", *QUICK)
    assert call.status == 99 and call.code == "timed_out", call
    assert [each["verdict"] for each in call["drainers"]] == ["unknown", "synced"], call
    assert isinstance(call["drainers"][0]["evidence"][0]["value"], str)
    assert 2.5 <= call["elapsed_ms"] / 1000 <= 2.5 + slack()
    assert seconds < 3 + slack() and megabytes < 64


@pytest.mark.parametrize("behaviour", answering.HOSTILE, ids=lambda function: function.__name__)
def test_a_hostile_pump_holds_up_nobody(behaviour):
    with Server({"*": behaviour}) as bad, Drainer() as good, Pump() as pump:
        call, _, megabytes = measured(f"--drainers={good.address}", f"--pumps={pump.address}", f"--tso-from={bad.address}",
                                      "--timeout=8", *QUICK)
    assert call.status == 0 and call["elapsed_ms"] < 4000 and megabytes < 64, call


def test_nobody_there():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        call, _, _ = measured(f"--drainers=127.0.0.1:{probe.getsockname()[1]}", f"--since={tso()}",
                              "--expected-pumps=a", "--timeout=2", *QUICK)
    assert call.status == 99 and call["drainers"][0]["verdict"] == "unknown"
    assert "refused" in call["drainers"][0]["evidence"][0]["value"]


def test_a_wrong_content_type_is_no_obstacle_and_ipv6_is_none():
    with Drainer(family=socket.AF_INET6) as drainer, Pump(family=socket.AF_INET6) as pump:
        drainer.routes["/status"] = _as_html(drainer)
        call, _, _ = measured(f"--drainers={drainer.address}", f"--pumps={pump.address}", "--timeout=8", *QUICK)
    assert call.status == 0, call


def _as_html(drainer):
    @answering.raw
    def answer(connection):
        connection.sendall(answering.page(drainer.status(), kind="text/html"))
    return answer


def test_a_drainer_restarted_in_the_middle_starts_the_time_anew():
    drainer, started = Drainer(), time.monotonic()
    port = drainer.port
    with Pump() as pump:
        process = tool.start("wait-synced", f"--drainers={drainer.address}", f"--pumps={pump.address}",
                             f"--since={tso(60)}", "--stable-for=2", "--interval=0.2", "--timeout=20")
        time.sleep(1.5)
        drainer.close()
        time.sleep(0.6)
        back = time.monotonic()
        with Drainer(port=port):
            call = tool.finish(process)
    assert call.status == 0, call
    assert time.monotonic() - back >= 2 and time.monotonic() - started < 8


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    return certificates(tmp_path_factory.mktemp("pem"))


def tls_words(pem, client="client", ca="ca"):
    words = [f"--tls-ca={pem}/{ca}.pem"]
    return words + ([f"--tls-cert={pem}/{client}.pem", f"--tls-key={pem}/{client}-key.pem"] if client else [])


def test_tls_with_a_client_certificate(pem):
    tls = server_tls(pem, demand_client=True)
    with Drainer(tls=tls) as drainer, Pump(tls=tls) as pump:
        call, _, megabytes = measured(f"--drainers={drainer.address}", f"--pumps=https://{pump.address}", "--timeout=10",
                                      *QUICK, *tls_words(pem))
    assert call.status == 0 and megabytes < 64, call


@pytest.mark.parametrize("words, cause", [
    ({"client": None}, "client certificate"), ({"client": "stranger"}, "client certificate"),
    ({"ca": "other-ca"}, "unknown CA")])
def test_tls_that_fails_is_unknown_and_says_why(pem, words, cause):
    with Drainer(tls=server_tls(pem, demand_client=True)) as drainer:
        call, _, _ = measured(f"--drainers={drainer.address}", f"--since={tso(60)}", "--expected-pumps=pump-1:8250",
                              "--timeout=2", *QUICK, *tls_words(pem, **words))
    assert call.status == 99 and call["drainers"][0]["verdict"] == "unknown", call
    assert cause in call["drainers"][0]["evidence"][0]["value"]


def test_a_plaintext_peer_where_tls_is_demanded_ends_the_call(pem):
    with Drainer() as drainer:
        call, seconds, _ = measured(f"--drainers={drainer.address}", f"--since={tso(60)}", "--timeout=20", *QUICK[1:],
                                    *tls_words(pem))
    assert call.status == 111 and call.code == "tls_plaintext_peer" and seconds < 5, call


def test_a_key_of_another_certificate_is_refused_before_any_connection(pem):
    call, _, _ = measured("--drainers=127.0.0.1:9", f"--since={tso()}", f"--tls-ca={pem}/ca.pem",
                          f"--tls-cert={pem}/client.pem", f"--tls-key={pem}/server-key.pem")
    assert call.status == 111 and call.code == "tls_failed", call


def test_many_hanging_drainers_do_not_hold_up_the_deadline():
    with Server({"*": answering.silence}) as bad, Pump() as pump:
        drainers = ",".join(f"http://{bad.address}/d{number}" for number in range(300))
        call, _, megabytes = measured(f"--drainers={drainers}", f"--pumps={pump.address}", "--timeout=3", *QUICK)
    assert call.status == 99 and 3.0 <= call["elapsed_ms"] / 1000 <= 3.0 + slack(), call
    assert megabytes < 64


def test_progress_is_a_line_for_each_change_in_a_log_and_redrawn_on_a_terminal():
    words = ["--stable-for=1", "--interval=0.2", "--timeout=10"]
    with Drainer(lag=2) as drainer, Pump() as pump:
        words += [f"--drainers={drainer.address}", f"--pumps={pump.address}"]
        log = tool.run("wait-synced", "--progress", *words).stderr.splitlines()
        states = [line.partition(": ")[2].partition("  ")[0] for line in log]
        assert any("last_ts" in state for state in states) and "lag" in "\n".join(log)
        assert all(a != b for a, b in zip(states, states[1:])) and len(log) <= 8, log
        ours, theirs = os.openpty()
        with subprocess.Popen([paths.tool("wait-synced"), *words], stdout=subprocess.DEVNULL, stderr=theirs) as process:
            os.close(theirs)
            seen = []
            threading.Thread(target=_drain, args=(ours, seen), daemon=True).start()
            assert process.wait(20) == 0
        time.sleep(0.2)
        drawn = b"".join(seen).decode()
    assert "\x1b[2A" in drawn and "\x1b[2K" in drawn and "to go" in drawn or "lag" in drawn


def _drain(descriptor, seen):
    try:
        while piece := os.read(descriptor, 65536):
            seen.append(piece)
    except OSError:
        pass


def test_one_thread():
    with Server({"*": answering.silence}) as bad:
        process = tool.start("wait-synced", f"--drainers={bad.address}", f"--since={tso()}", "--timeout=12")
        time.sleep(1)
        threads = len(list(pathlib.Path(f"/proc/{process.pid}/task").iterdir()))
        process.terminate()
        process.communicate()
    assert threads == 1

"""wait-synced against small servers: what passes, what never does, and what it says of it."""
import base64
import json
import os
import threading
import time

import pytest

from support import tool
from support.answering import Drainer, OldDrainer, OldPump, Pump, Server, html, not_http, server_error, silence, tso
from support.copying import mounted

QUICK = {"stable_for": 1, "interval": 0.2, "timeout": 8}


@pytest.fixture
def peers():
    with Drainer() as drainer, Pump() as pump:
        yield drainer, pump


def wait(**options):
    words = [f"--{name.replace('_', '-')}={value}" for name, value in {**QUICK, **options}.items() if value is not None]
    return tool.run("wait-synced", *words)


def evidence(call, drainer=0):
    return {each["name"]: each for each in call["drainers"][drainer]["evidence"]}


@pytest.mark.parametrize("face", ["module", "command"])
def test_a_healthy_drainer_passes_whatever_synced_says(tmp_path, peers, face):
    drainer, pump = peers
    proof = tmp_path / "proof.json"
    options = {**QUICK, "drainers": [drainer.address], "pumps": [pump.address], "evidence_file": str(proof)}
    before = tso()
    if face == "module":
        args = tmp_path / "args"
        args.write_text(json.dumps({**options, "_ansible_check_mode": False}), encoding="utf-8")
        call = tool.run("wait-synced", args)
        assert call.stderr == ""
    else:
        call = wait(drainers=drainer.address, pumps=pump.address, evidence_file=proof)
    assert call.status == 0, call
    assert call["synced"] is True and call["changed"] is True and call["failed"] is False
    assert before <= call["since"] <= tso() and call["cluster_id"] is None
    (found,) = call["drainers"]
    assert set(found) == {"url", "kind", "reported_synced", "verdict", "lag_ms", "evidence"}
    assert (found["kind"], found["reported_synced"], found["verdict"]) == ("cluster", False, "synced")
    assert 0 <= found["lag_ms"] < 3000
    assert [(each["name"], each["required"], each["held"]) for each in found["evidence"]] == [
        ("shape", True, True), ("pumps_complete", True, True), ("last_ts", True, True)]
    written = json.loads(proof.read_text(encoding="utf-8"))
    assert written["synced"] is True and written["since"] == call["since"] and written["accepted"] == []
    assert len(written["drainers"][0]["answers"][0]["sha256"]) == 64 and len(written["pumps"]) == 1
    assert written["taken_ts"] >= written["since"] and written["started_at"] <= written["finished_at"]
    assert os.listdir(tmp_path).count("proof.json") == 1 and not [name for name in os.listdir(tmp_path) if "tmp" in name]


def test_the_yes_comes_after_stable_for_and_no_later_than_one_interval(peers):
    drainer, pump = peers
    started = time.monotonic()
    call = wait(drainers=drainer.address, pumps=pump.address, since=tso(60), stable_for=2, interval=0.5)
    assert call.status == 0, call
    assert 2.0 <= time.monotonic() - started < 3.5
    assert call["elapsed_ms"] >= 2000


def test_a_drainer_that_stands_still_is_not_synced_though_it_says_so(peers, tmp_path):
    drainer, pump = peers
    drainer.synced, drainer.last_ts = True, tso(300)
    (tmp_path / "proof").write_text("old", encoding="ascii")
    call = wait(drainers=drainer.address, pumps=pump.address, timeout=2, evidence_file=tmp_path / "proof")
    assert call.status == 99 and call.code == "timed_out", call
    assert call["synced"] is False and call["drainers"][0]["reported_synced"] is True
    assert call["drainers"][0]["verdict"] == "not_synced" and not evidence(call)["last_ts"]["held"]
    assert "last_ts" in call["msg"] and 1900 <= call["elapsed_ms"] <= 2100
    assert (tmp_path / "proof").read_text(encoding="ascii") == "old" and call["changed"] is False


def test_all_drainers_have_to_pass(peers):
    drainer, pump = peers
    with Drainer(lag=3600) as behind:
        call = wait(drainers=f"{drainer.address},{behind.address}", pumps=pump.address, timeout=3)
    assert call.status == 99
    assert [each["verdict"] for each in call["drainers"]] == ["synced", "not_synced"]


@pytest.mark.parametrize("missing", ["not in PumpPos", "offline too early", "named by id", "nobody says"])
def test_a_pump_that_the_drainer_does_not_know(missing):
    with Drainer() as drainer, Pump(ids=("pump-1:8250", "pump-2:8250")) as pump, Pump(ids=("pump-9:8250",)) as other:
        options = {"not in PumpPos": {"pumps": pump.address},
                   "offline too early": {"pumps": f"{other.address},{pump.address}"},
                   "named by id": {"tso_from": pump.address, "expected_pumps": "pump-1:8250,pump-2:8250"},
                   "nobody says": {"tso_from": pump.address}}[missing]
        if missing == "offline too early":
            other.ids = pump.ids = ("pump-1:8250", other.address)
            pump.states = other.states = {other.address: "offline"}
        call = wait(drainers=drainer.address, timeout=2, **options)
        assert call.status == 99, call
        assert call["drainers"][0]["verdict"] == ("unknown" if missing == "nobody says" else "not_synced")
        assert not evidence(call)["pumps_complete"]["held"]
        accepted = wait(drainers=drainer.address, accept="pumps_complete", **options)
        assert accepted.status == 0 and not evidence(accepted)["pumps_complete"]["required"], accepted
        assert any("pumps_complete" in warning for warning in accepted["warnings"])


def test_a_pump_without_pd_gives_neither_a_tso_nor_the_registry(peers):
    drainer, pump = peers
    pump.routes["/status"] = '{"status":null,"CommitTS":0,"Checkpoint":{},"ErrMsg":"context deadline exceeded"}'
    call = wait(drainers=drainer.address, pumps=pump.address, timeout=2)
    assert call.status == 99 and call["since"] is None
    assert call["drainers"][0]["verdict"] == "unknown"
    assert "context deadline exceeded" in evidence(call)["pumps_complete"]["value"]


def test_an_old_drainer_needs_its_checkpoint_past_the_barrier():
    barrier = tso(30)
    with OldDrainer(position=barrier) as drainer, OldPump() as pump:
        options = {"drainers": drainer.address, "pumps": pump.address}
        call = wait(barrier=barrier, **options)
        assert call.status == 0, call
        assert call["drainers"][0]["kind"] == "kafka" and call["drainers"][0]["verdict"] == "synced"
        assert [each["name"] for each in call["drainers"][0]["evidence"]] == [
            "shape", "pumps_complete", "window", "drained", "applied"]
        assert wait(timeout=3, **options)["drainers"][0]["verdict"] == "unknown"
        assert wait(timeout=3, barrier=tso(1), **options)["drainers"][0]["verdict"] == "not_synced"
        accepted = wait(accept="applied", **options)
        assert accepted.status == 0 and not evidence(accepted)["applied"]["required"]
        drainer.queued = 1
        call = wait(timeout=3, barrier=barrier, **options)
        assert call.status == 99 and not evidence(call)["drained"]["held"]


UNTOLD = ("drained", "applied", "old_writes_flat")


@pytest.fixture
def without_metrics():
    """A Drainer and a Pump of a version that serves no metrics."""
    with OldDrainer() as drainer, OldPump() as pump:
        del drainer.routes["/metrics"], pump.routes["/metrics"]
        yield drainer, pump


@pytest.mark.parametrize("kind", ["local", "auto"])
def test_what_a_version_without_metrics_cannot_tell_the_operator_answers_for(tmp_path, without_metrics, kind):
    drainer, pump = without_metrics
    options = {"drainers": drainer.address, "pumps": pump.address, "old_pumps": pump.address, "kind": kind, "barrier": tso(30)}
    call = wait(timeout=3, **options)
    assert call.status == 99 and call["drainers"][0]["verdict"] == "unknown", call
    for name in UNTOLD:
        found = evidence(call)[name]
        assert found["required"] and not found["held"] and "serves no metrics" in found["value"], found
    assert "accept drained,applied,old_writes_flat" in call["error"]["hint"] and "savePoint" in call["error"]["hint"]
    part = wait(timeout=3, accept="drained,old_writes_flat", **options)
    assert part.status == 99 and part["error"]["hint"].endswith("accept applied"), part

    call = wait(accept=",".join(UNTOLD), evidence_file=tmp_path / "proof", **options)
    assert call.status == 0 and call["drainers"][0]["verdict"] == "synced", call
    assert evidence(call)["window"]["held"] and evidence(call)["pumps_complete"]["held"]
    proof = json.loads((tmp_path / "proof").read_text(encoding="utf-8"))
    assert sorted(proof["accepted"]) == sorted(UNTOLD)
    assert [name for name in UNTOLD if any(name in warning for warning in call["warnings"])] == list(UNTOLD)


def test_without_metrics_window_and_pumps_still_must_hold(without_metrics):
    drainer, pump = without_metrics
    options = {"drainers": drainer.address, "pumps": pump.address, "kind": "local", "accept": ",".join(UNTOLD), "timeout": 3}
    drainer.pumps = ("tidb-9:8250",)
    call = wait(**options)
    assert call.status == 99 and not evidence(call)["pumps_complete"]["held"], call
    drainer.pumps, drainer.lag = ("tidb-1:8250",), 3600
    call = wait(**options)
    assert call.status == 99 and not evidence(call)["window"]["held"], call
    drainer.routes["/status"] = "null\n"  # before its first look at the registry
    call = wait(**options)
    assert call.status == 99 and "just started" in evidence(call)["shape"]["value"], call


@pytest.mark.parametrize("answer", [server_error, html, not_http, silence])
def test_metrics_that_fail_otherwise_are_no_version_without_them(answer):
    with OldDrainer() as drainer, OldPump() as pump:
        drainer.routes["/metrics"] = pump.routes["/metrics"] = answer
        call = wait(drainers=drainer.address, pumps=pump.address, old_pumps=pump.address, timeout=3)
        assert call.status == 99 and not call["synced"]
        assert "serves no metrics" not in str(call["drainers"]) + call["error"]["hint"], call


def test_since_is_taken_after_the_tidbs_left_the_old_pumps(tmp_path):
    server = {"ip": "127.0.0.1", "status_port": 10080, "binlog_status": "Off"}
    barrier = tso(30)
    with (OldDrainer(position=barrier) as drainer, OldPump(lost=2) as pump,
          Server({"/info/all": lambda: json.dumps({"all_servers_info": {"a": server}})}) as tidb):
        options = {"drainers": drainer.address, "pumps": pump.address, "old_pumps": pump.address, "tidbs": tidb.address,
                   "barrier": barrier}
        call = wait(timeout=3, **options)
        assert call.status == 99 and call["since"] is None
        assert evidence(call)["tidb_switched"]["value"] == {"not_on": {"127.0.0.1:10080": "Off"}}
        server["binlog_status"] = "On"
        started = tso()
        call = wait(**options, evidence_file=tmp_path / "proof")
        assert call.status == 0, call
        assert call["since"] >= started + (900 << 18)
        assert evidence(call)["tidb_switched"]["held"] and evidence(call)["old_writes_flat"]["held"]
        assert any("lost 2 binlogs" in warning for warning in call["warnings"])

        def write():
            while not stop.wait(0.4):
                pump.calls += 1
        stop = threading.Event()
        writer = threading.Thread(target=write)
        writer.start()
        call = wait(timeout=4, **options)
        stop.set()
        writer.join()
        assert call.status == 99 and call["since"] is None, call


def test_a_tidb_that_is_on_and_writes_to_an_old_pumps_socket_is_not_switched():
    server = {"ip": "127.0.0.1", "status_port": 10080, "binlog_status": "On"}
    binlog = {"binlog-socket": "/deploy/status/pump.sock", "enable": True}
    routes = {"/info/all": lambda: json.dumps({"all_servers_info": {"a": server}}), "/settings": lambda: json.dumps({"binlog": binlog})}
    barrier = tso(30)
    with OldDrainer(position=barrier) as drainer, OldPump() as pump, Server(routes) as tidb:
        options = {"drainers": drainer.address, "pumps": pump.address, "old_pumps": pump.address, "tidbs": tidb.address,
                   "barrier": barrier}
        call = wait(timeout=3, **options)
        assert call.status == 99 and call["since"] is None, call
        assert evidence(call)["tidb_switched"]["value"] == {"not_on": {tidb.address: "writes to /deploy/status/pump.sock"}}
        binlog["binlog-socket"] = ""
        assert wait(**options).status == 0


def test_the_new_pumps_must_hold_a_binlog_for_each_tidb():
    servers = {name: {"ip": name, "status_port": 10080, "binlog_status": "On"} for name in ("10.0.0.1", "10.0.0.2")}
    barrier, info = tso(30), {"/info/all": lambda: json.dumps({"all_servers_info": servers})}
    with (OldDrainer(position=barrier) as drainer, OldPump() as pump, Pump(fakes=1000) as one, Pump(taken=1) as other,
          Server(info) as tidb1, Server(info) as tidb2):
        options = {"drainers": drainer.address, "pumps": pump.address, "old_pumps": pump.address,
                   "tidbs": f"{tidb1.address},{tidb2.address}", "new_pumps": f"{one.address},{other.address}", "barrier": barrier}
        call = wait(timeout=3, **options)
        assert call.status == 99 and call["since"] is None, call
        assert evidence(call)["new_writes"]["value"] == {"binlogs": 1.0, "wanted": 2.0}
        assert "write a row through every one of them" in call["error"]["hint"]
        accepted = wait(accept="new_writes", **options)
        assert accepted.status == 0 and not evidence(accepted)["new_writes"]["required"], accepted
        one.taken = 1
        assert wait(**options).status == 0
        for broken in (server_error, html, silence):
            other.routes["/metrics"] = broken
            call = wait(timeout=3, **options)
            assert call.status == 99 and call["drainers"][0]["verdict"] == "unknown", call
        one.taken = 2
        assert wait(**options).status == 0, "one that is silent is no matter where the others have enough"


def test_pd_gives_the_cluster_id_and_the_old_registry():
    def encoded(text):
        return base64.b64encode(text.encode()).decode()
    entry = {"key": encoded("/tidb-binlog/pumps/tidb-1:8250/object"),
             "value": encoded('{"NodeID":"tidb-1:8250","Host":"h:1","IsOffline":false,"OfflineTS":0}')}
    header = {"cluster_id": 6833120112373420941}
    routes = {"/pd/api/v1/members": json.dumps({"header": header}),
              "/v3beta/kv/range": json.dumps({"header": header, "kvs": [entry], "count": "1"})}
    with Server(routes) as pd, OldDrainer(position=tso(30)) as drainer, OldPump() as pump:
        call = wait(drainers=drainer.address, tso_from=pump.address, pd_urls=pd.address, barrier=tso(60))
        assert call.status == 0, call
        assert call["cluster_id"] == 6833120112373420941
        drainer.pumps = ("tidb-9:8250",)
        call = wait(drainers=drainer.address, tso_from=pump.address, pd_urls=pd.address, barrier=tso(60), timeout=3)
        assert call.status == 99 and evidence(call)["pumps_complete"]["value"]["missing"] == ["tidb-1:8250"]


def test_another_drainer_on_the_port_is_not_the_old_one(peers):
    cluster, _ = peers
    with OldDrainer(position=tso(30), lag=3600) as drainer, OldPump() as pump:
        def take_the_port():
            drainer.routes["/status"] = cluster.status
        timer = threading.Timer(1, take_the_port)
        timer.start()
        call = wait(drainers=drainer.address, tso_from=pump.address, expected_pumps="pump-1:8250", timeout=5)
        timer.join()
    assert call.status == 99 and not evidence(call)["shape"]["held"], call


def test_check_mode_looks_once_and_writes_nothing(tmp_path, peers):
    drainer, pump = peers
    drainer.lag = 3600
    call = tool.run("wait-synced", f"--drainers={drainer.address}", f"--pumps={pump.address}", "--check",
                    f"--evidence-file={tmp_path}/proof")
    assert call.status == 0 and call["elapsed_ms"] < 1000, call
    assert call["synced"] is False and call["drainers"][0]["verdict"] == "not_synced"
    assert [step["step"] for step in call["plan"]] == ["wait", "write"]
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("options, named", [
    ({}, "drainers"), ({"drainers": "h:1"}, "since"), ({"drainers": "h", "since": 5}, "drainers"),
    ({"drainers": "h:1", "since": 5, "accept": "hope"}, "accept"), ({"drainers": "h:1", "since": "x"}, "since"),
    ({"drainers": "https://h:1", "since": 5}, "tls_ca"), ({"drainers": "h:1", "since": 5, "barrier": -1}, "barrier"),
    ({"drainers": "h:1", "since": 5, "kind": "old"}, "kind"), ({"drainers": "h:1", "since": 5, "no_such": 1}, "no_such"),
])
def test_bad_input(tmp_path, options, named):
    folder = tmp_path / "ansible-tmp"
    folder.mkdir()
    args = folder / "args"
    args.write_text(json.dumps(options), encoding="utf-8")
    call = tool.run("wait-synced", args)
    assert call.status == 100 and call.code == "usage" and call["failed"] is True, call
    assert named in call["msg"]


def test_a_proof_that_cannot_be_written_is_refused_before_the_wait(tmp_path, peers):
    drainer, pump = peers
    (tmp_path / "proof").mkdir()
    with mounted(tmp_path / "fixed", "size=1m,ro") as fixed:
        for place in (tmp_path / "proof", tmp_path / "none/proof", f"{tmp_path}/proof/", fixed / "proof"):
            call = wait(drainers=drainer.address, pumps=pump.address, evidence_file=place)
            assert (call.status, call.code, drainer.asked) == (1, "bad_destination", []), call


def test_a_proof_that_can_no_longer_be_written_is_a_failure(tmp_path, peers):
    drainer, pump = peers
    with mounted(tmp_path / "small", "size=4k,nr_inodes=2") as small:
        (small / "full").write_text("x", encoding="ascii")
        call = wait(drainers=drainer.address, pumps=pump.address, evidence_file=small / "proof")
        assert (call.status, call.code) == (1, "no_space") and call["failed"] is True and call["changed"] is False, call


def test_since_comes_with_a_templates_blanks(peers):
    drainer, pump = peers
    call = wait(drainers=drainer.address, pumps=pump.address, since=f" {tso(60)}\n")
    assert call.status == 0, call

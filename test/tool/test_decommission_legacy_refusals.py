"""What decommission-legacy refuses, and that nothing is touched then: a deployment of the Local version in which all
is in order but for one thing."""
import json
import os
import socket

import pytest

from support import answering, tool, wait
from support.old_hosts import CLUSTER_ID
from support.retiring import Retiring, codes

# The shortcut: the old version is given up.
ABANDONED = {"accept": f"abandon_data={CLUSTER_ID},metrics", "evidence_file": None, "new_pumps": None}


@pytest.fixture(scope="module")
def old():
    with Retiring() as ready:
        yield ready


@pytest.fixture(autouse=True)
def untouched(old):
    """Whatever a test does here, the old nodes run on and nothing was written."""
    pids = old.old_drainer.pid, old.old_pump.pid
    yield
    assert (old.old_drainer.pid, old.old_pump.pid) == pids and all(pids)
    assert not os.path.exists(f"{old.old_drainer.deploy_dir}/decommission")
    assert not os.path.exists(f"{old.old_pump.deploy_dir}/decommission")


def changed_proof(old, tmp_path, **changes):
    with open(old.proof, encoding="utf-8") as file:
        proof = {**json.load(file), **changes}
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(proof), encoding="utf-8")
    return path


def test_it_would_go_through(old):
    assert old.stop_old("drainer", "--check").status == 0


@pytest.mark.parametrize("what, changes, code", [
    ("another cluster", {"cluster_id": 7}, "wrong_cluster"),
    ("no cluster", {"cluster_id": None}, "unproven"),
    ("not synced", {"synced": False}, "not_synced"),
    ("from the future", {"taken_ts": answering.tso(-3600)}, "no_proof"),
    ("a later format", {"format": 2}, "no_proof"),
    ("of nobody", {"drainers": []}, "no_proof"),
])
def test_proofs_that_prove_nothing(old, tmp_path, what, changes, code):
    refused = old.stop_old("drainer", evidence_file=changed_proof(old, tmp_path, **changes))
    assert refused.status == 1 and refused.code == code, (what, refused)


def test_no_proof_an_old_one_and_one_of_another_drainer(old, tmp_path):
    (tmp_path / "html").write_text("<html>", encoding="utf-8")
    assert old.stop_old("drainer", evidence_file="/nowhere").code == "no_proof"
    assert old.stop_old("drainer", evidence_file=tmp_path / "html").code == "no_proof"
    assert old.stop_old("drainer", max_age="0.001").code == "proof_too_old"
    with open(old.proof, encoding="utf-8") as file:
        drainer = json.load(file)["drainers"][0]
    for url in (f"http://127.0.0.1:{old.old_drainer.port + 1}", f"http://192.0.2.1:{old.old_drainer.port}"):
        other = changed_proof(old, tmp_path, drainers=[{**drainer, "url": url}])
        assert old.stop_old("drainer", evidence_file=other).code == "no_proof", url


def test_a_drainer_that_is_not_what_the_proof_saw(old):
    old.old_drainer.set_knobs(forgotten=old.old_pump.node_id)
    try:
        wait.until("the Drainer has lost its Pump", lambda: not old.old_drainer.is_online())
        assert old.stop_old("drainer").code == "proof_disproved"
    finally:
        old.old_drainer.set_knobs()
        wait.until("the Drainer has its Pump again", old.old_drainer.is_online)


def test_the_order_is_kept(old):
    refused = old.stop_old("pump")
    assert refused.code == "wrong_order" and codes(refused) >= {"wrong_order", "drainers_not_ready"}
    usage = old.stop_old("drainer", new_drainers="127.0.0.1:8249")
    assert usage.status == 100 and usage.code == "usage" and "new_drainers" in usage["msg"]


def test_a_tidb_that_is_connected_to_the_old_pumps_socket(old):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(old.old_pump.socket)
        refused = old.stop_old("pump")
    assert "still_written" in codes(refused), refused


def servers(**said):
    """A TiDB that knows of one server."""
    return answering.Server({"/info/all": json.dumps({"all_servers_info": {"x": {"ip": "10.0.0.1", "status_port": 10080, **said}}})})


@pytest.mark.parametrize("needs", [{}, ABANDONED], ids=["proven", "abandoned"])
def test_a_tidb_that_was_not_switched(old, needs):
    """Wherever it runs: only a Pump beside it shows who is connected."""
    accept = needs.get("accept", "metrics")
    with servers(binlog_status="Skipping") as tidb:
        assert old.stop_old("drainer", tidbs=tidb.address, **needs).code == "still_written"
    with servers() as tidb:
        assert old.stop_old("drainer", tidbs=tidb.address, **needs).code == "unproven"
        accepted = old.stop_old("drainer", "--check", tidbs=tidb.address, **{**needs, "accept": f"tidb_status,{accept}"})
        assert accepted.status == 0 and "tidb_status" in accepted["accepted"], accepted
    assert old.stop_old("drainer", tidbs="127.0.0.1:1", **needs).code == "unproven"


@pytest.mark.parametrize("needs", [{}, ABANDONED], ids=["proven", "abandoned"])
def test_a_tidb_of_the_new_version_that_still_has_the_old_socket(old, needs):
    with servers(binlog_status="On") as tidb:
        tidb.routes["/settings"] = json.dumps({"port": 4000, "binlog": {"enable": True, "binlog-socket": "/tmp/pump.sock"}})
        refused = old.stop_old("drainer", tidbs=tidb.address, **needs)
        assert codes(refused) == {"still_written"} and "/tmp/pump.sock" in refused["msg"], refused
        tidb.routes["/settings"] = json.dumps({"port": 4000, "binlog": {"enable": True, "binlog-socket": ""}})
        assert old.stop_old("drainer", "--check", tidbs=tidb.address, **needs).status == 0


def test_a_tidb_without_binlog_writes_to_no_old_pump(old):
    """It is missing downstream all the same, unless that is rebuilt."""
    with servers(binlog_status="Off") as tidb:
        assert old.stop_old("drainer", tidbs=tidb.address).code == "still_written"
        assert old.stop_old("drainer", "--check", tidbs=tidb.address, **ABANDONED).status == 0


def test_binlogs_that_were_lost(old):
    """By a Pump of a version that tells it."""
    with answering.OldPump(lost=3) as pump:
        refused = old.stop_old("drainer", old_pumps=pump.address)
        assert refused.code == "binlogs_lost" and "3 binlogs" in refused["msg"], refused
        accepted = old.stop_old("drainer", "--check", old_pumps=pump.address, accept="loss,metrics")
        assert accepted.status == 0 and accepted["accepted"] == ["loss", "metrics"]


@pytest.mark.parametrize("needs", [{}, {"accept": "abandon_data=4012345678901234567", "evidence_file": None, "new_pumps": None}],
                         ids=["proven", "abandoned"])
def test_what_a_version_without_metrics_cannot_tell_is_never_taken_for_granted(old, needs):
    refused = old.stop_old("drainer", **{"accept": None, **needs})
    assert codes(refused) == {"unproven"}, refused
    assert len(refused["refusals"]) == (1 if needs else 2)
    for each in refused["refusals"]:
        assert "serves no metrics" in each["what"] and each["hint"].endswith("accept metrics says so"), each
    accept = ",".join(filter(None, [needs.get("accept"), "metrics"]))
    accepted = old.stop_old("drainer", "--check", **{**needs, "accept": accept})
    assert accepted.status == 0 and "metrics" in accepted["accepted"], accepted


@pytest.mark.parametrize("answer", [answering.server_error, answering.html, answering.silence, answering.not_http])
def test_metrics_that_fail_otherwise_are_not_accepted(old, answer):
    with answering.OldPump() as pump:
        pump.routes["/metrics"] = answer
        refused = old.stop_old("drainer", old_pumps=pump.address)
        assert codes(refused) == {"unproven"} and "accept metrics" not in str(refused["refusals"]), refused
    assert codes(old.stop_old("drainer", old_pumps="127.0.0.1:1")) == {"unproven"}


def test_an_old_drainer_whose_metrics_fail_is_asked_for_nothing_else(old):
    """Tag v1.1 may not have looked at the registry yet, and dies of the question."""
    with answering.OldDrainer() as drainer:
        drainer.routes["/metrics"] = answering.server_error
        old.stop_old("pump", old_drainers=drainer.address)
        assert drainer.asked == ["/metrics"]
        del drainer.routes["/metrics"]  # the Local version's 404
        old.stop_old("pump", old_drainers=drainer.address)
        assert drainer.asked == ["/metrics", "/metrics", "/status"]


def test_new_pumps_that_are_not_online(old):
    assert old.stop_old("drainer", new_pumps="127.0.0.1:1").status == 1
    assert old.stop_old("drainer", new_pumps=f"{old.new_pump.advertised},127.0.0.1:1").code == "peers_not_ready"
    assert "peers_not_ready" in codes(old.stop_old("drainer", new_pumps=old.old_pump.advertised))


@pytest.mark.parametrize("changes", [
    {"port": "new"}, {"port": 1}, {"executable": "/usr/bin/python3"}, {"data_dir": "/usr"}, {"data_dir": "new"}, {"deploy_dir": "new"}])
def test_parts_that_do_not_belong_together(old, changes):
    new = {"port": old.new_pump.port, "data_dir": old.new_pump.data_dir, "deploy_dir": old.new_pump.deploy_dir}
    changes = {name: new[name] if value == "new" else value for name, value in changes.items()}
    refused = old.stop_old("pump", **changes)
    assert {"wrong_node", "shared"} & codes(refused), refused


def test_the_new_pump_is_never_taken_for_the_old_one(old):
    pid = old.new_pump.pid
    refused = old.stop_old("pump", port=old.new_pump.port, data_dir=old.new_pump.data_dir, deploy_dir=old.new_pump.deploy_dir)
    assert "wrong_node" in codes(refused) and old.new_pump.pid == pid, refused


def test_tidb_is_never_taken_for_the_old_pump_in_whose_folder_it_runs(old):
    """Both have the same deploy_dir, as tidb-ansible puts them."""
    tidb, pid = old.tidb, old.tidb.pid
    assert tidb.deploy_dir == old.old_pump.deploy_dir
    for changes, code, word in [
            ({"executable": tidb.binary}, "wrong_node", f"not {tidb.binary}"),
            ({"port": tidb.port}, "wrong_node", f"port {tidb.port} is {tidb.binary}"),
            ({"executable": tidb.binary, "port": tidb.port}, "shared", old.old_pump.binary),
            ({"data_dir": tidb.deploy_dir}, "shared", f"in use by {tidb.binary} (pid {pid})")]:
        refused = old.stop_old("pump", **changes)
        said = [each["what"] for each in refused["refusals"] if each["code"] == code]
        assert refused.status == 1 and any(word in each for each in said), (changes, refused)
        assert tidb.pid == pid and tidb.is_online()


def test_a_plaintext_peer_where_tls_is_demanded(old, tmp_path):
    files = answering.certificates(tmp_path)
    refused = old.stop_old("drainer", tls_ca=files / "ca.pem", pd_urls=old.pd.url.replace("http:", "https:"))
    assert refused.status == 111 and "tls_plaintext_peer" in codes(refused), refused
    assert old.stop_old("drainer", tls_cert=files / "client.pem", tls_key=files / "client-key.pem").status == 100


def test_abandoned_data_wants_the_clusters_id(old):
    needs = {"evidence_file": None, "new_pumps": None}
    assert old.stop_old("drainer", "--check", accept="abandon_data=4012345678901234567,metrics", **needs).status == 0
    assert old.stop_old("drainer", accept="abandon_data=1", **needs).code == "wrong_cluster"
    assert old.stop_old("drainer", accept="abandon_data", **needs).status == 100
    assert old.stop_old("drainer", **needs).status == 100


def test_bad_options_name_themselves(old):
    for changes, name in (({"port": 0}, "port"), ({"deploy_dir": "x"}, "deploy_dir"), ({"accept": "all"}, "accept"),
                          ({"component": "tikv"}, "component"), ({"max_age": "young"}, "max_age"), ({"service": "a/b"}, "service"),
                          ({"service": "--now"}, "service")):
        refused = old.stop_old("drainer", **changes)
        assert refused.status == 100 and refused.code == "usage" and name in refused["msg"], refused


def test_an_ansible_args_file(old, tmp_path):
    file = tmp_path / "args"
    file.write_text(json.dumps({**{name: value for name, value in old.options_of("drainer").items()},
                                "_ansible_check_mode": True}), encoding="utf-8")
    call = tool.run("decommission-legacy", file, environment=old.environment)
    assert call.status == 0 and call["changed"] and call["plan"], call


def test_pd_away(old):
    """The last one: PD is restarted."""
    old.pd.stop()
    try:
        refused = old.stop_old("drainer")
        assert refused.status == 1 and "unproven" in codes(refused), refused
    finally:
        old.pd.start()

"""enable_tls: the roll with client certificates demanded, and each bad certificate named before anything stops."""
import contextlib
import json
import os
import re
import shutil

import pytest

from hosts.rig import layout, prober
from hosts.rig.host import DEPLOY_DIR, UID
from hosts.rig.layout import ALLOWED_NAMES
from hosts.rig.rig import NEW, Rig
from support import playbook, process, tool
from support.writer import Writer

ALLOWED = f"security:\n  cert-allowed-cn: {json.dumps(ALLOWED_NAMES)}\n"


@pytest.fixture(scope="module")
def rig():
    with Rig(tls=True) as rig:
        conf = rig.playbooks() / "conf/pump.yml"
        conf.write_text(conf.read_text().replace("security:\n", ALLOWED))
        rig.certificates.authority("other-ca", "another CA")
        yield rig


def test_a_client_without_certificate_is_not_served(rig):
    """Else the tests below would prove nothing."""
    pump = rig.pump("pump1")
    ask = f"exec 3<>/dev/tcp/{pump.address}/{pump.port}; printf 'GET /status HTTP/1.0\\r\\n\\r\\n' >&3; timeout 2 cat <&3"
    done = pump.run("bash", "-c", ask, check=False)
    assert "CommitTS" not in done.stdout


def test_check_mode_shows_the_binary_alone(rig):
    rig.offer(rig.peer(NEW))
    plan = playbook.roll(rig, "--check", "--diff").assert_done()
    for _, result in plan.results("copy-binary"):
        assert [os.path.basename(file["dest"]) for file in result["files"] if file["changed"]] == ["pump"], plan.output


# On the hosts, and the control host has none to send (or what is bad there would be replaced).
@contextlib.contextmanager
def changed_on_host(pump, name, text):
    """A file of pump_cert_dir is another one (or none) meanwhile."""
    path = pump.deploy / "conf/ssl" / name
    kept = path.read_bytes()
    _put(path, text)
    try:
        yield
    finally:
        _put(path, kept)


def _put(path, content):
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
        os.chown(path, UID, UID)


def issued(rig, common_name="pump-server", ca="ca", days=30):
    pump = rig.pump("pump2")
    rig.certificates.server("pump-server", pump.address, common_name, ca=ca, days=days, out="bad")
    return ((rig.certificates.folder / name).read_bytes() for name in ("bad.pem", "bad-key.pem"))


def assert_refused_naming(rig, host, *words):
    """Nothing was stopped; the error says which host, and each of the words (regular expressions)."""
    pids = rig.pids()
    run = playbook.roll(rig)
    assert run.status != 0, f"went through:\n{run.output}"
    said = [f"{record['host']}: {record['result'].get('msg')}"
            for record in run.records if record["outcome"] == "failed"]
    assert any(line.startswith(f"{host}:") and all(re.search(word, line) for word in words) for line in said), \
        f"{said}\n{run.output}"
    assert "Traceback" not in run.output
    assert rig.pids() == pids


def own(pump, suffix=""):
    return f"pump-server-{pump.address}{suffix}.pem"


@pytest.mark.sample("bad in place", 2)
def test_another_ca_is_named(rig):
    pump = rig.pump("pump2")
    with changed_on_host(pump, "ca.pem", (rig.certificates.folder / "other-ca.pem").read_bytes()):
        assert_refused_naming(rig, "pump2", "unknown CA")


@pytest.mark.sample("bad in place", 2)
def test_an_expired_certificate_is_named(rig):
    pump = rig.pump("pump2")
    certificate, key = issued(rig, days=-1)
    with changed_on_host(pump, own(pump), certificate), changed_on_host(pump, own(pump, "-key"), key):
        assert_refused_naming(rig, "pump2", re.escape(own(pump)), "has expired")


@pytest.mark.sample("bad in place", 2)
def test_a_missing_certificate_is_named(rig):
    pump = rig.pump("pump2")
    with changed_on_host(pump, own(pump), None):
        assert_refused_naming(rig, "pump2", re.escape(own(pump)), "No such file")


@pytest.mark.sample("bad in place", 2)
def test_a_name_that_is_not_allowed_is_named(rig):
    pump = rig.pump("pump2")
    certificate, key = issued(rig, common_name="somebody")
    with changed_on_host(pump, own(pump), certificate), changed_on_host(pump, own(pump, "-key"), key):
        assert_refused_naming(rig, "pump2", "refused the client certificate")


@pytest.mark.sample("bad in place", 2)
def test_a_key_of_another_certificate_is_named(rig):
    pump = rig.pump("pump2")
    _, key = issued(rig)
    with changed_on_host(pump, own(pump, "-key"), key):
        assert_refused_naming(rig, "pump2", re.escape(own(pump, "-key")), "not the key of")


@pytest.mark.sample("bad in place", 2)
def test_a_peer_that_answers_in_plaintext_is_named(rig):
    pump = rig.pump("pump3")
    pump.set_knobs(plaintext_http=True)
    pump.systemctl("restart", pump.unit)
    try:
        assert_refused_naming(rig, "pump3", "plaintext")
    finally:
        pump.set_knobs()
        pump.systemctl("restart", pump.unit)
        pump.wait_ready()


@pytest.fixture(scope="module")
def on_control(rig):
    """From here on the control host has certificates to send."""
    folder = rig.playbooks() / "conf/ssl"
    shutil.copytree(rig.certificates.folder, folder)
    return folder


@pytest.mark.sample("bad on the way")
@pytest.mark.parametrize("bad, words", [
    pytest.param({"days": -1}, ["expired"], id="expired"),
    pytest.param({"common_name": "somebody"}, ["refused the client certificate"], id="a name that is not allowed"),
    pytest.param({"ca": "other-ca"}, ["refused the client certificate|unknown CA"], id="of another CA"),
])
def test_a_certificate_about_to_be_installed_is_tried_before_anything_stops(rig, on_control, bad, words):
    """The control host's own copy is bad: staged, and refused while every Pump runs on."""
    pump = rig.pump("pump2")
    kept = {name: (on_control / name).read_bytes() for name in (own(pump), own(pump, "-key"))}
    for name, content in zip(kept, issued(rig, **bad)):
        (on_control / name).write_bytes(content)
    try:
        assert_refused_naming(rig, "pump2", *words)
    finally:
        for name, content in kept.items():
            (on_control / name).write_bytes(content)


def test_a_bad_certificate_in_place_is_replaced_by_a_good_one(rig, on_control):
    """What no run could do that spoke with the bad one."""
    pump = rig.pump("pump2")
    good = (pump.deploy / "conf/ssl/ca.pem").read_bytes()
    _put(pump.deploy / "conf/ssl/ca.pem", (rig.certificates.folder / "other-ca.pem").read_bytes())
    with prober.Prober(rig) as watch:
        run = playbook.roll(rig).assert_done()
    assert "pump2" in [host for host, _ in run.restarts()]
    watch.assert_one_at_a_time()
    assert (pump.deploy / "conf/ssl/ca.pem").read_bytes() == good


def test_the_roll_works(rig, on_control):
    """Last: over everything the tests above left behind."""
    rig.offer(rig.peer("v4.0.17"))
    with prober.Prober(rig) as watch, Writer(rig) as writer:
        playbook.roll(rig).assert_done()
    print(f"with TLS: down for {watch.downtimes()} ms")
    watch.assert_one_at_a_time()
    writer.assert_nothing_refused()
    assert set(rig.digests().values()) == {process.file_digest(f"{rig.resources_dir}/bin/pump")}
    assert playbook.roll(rig).assert_done().changed_hosts() == []


def assert_planned_unasked(plan, *hosts):
    """A dry run that could ask nobody, and says so of each host."""
    planned = plan.assert_done().results("rolling-restart", "ok")
    assert {host for host, _ in planned} == set(hosts)
    for _, result in planned:
        assert any("asked" in warning for warning in result["warnings"]), result


def test_first_install_with_certificates():
    """On bare hosts there is no certificate to speak with before the Pump's own are there."""
    with Rig(tls=True, deployed=False, pumps=2, drainers=0) as rig:
        shutil.copytree(rig.certificates.folder, rig.playbooks() / "conf/ssl")
        rig.offer(rig.peer(NEW))
        assert_planned_unasked(playbook.run(rig, "deploy_pump.yml", "--check"), "pump1", "pump2")
        assert not any((pump.deploy / "bin/pump").exists() for pump in rig.pumps)
        playbook.run(rig, "deploy_pump.yml").assert_done()
        assert {node["state"] for node in rig.pd.pumps().values()} == {"online"}
        assert all(pump.is_online() for pump in rig.pumps)
        assert playbook.run(rig, "deploy_pump.yml").assert_done().changed_hosts() == []


def test_first_install_of_a_drainer_with_certificates():
    """Its certificates are put there by hand, and named by the drainer.toml that is only about to be put in place."""
    with Rig(tls=True, deployed=False, pumps=1) as rig:
        shutil.copytree(rig.certificates.folder, rig.playbooks() / "conf/ssl")
        rig.offer(rig.peer(NEW))
        playbook.run(rig, "deploy_pump.yml", variables={"pump_min_online": 0}).assert_done()
        drainer, = rig.drainers
        names = layout.install_certificates(drainer, rig.certificates)
        layout.give_to_tidb(drainer.data)
        text = layout.DRAINER_CONFIGURATION.format(deploy_dir=DEPLOY_DIR, **names)
        (rig.playbooks() / "conf/drainer1_drainer.toml").write_text(text, encoding="ascii")
        assert tool.run("copy-binary", "--src", rig.peer(NEW, program="drainer"), "--dest",
                        f"{rig.resources_dir}/bin/drainer", environment=rig.environment).status == 0
        assert_planned_unasked(playbook.run(rig, "deploy_drainer.yml", "--check", tags="drainer"), "drainer1")
        assert not (drainer.deploy / "bin/drainer").exists()
        playbook.run(rig, "deploy_drainer.yml", tags="drainer").assert_done()
        entry, = rig.pd.drainers().values()
        assert entry["state"] == "online" and drainer.running_digest

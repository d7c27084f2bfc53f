"""rolling-restart where there is no node yet: what a first install with TLS knows, and from where."""
import json

import pytest

from support import answering, tool


@pytest.fixture
def deploy(tmp_path):
    return tmp_path / "deploy"


def staged(deploy, files, *words):
    files = [{**file, "dest": f"{deploy}/{file['dest']}"} for file in files]
    call = tool.run("copy-binary", f"--files={json.dumps(files)}", f"--stage-dir={deploy}/stage/node", *words)
    assert call.status == 0, call
    return json.dumps(call["staged"])


def node(component, deploy, pd, *words):
    return tool.run("rolling-restart", f"--component={component}", "--supervision=command", f"--deploy-dir={deploy}",
                    f"--stage-dir={deploy}/stage/node", "--port=18250", "--advertise=127.0.0.1:18250", f"--pd-urls={pd}",
                    *words)


def assert_planned(call, whom):
    """Without a word of PD's, and it says so."""
    assert (call.status, call["changed"]) == (0, True), call
    assert [step["step"] for step in call["plan"]] == ["activate", "start", "ready", "stable", "commit"]
    assert any(whom in warning and "asked" in warning for warning in call["warnings"]), call


def test_a_dry_run_before_a_pump_has_certificates(deploy, binaries):
    files = [{"src": binaries.new, "dest": "bin/pump", "component": "pump"},
             *({"content": "to be sent", "dest": f"conf/ssl/{name}.pem"} for name in ("ca", "own", "own-key"))]

    def call(files, *words):
        return node("pump", deploy, "https://127.0.0.1:1", f"--tls-ca={deploy}/conf/ssl/ca.pem",
                    f"--tls-cert={deploy}/conf/ssl/own.pem", f"--tls-key={deploy}/conf/ssl/own-key.pem",
                    f"--staged={staged(deploy, files, '--check')}", *words)
    assert_planned(call(files, "--check"), "own-key.pem")
    for refused in (call(files), call(files[:1], "--check"), call(files[:3], "--check")):
        assert (refused.status, refused.code) == (111, "tls_failed") and ".pem" in refused["msg"], refused
    assert not deploy.exists()


def test_a_drainer_speaks_as_the_configuration_says_that_is_about_to_be_put_in_place(deploy, tmp_path):
    """Its certificates lie on the host, put there by hand; only the new drainer.toml names them."""
    pem = answering.certificates(tmp_path)
    toml = f"[security]\nssl-ca = '{pem}/ca.pem'\nssl-cert = '{pem}/client.pem'\nssl-key = '{pem}/client-key.pem'\n"
    files = [{"content": toml, "dest": "conf/drainer.toml"}]
    routes = {"/v3/kv/range": json.dumps({"header": {"cluster_id": "1"}})}
    with answering.Server(routes, tls=answering.server_tls(pem, demand_client=True)) as pd:
        url = f"https://{pd.address}"
        assert_planned(node("drainer", deploy, url, f"--staged={staged(deploy, files, '--check')}", "--check"), "drainer.toml")
        assert not pd.asked and not deploy.exists()
        seen = node("drainer", deploy, url, f"--staged={staged(deploy, files)}", "--action=status")
        assert (seen.status, seen.result.get("registry")) == (0, url), seen

"""Bad input to rolling-restart: exit status 100, error.code usage, the option named, one JSON object, nothing touched."""
import json

import pytest

from support import tool

BAD = {
    "no component": ([], "component"),
    "an unknown option": (["--component", "pump", "--speed", "9"], "speed"),
    "an option that is not kebab-case": (["--component", "pump", "--deploy_dir", "/x"], "deploy_dir"),
    "an unknown component": (["--component", "tikv"], "component"),
    "an unknown action": (["--component", "pump", "--action", "reload"], "action"),
    "an unknown supervision": (["--component", "pump", "--supervision", "runit"], "supervision"),
    "a port that is no number": (["--component", "pump", "--port", "web"], "port"),
    "port 0": (["--component", "pump", "--port", "0"], "port"),
    "a port out of range": (["--component", "pump", "--port", "70000"], "port"),
    "a value missing at the end": (["--component", "pump", "--port"], "port"),
    "an empty number": (["--component", "pump", "--port="], "port"),
    "a negative min_online": (["--component", "pump", "--min-online", "-1"], "min_online"),
    "seconds that are no number": (["--component", "pump", "--stop-timeout", "soon"], "stop_timeout"),
    "no time to stop": (["--component", "pump", "--stop-timeout", "0"], "stop_timeout"),
    "a boolean that is none": (["--component", "pump", "--force=maybe"], "force"),
    "an unknown lock": (["--component", "pump", "--lock", "file"], "lock"),
    "something unknown to accept": (["--component", "pump", "--accept", "anything"], "accept"),
    "a set that is no digest": (["--component", "pump", "--staged", "../../etc"], "staged"),
    "a set that is no object": (["--component", "pump", "--staged", "{"], "staged"),
    "a relative deploy_dir": (["--component", "pump", "--deploy-dir", "deploy"], "deploy_dir"),
    "a relative data_dir": (["--component", "pump", "--deploy-dir", "/x", "--data-dir", "data"], "data_dir"),
    "a start that may take longer than timeout": (["--component", "pump", "--action", "start", "--timeout", "5"], "timeout"),
    "a stop that may take longer than timeout": (["--component", "pump", "--action", "stop", "--timeout", "5"], "timeout"),
    "a relative pid_file": (["--component", "pump", "--supervision", "command", "--pid-file", "pid"], "pid_file"),
    "a path for a unit": (["--component", "pump", "--service", "../x"], "service"),
    "an option for a unit": (["--component", "pump", "--service=--now"], "service"),
    "a PD without a port": (["--component", "pump", "--pd-urls", "http://pd1"], "pd_urls"),
    "a PD of another scheme": (["--component", "pump", "--pd-urls", "ftp://pd1:2379"], "pd_urls"),
    "a peer without a port": (["--component", "pump", "--peers", "pump2:8250,pump3"], "peers"),
    "an address without a port": (["--component", "pump", "--advertise", "pump1"], "advertise"),
    "a URL for an address": (["--component", "pump", "--advertise", "http://pump1:8250"], "advertise"),
    "an executable's digest that is none": (["--component", "pump", "--action", "verify", "--pid", "1", "--exe-sha256",
                                             "abc"], "exe_sha256"),
    "a timeout shorter than stop and ready": (["--component", "pump", "--timeout", "5"], "timeout"),
    "verify without a pid": (["--component", "pump", "--action", "verify"], "verify"),
    "a stop_command under systemd": (["--component", "pump", "--stop-command", "true"], "stop_command"),
    "a key without a certificate": (["--component", "pump", "--tls-ca", "/x", "--tls-key", "/y"], "tls_cert"),
    "a certificate without a CA": (["--component", "pump", "--tls-cert", "/x", "--tls-key", "/y"], "tls_ca"),
    "a word that is no option": (["--component", "pump", "now"], "now"),
    "two values for one option": (["--component", "pump", "--port", "1", "--port", "2"], "port"),
    "an open quote in a command": (["--component", "pump", "--supervision", "command", "--start-command", "'x"],
                                   "start"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_usage_is_named_and_touches_nothing(case):
    arguments, named = BAD[case]
    call = tool.run("rolling-restart", *arguments)
    assert (call.status, call.code) == (100, "usage"), call
    assert call["failed"] is True and call["changed"] is False
    assert named in call["msg"] or named.replace("_", "-") in call["msg"], call["msg"]


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"component": "pump"', '"pump"', "\x00\xff", "{}{}"])
def test_a_bad_args_file_is_a_usage_error_in_one_object(tmp_path, text):
    file = tmp_path / "args"
    file.write_text(text, encoding="utf-8")
    call = tool.run("rolling-restart", file)
    assert (call.status, call.code) == (100, "usage"), call
    assert call["failed"] is True
    assert call.stderr == ""


@pytest.mark.parametrize("value", ["8250", 8250, " 8250", 8250.5, True, None, [], {}])
def test_a_port_is_taken_as_integer_or_its_digits_only(tmp_path, value):
    file = tmp_path / "args"
    file.write_text(json.dumps({"component": "pump", "action": "status", "deploy_dir": "/nowhere", "port": value,
                                "pd_urls": ["http://127.0.0.1:1"]}), encoding="utf-8")
    call = tool.run("rolling-restart", file)
    # Blanks around it are a template's.
    taken = value is None or value in ("8250", " 8250") or (value == 8250 and value is not True)
    assert (call.code == "usage") is not taken, call


def test_help_and_version_are_told():
    for option in ("--help", "--version", "--docs"):
        call = tool.start("rolling-restart", option)
        stdout, _ = call.communicate(timeout=10)
        assert call.returncode == 0
        assert stdout.strip()

"""decommission-legacy as a task: the proof is on the control host, and is sent along in check mode too."""
import json
import os
import subprocess

import pytest

from support import answering, paths

PLAY = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Retire the old Drainer
      {module}:
        component: drainer
        deploy_dir: "{{{{ folder }}}}"
        port: "{{{{ port }}}}"
        evidence_file: "{{{{ proof }}}}"
        new_pumps: ["{{{{ pump }}}}"]
        pd_urls: ["127.0.0.1:1"]
      ignore_errors: true
"""


@pytest.fixture
def play(tmp_path):
    with answering.Pump() as pump:
        record = tmp_path / "record"
        environment = {**os.environ, "ANSIBLE_LIBRARY": str(paths.LIBRARY), "ANSIBLE_CONFIG": str(paths.PLAYBOOKS / "ansible.cfg"),
                       "ANSIBLE_CALLBACK_PLUGINS": str(paths.SUPPORT / "callback"), "ANSIBLE_CALLBACKS_ENABLED": "record",
                       "ANSIBLE_ACTION_PLUGINS": str(paths.PLAYBOOKS / "action_plugins"), "TBU_RECORD": str(record)}

        def run(*words, module="decommission-legacy", **variables):
            (tmp_path / "play.yml").write_text(PLAY.format(module=module), encoding="utf-8")
            (tmp_path / "files").mkdir(exist_ok=True)
            record.unlink(missing_ok=True)
            variables = {"folder": str(tmp_path), "port": 1, "pump": pump.address, "ansible_connection": "local",
                         "ansible_python_interpreter": "/usr/bin/python3", **variables}
            done = subprocess.run(["/usr/bin/ansible-playbook", "-i", "old,", str(tmp_path / "play.yml"),
                                   "-e", json.dumps(variables), *words], env=environment, capture_output=True, text=True,
                                  check=False, timeout=120)
            assert done.returncode == 0, done.stdout + done.stderr
            return [each["result"] for each in map(json.loads, record.read_text(encoding="utf-8").splitlines())
                    if each.get("outcome") == "ignored"][-1]  # failed, as far as Ansible is concerned
        run.folder = tmp_path
        yield run


@pytest.mark.parametrize("module", ["decommission-legacy", "decommission_legacy"])
@pytest.mark.parametrize("words", [(), ("--check",)])
def test_the_proof_of_the_control_host_is_read_on_the_host(play, module, words):
    (play.folder / "proof.json").write_text(json.dumps({"format": 1, "synced": False, "since": None, "taken_ts": None,
                                                        "drainers": [{"url": "http://d:1", "kind": "kafka", "verdict": "unknown",
                                                                      "evidence": []}]}), encoding="utf-8")
    refused = play(*words, module=module, proof=str(play.folder / "proof.json"))
    assert refused["error"]["code"] == "not_synced", refused


def test_a_proof_that_is_missing_there_is_said_so(play):
    refused = play(proof="/nowhere/proof.json")
    assert refused["error"]["code"] == "no_proof" and "control host" in refused["msg"], refused

"""wait-synced as a task on the control host: really, in check mode, and with async."""
import json
import os
import subprocess

import pytest

from support import answering, paths

PLAY = """\
- hosts: drainer_servers
  connection: local
  gather_facts: false
  tasks:
    - name: Prove that every Drainer has applied everything
      wait-synced:
        drainers: "{{ groups['drainer_servers'] | map('extract', hostvars, 'address') | list }}"
        pumps: ["{{ pump }}"]
        stable_for: 1
        interval: "{{ 0.2 }}"
        timeout: 20
        evidence_file: "{{ proof }}"
      delegate_to: localhost
      run_once: true
      async: "{{ seconds | default(0) }}"
      poll: 1
"""


@pytest.fixture
def play(tmp_path):
    with answering.Drainer() as one, answering.Drainer(lag=1) as two, answering.Pump() as pump:
        (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
        (tmp_path / "inventory").write_text(f"[drainer_servers]\nd1 address={one.address}\nd2 address={two.address}\n",
                                            encoding="utf-8")
        record = tmp_path / "record"
        environment = {**os.environ, "ANSIBLE_LIBRARY": str(paths.LIBRARY), "ANSIBLE_CONFIG": str(paths.PLAYBOOKS / "ansible.cfg"),
                       "ANSIBLE_CALLBACK_PLUGINS": str(paths.SUPPORT / "callback"), "ANSIBLE_CALLBACKS_ENABLED": "record",
                       "TBU_RECORD": str(record), "ANSIBLE_ASYNC_DIR": str(tmp_path / "async")}

        def run(*words, **variables):
            variables = {"pump": pump.address, "proof": str(tmp_path / "proof.json"), **variables,
                         "ansible_python_interpreter": "/usr/bin/python3"}
            done = subprocess.run(["/usr/bin/ansible-playbook", "-i", str(tmp_path / "inventory"), str(tmp_path / "play.yml"),
                                   "-e", json.dumps(variables), *words], env=environment, capture_output=True, text=True,
                                  check=False, timeout=120)
            assert done.returncode == 0, done.stdout + done.stderr
            records = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
            return [each["result"] for each in records if each.get("outcome") == "ok"][-1]
        run.one, run.two, run.proof = one, two, tmp_path / "proof.json"
        yield run


def test_check_mode_then_really(play):
    looked = play("--check")
    assert looked["changed"] and not looked["synced"] and not play.proof.exists()
    assert looked["plan"][0]["step"] == "wait"
    result = play()
    assert result["synced"] and result["changed"] and len(result["drainers"]) == 2
    assert json.loads(play.proof.read_text(encoding="utf-8"))["since"] == result["since"] > 2 ** 53


def test_async(play):
    result = play(seconds=60)
    assert result["synced"] and play.proof.exists()

"""Files on the hosts: line for line what tidb-ansible renders for the same variables, but for the differences listed here."""
import difflib
import itertools
import json
import os
import re
import shutil
import subprocess

import pytest
import upstream
import yaml

from support import paths

pytestmark = pytest.mark.upstream

PLAIN = """\
[pd_servers]
192.168.0.6
192.168.0.7
192.168.0.8
[pump_servers]
192.168.0.11
192.168.0.12
[drainer_servers]
192.168.0.14 initial_commit_ts="402899346671370242"
"""

ALIASES = """\
[pd_servers]
pd1 ansible_host=192.168.0.6 pd_client_port=12379
192.168.0.7
[pump_servers]
pump1 ansible_host=192.168.0.11 deploy_dir=/data1/pump1
pump2 ansible_host=192.168.0.11 deploy_dir=/data2/pump2 pump_port=18250 pump_data_dir=/data2/binlog
pump3 ansible_ssh_host=192.168.0.13 pump_log_dir=/logs pump_log_filename=p.log
[drainer_servers]
drainer1 ansible_host=192.168.0.14 initial_commit_ts="1" drainer_port=18249 drainer_data_dir=/data1/drainer
"""

GLOBAL = """\
[all:vars]
deploy_dir = /home/tidb/deploy
ansible_user = tidb
process_supervision = systemd
enable_binlog = True
enable_tls = False
"""

LIMITS = """\
[pump_servers:vars]
MemoryLimit = 8G
restart = always
[drainer_servers:vars]
MemoryLimit = 16G
"""

LATER_LIMITS = "[pump_servers:vars]\nCPUQuota = 200%\nIOReadBandwidthMax = /dev/sda 1M\nIOWriteBandwidthMax = /dev/sda 1M\nrestart =\n"

# By turns for the Drainers: copied as it is, also without an end of line and with what a template or a shell would touch.
DRAINER_TOMLS = ('# ours\ndetect-interval = 10\n\n[syncer.to]\npassword = "{{ $HOME }} #\\\\"\n\n', 'detect-interval = 10')

PUMP_YML = "global:\n  gc: 3\n  heartbeat-interval: 1\nsecurity:\nstorage:\n  sync-log: false\n  kv:\n    block-size: 8\n"
PUMP_YML_2_0 = "global:\n  gc: 3\n  heartbeat-interval: 1\nsecurity:\n"

INVENTORIES = {
    "plain": PLAIN + GLOBAL,
    "aliases, ports, several on one host, TLS, unit limits":
        ALIASES + GLOBAL.replace("enable_tls = False", "enable_tls = True") + LIMITS,
    "supervise, conf/pump.yml": ALIASES + GLOBAL.replace("systemd", "supervise"),
    "later unit limits": PLAIN + GLOBAL + LATER_LIMITS,
}

# Every intended difference: (branches, file, line that differs, reason). The README repeats the reasons.
OLDEST = "release-2.0-new-binlog"
STDERR = "what the program writes to stderr when it dies is kept, as since release-2.1"
INTENDED = [
    ([OLDEST], r"run_pump\.sh", r"[-+]    --config=conf/pump\.toml( 2>> \".*pump_stderr\.log\")?", STDERR),
    ([OLDEST], r"run_drainer\.sh", r"[-+]    --initial-commit-ts=\"\d+\"( 2>> \".*drainer_stderr\.log\")?", STDERR),
    ([OLDEST], r"pump\.toml", r"\+(\[storage\])?", "an empty section, as since release-2.1"),
    ([OLDEST], r"pump-\d+\.service", r"\+(CPUQuota|IOReadBandwidthMax|IOWriteBandwidthMax)=.*", "as since release-2.1"),
]

UPSTREAM = {"pump": """
- copy:
    dest: "{{ out }}/{{ inventory_hostname }}.pump.theirs"
    content: "{{ __files | to_json }}"
  vars:
    this_role_name: pump
    service_name: "pump-{{ pump_port }}"
    disable_send_sigkill: true
    role_status_dir: status/pump
    __roles: "{{ playbook_dir }}/roles/"
    __files: "{{ {'pump.toml': lookup('template', 'pump.toml.j2'), 'run_pump.sh': lookup('template', 'run_pump_binary.sh.j2'),
                  'start_pump.sh': lookup('template', __roles ~ process_supervision ~ '/templates/start_role.sh.j2'),
                  'stop_pump.sh': lookup('template', __roles ~ process_supervision ~ '/templates/stop_role.sh.j2')}
                 | combine({service_name ~ '.service': lookup('template', __roles ~ 'systemd/templates/systemd_binary.service.j2')}
                           if process_supervision == 'systemd' else {}) }}"
"""}
UPSTREAM["drainer"] = UPSTREAM["pump"].replace("'pump.toml': lookup('template', 'pump.toml.j2'), ", "").replace("pump", "drainer")

OURS = """
- copy:
    dest: "{{ out }}/{{ inventory_hostname }}.%(component)s.ours"
    content: "{{ dict(__files | map(attribute='dest') | map('basename') | zip(__files | map(attribute='content'))) | to_json }}"
  vars:
    __files: "{{ (__%(component)s_files + %(more)s + __node_supervision_files)
                 | selectattr('content', 'defined') | list }}"
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """prepared(branch): a checkout with ours in it and the tasks that render put beside either's own."""
    known = {}

    def make(branch):
        if branch not in known:
            folder = upstream.check_out(branch, tmp_path_factory.mktemp("rendered") / "tidb-ansible")
            subprocess.run([paths.PLAYBOOKS / "install-into", "--library", paths.LIBRARY, folder], check=True,
                           stdout=subprocess.DEVNULL)
            for component in ("pump", "drainer"):
                shutil.rmtree(folder / "roles" / component / "meta")  # it makes directories
                tasks = yaml.safe_load((folder / "roles" / component / "tasks/main.yml").read_text(encoding="utf-8"))
                wanted = [task for task in tasks if re.match(r"load|generate", task.get("name", ""))]
                host = {"set_fact": {"pump_host": "{{ hostvars[inventory_hostname].ansible_host | default(inventory_hostname) }}"}}
                add(folder / "roles" / component, [host, *wanted, *copied(tasks)], UPSTREAM[component])
                own = yaml.safe_load((folder / "roles/tidb_binlog" / component / "tasks/stage.yml").read_text(encoding="utf-8"))
                add(folder / "roles/tidb_binlog" / component, [task for task in own if "copy-binary" not in task],
                    OURS % {"component": component, "more": "__drainer_conf_files + __drainer_run_files" if component == "drainer" else "[]"})
            shutil.copy(paths.TESTS / "dropin/rendering.yml", folder)
            known[branch] = folder
        return known[branch]
    return make


def copied(tasks):
    """tidb-ansible's own task that copies drainer.toml, but to a file of each Drainer in `out`."""
    for task in tasks:
        if task.get("name") == "create configuration file" and "copy" in task:
            where, found = re.subn(r'dest="[^"]*/conf/(\S+)"', r'dest="{{ out }}/{{ inventory_hostname }}.\1"', task["copy"])
            assert found == 1, task
            yield {**task, "copy": where}


def add(role, tasks, more):
    tasks = [*tasks, *yaml.safe_load(more)]
    (role / "tasks/render.yml").write_text(yaml.safe_dump(tasks, sort_keys=False, width=1000), encoding="utf-8")


def rendered(checkout, inventory, folder):
    """[(host, component, theirs, ours)], each of the last two {file: content}"""
    (folder / "inventory.ini").write_text(inventory, encoding="utf-8")
    drainers = re.findall(r"^\S+", inventory.partition("[drainer_servers]\n")[2].partition("\n[")[0], re.M)
    for drainer, text in zip(drainers, itertools.cycle(DRAINER_TOMLS)):
        (checkout / f"conf/{drainer}_drainer.toml").write_text(text, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(
        ["/usr/bin/ansible-playbook", "-i", folder / "inventory.ini", "-c", "local", "-f", "5", "-e", f"out={folder}",
         "-e", "ansible_python_interpreter=/usr/bin/python3", "rendering.yml"],
        cwd=checkout, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    for theirs in sorted(folder.glob("*.theirs")):
        host, component = theirs.name.removesuffix(".theirs").rsplit(".", 1)
        files = json.loads(theirs.read_text(encoding="utf-8"))
        if component == "drainer":
            files["drainer.toml"] = (folder / f"{host}.drainer.toml").read_text(encoding="utf-8")
        yield host, component, files, json.loads(theirs.with_suffix(".ours").read_text(encoding="utf-8"))


def differences(theirs, ours):
    """Lines that differ, as -theirs and +ours; a missing end of line is a difference, too."""
    lines = difflib.unified_diff(theirs.split("\n"), ours.split("\n"), lineterm="", n=0)
    return [line for line in lines if not re.match(r"---|\+\+\+|@@", line)]


def intended(branch, name, line):
    return any(branch in branches and re.fullmatch(file, name) and re.fullmatch(pattern, line, re.S)
               for branches, file, pattern, _ in INTENDED)


COMPARED = ("release-2.0-new-binlog", "release-2.1", "release-3.0", "master")
RENDERED_BY = ("roles/pump", "roles/drainer", "roles/systemd", "roles/supervise", "group_vars/all.yml", "conf/pump.yml")


@pytest.mark.parametrize("branch", sorted(set(upstream.BRANCHES) - set(COMPARED)))
def test_the_other_branches_render_by_the_same_files(branch):
    assert upstream.git(upstream.clone(), "diff", "--stat", "release-3.0", branch, "--", *RENDERED_BY) == ""


@pytest.mark.parametrize("branch", COMPARED)
@pytest.mark.parametrize("kind", INVENTORIES)
def test_every_file_is_what_tidb_ansible_renders(branch, kind, prepared, tmp_path):
    checkout = prepared(branch)
    custom = checkout / "conf/pump.yml"
    stock = custom.read_text(encoding="utf-8")
    if kind.endswith("conf/pump.yml"):
        custom.write_text(PUMP_YML_2_0 if branch == OLDEST else PUMP_YML, encoding="utf-8")
    try:
        found = list(rendered(checkout, INVENTORIES[kind], tmp_path))
    finally:
        custom.write_text(stock, encoding="utf-8")
    assert len(found) == len(re.findall(r"192\.168\.0\.1\d", INVENTORIES[kind])), "every Pump and Drainer was compared"
    unexpected = []
    for host, component, theirs, ours in found:
        assert set(theirs) == set(ours)
        for name, text in theirs.items():
            unexpected += [f"{host} {name}: {line}" for line in differences(text, ours[name]) if not intended(branch, name, line)]
    assert not unexpected, "\n".join(unexpected)

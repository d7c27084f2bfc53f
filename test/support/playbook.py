"""Running the real ansible-playbook on an embedded cluster, and what its tasks returned."""
import json
import os
import shutil
import signal
import subprocess

from . import paths, sweep

# Waits of whole seconds that say nothing on stand-ins; no check is left out.
QUICK = {"settle": 1}


class Run:
    """A playbook under way or done: `status`, `output`, `records` (one for each task result). `folder`: where it lies, with
    the ansible.cfg that holds there; this checkout's playbooks if not given."""

    def __init__(self, cluster, playbook, *arguments, tags="pump", variables=None, quick=True, folder=None):
        self._cluster = cluster
        base = cluster.new_path(playbook.removesuffix(".yml"))
        self.log, self._record = f"{base}.log", f"{base}.jsonl"
        command = ["ansible-playbook", "-i", str(cluster.inventory), playbook, *arguments]
        if tags:
            command.append(f"--tags={tags}")
        for name, value in {**(QUICK if quick else {}), **(variables or {})}.items():
            command += ["-e", json.dumps({name: value})]
        environment = {**cluster.environment, **_ansible(self._record)}
        if folder:
            environment["ANSIBLE_CONFIG"] = str(folder / "ansible.cfg")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, cwd=folder or copy_of_playbooks(cluster), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, env=environment, start_new_session=True)
        self.status = None
        self._ours = not folder

    def wait(self, timeout=600):
        self.status = self.process.wait(timeout)
        # of our playbooks, on every version of Ansible that runs these tests (compat/run)
        assert not self._ours or "DEPRECAT" not in self.output.upper(), self.output
        return self

    def kill(self):
        """SIGKILL to ansible-playbook and its forks, not to the tool they run: a lost connection to the host."""
        for pid in ansible_processes(self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()

    @property
    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def records(self):
        if not os.path.exists(self._record):
            return []
        with open(self._record, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    @property
    def stats(self):
        """{host: {ok, changed, failures, ...}}"""
        found = [record["hosts"] for record in self.records if record["outcome"] == "stats"]
        assert found, f"the playbook printed no recap:\n{self.output}"
        return found[0]

    def results(self, action, outcome=None):
        """[(host, result)] of a module's tasks, in order."""
        names = (action, action.replace("-", "_"))
        return [(record["host"], record["result"]) for record in self.records
                if record.get("action") in names and (outcome is None or record["outcome"] == outcome)]

    def restarts(self):
        """[(host, result)] of the nodes that were restarted."""
        return [(host, result) for host, result in self.results("rolling-restart", "ok")
                if result["changed"] and result.get("phases")]

    def error_codes(self):
        """Codes of failed tasks: a tool's `error.code`, or what a task of the playbooks itself begins its msg with."""
        failed = [record["result"] for record in self.records if record["outcome"] == "failed"]
        items = [item for result in failed for item in result.get("results", [result])]
        return [item["error"]["code"] if "error" in item else _words(item.get("msg")).partition(":")[0] for item in items]

    def changed_hosts(self):
        return sorted(host for host, counts in self.stats.items() if counts["changed"])

    def assert_done(self):
        assert self.status == 0, f"the playbook ended with {self.status}:\n{self.output}"
        return self

    def assert_refused(self, *codes):
        """The run failed, and said why by one of these codes."""
        assert self.status != 0, f"the playbook went through:\n{self.output}"
        found = self.error_codes()
        assert set(codes) & set(found), f"codes {found}, not one of {codes}:\n{self.output}"
        return self


def _words(message):
    return str(message[0] if isinstance(message, list) else message)


def run(cluster, playbook, *arguments, timeout=600, **options):
    return Run(cluster, playbook, *arguments, **options).wait(timeout)


def roll(cluster, *arguments, **options):
    """Step two of the documented procedure."""
    return run(cluster, "rolling_update.yml", *arguments, **options)


def start_roll(cluster, *arguments, **options):
    return Run(cluster, "rolling_update.yml", *arguments, **options)


def copy_of_playbooks(cluster):
    """This checkout's playbooks beside TBU_LIBRARY's modules: a library beside the playbook wins over any setting."""
    copy = os.path.join(cluster.folder, "playbooks")
    if not os.path.isdir(copy):
        shutil.copytree(paths.PLAYBOOKS, copy, symlinks=True, ignore=shutil.ignore_patterns("library", "resources"))
        os.symlink(paths.LIBRARY, os.path.join(copy, "library"))
    return copy


def _ansible(record):
    """This checkout's settings whatever the caller's."""
    return {
        "ANSIBLE_CONFIG": str(paths.PLAYBOOKS / "ansible.cfg"),
        "ANSIBLE_CALLBACK_PLUGINS": str(paths.SUPPORT / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "record",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "TBU_RECORD": record,
    }


def ansible_processes(root):
    """The process `root` and its descendants that are ansible's own, the tools not."""
    return [root] + [pid for pid in _descendants(root) if "ansible-playbook" in _arguments(pid)]


def _descendants(root):
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if root in sweep.ancestors(pid)]


def _arguments(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="replace")
    except OSError:
        return ""

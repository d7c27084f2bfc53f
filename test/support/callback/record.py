"""Ansible callback: one JSON line for each task result, in the file named by TBU_RECORD."""
import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record
type: notification
short_description: one JSON line for each task result
description: For tests and quickstart, which must not read what is printed for people.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, **line):
        with open(os.environ["TBU_RECORD"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def _result(self, outcome, result):
        self._write(outcome=outcome, host=result._host.get_name(), action=result._task.action,
                    task=result._task.get_name(), result=result._result)

    def v2_playbook_on_play_start(self, play):
        self._write(outcome="play", name=play.get_name())

    def v2_runner_on_ok(self, result):
        self._result("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._result("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result):
        self._result("unreachable", result)

    def v2_runner_on_skipped(self, result):
        self._result("skipped", result)

    def v2_playbook_on_stats(self, stats):
        self._write(outcome="stats", hosts={host: stats.summarize(host) for host in stats.processed})

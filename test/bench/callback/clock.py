"""Ansible callback: when each task began and ended on each host, one JSON line each, in the file named by BENCH_CLOCK."""
import json
import os
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: clock
type: notification
short_description: when each task began and ended
description: For test/bench.
"""

KEPT = ("changed", "phases", "downtime_ms", "elapsed_ms", "files", "msg", "error")


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "clock"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._out = None
        self._play = ""
        self._begun = {}

    def v2_playbook_on_play_start(self, play):
        self._play = play.get_name()

    def v2_runner_on_start(self, host, task):
        self._begun[host.get_name(), task._uuid] = time.time()

    def _ended(self, outcome, result):
        self._out = self._out or open(os.environ["BENCH_CLOCK"], "a", encoding="utf-8", buffering=1)
        host, task = result._host.get_name(), result._task
        kept = {name: result._result[name] for name in KEPT if name in result._result}
        line = {"play": self._play, "task": task.get_name(), "action": task.action, "host": host, "outcome": outcome,
                "begun": self._begun.get((host, task._uuid)), "ended": time.time(), "result": kept}
        self._out.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result):
        self._ended("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._ended("failed", result)

    def v2_runner_on_unreachable(self, result):
        self._ended("unreachable", result)

    def v2_runner_on_skipped(self, result):
        self._ended("skipped", result)

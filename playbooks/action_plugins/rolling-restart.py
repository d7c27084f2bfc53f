# -*- coding: utf-8 -*-
"""The control host's half of the module rolling-restart: it stays on the host between the tasks of a run."""
from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible.plugins.loader import action_loader


class ActionModule(action_loader.get('kept_module', class_only=True)):
    def run(self, tmp=None, task_vars=None):
        result = super(ActionModule, self).run(tmp, task_vars)
        result.update(self._execute_module(module_name=self._task.action, module_args=dict(self._task.args), task_vars=task_vars))
        return result

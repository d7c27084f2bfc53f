# -*- coding: utf-8 -*-
"""Ansible's default output without skipped tasks, as Ansible up to 2.10 had it by this name. tidb-ansible's ansible.cfg asks
for it up to release-3.1; install-into puts it there."""
from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible.plugins.callback.default import CallbackModule as Default

DOCUMENTATION = '''
name: skippy
type: stdout
short_description: default output without skipped tasks
description: What Ansible up to 2.10 had by this name.
extends_documentation_fragment: [default_callback]
'''


class CallbackModule(Default):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'stdout'
    CALLBACK_NAME = 'skippy'

    def v2_runner_on_skipped(self, result):
        pass

    def v2_runner_item_on_skipped(self, result):
        pass

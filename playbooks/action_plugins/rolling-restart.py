# -*- coding: utf-8 -*-
"""The control host's half of the module rolling-restart: it stays on the host between the tasks of a run."""
from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible.plugins.loader import action_loader


class ActionModule(action_loader.get('kept_module', class_only=True)):
    pass

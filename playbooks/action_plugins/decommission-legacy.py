# -*- coding: utf-8 -*-
"""The control host's half of the module decommission-legacy: `evidence_file` is a path on the control host, and the
proof is sent along, in check mode too: it lands in the task's temporary folder and goes with it."""
from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible.errors import AnsibleError
from ansible.module_utils.common.text.converters import to_native
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    TRANSFERS_FILES = True

    def run(self, tmp=None, task_vars=None):
        result = super(ActionModule, self).run(tmp, task_vars)
        args = dict(self._task.args)
        proof = args.get('evidence_file')
        if proof:
            try:
                local = self._loader.get_real_file(self._find_needle('files', proof))
            except AnsibleError as error:
                result.update(changed=False, failed=True,
                              msg='cannot read %s on the control host: %s' % (proof, to_native(error)),
                              error={'code': 'no_proof', 'hint': 'run wait-synced with evidence_file first'})
                return result
            try:
                if not self._connection._shell.tmpdir:
                    self._make_tmp_path()
                remote = self._connection._shell.join_path(self._connection._shell.tmpdir, 'proof.json')
                self._transfer_file(local, remote)
                self._fixup_perms2((self._connection._shell.tmpdir, remote), execute=False)
            finally:
                self._loader.cleanup_tmp_file(local)
            args['evidence_file'] = remote
        result.update(self._execute_module(module_name=self._task.action, module_args=args, task_vars=task_vars))
        return result

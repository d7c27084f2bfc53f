# -*- coding: utf-8 -*-
"""Calls a binary module by one SSH call instead of six: it stays on the host between tasks and runs.

Ansible makes a folder, sends the module, sends the arguments, sets modes, calls and cleans up, for each task. Here the
module lies below the host's remote_tmp, in tidb-binlog-upgrade/, under its digest; every call checks it by the host's
sha256sum first and gives the arguments through standard input, behind the files that go with them. Where it is missing,
damaged or another one, it is sent once, packed by gzip, and the former one goes. Where any of this can't be (no SSH, no
sha256sum, su, async), Ansible's own way is taken: only before the module has begun.
"""
from __future__ import absolute_import, division, print_function
__metaclass__ = type

import contextlib
import gzip
import hashlib
import json
import os
import re
import shutil

from ansible import constants as C
from ansible.module_utils.common.text.converters import to_bytes
from ansible.plugins.action import ActionBase
from ansible.template import Templar
from ansible.utils.unsafe_proxy import wrap_var

MISSING = 97  # no tool ends so
DESCRIPTORS = range(3, 10)  # what a plain shell can redirect

# ansible-playbook loads this file before it forks for the first of our tasks: so, too, all filters and tests, which every
# fork of every task would load anew, 10 ms each.
Templar(loader=None).template('{{ ("" is match("")) | bool }}')


class ActionModule(ActionBase):
    """What the control host's halves of the tools build upon; no action by itself."""
    _digests = {}

    def _execute_module(self, module_name=None, module_args=None, task_vars=None, uploads=(), **options):
        """`uploads`: [(description, path)] of files sent along; each description is told where its file lies, as `upload`."""
        become = getattr(self._connection.become, 'name', '')  # su wants a terminal: it reads nothing else
        if self._connection.transport == 'ssh' and become != 'su' and not self._task.async_val and not options \
                and len(uploads) <= len(DESCRIPTORS):
            answer = self._call_kept(module_name, dict(module_args), task_vars, uploads)
            if answer is not None:
                return wrap_var(answer)
        self._upload(uploads)
        return super(ActionModule, self)._execute_module(
            module_name=module_name, module_args=module_args, task_vars=task_vars, **options)

    def _upload(self, uploads):
        """Ansible's own way, into the task's temporary folder."""
        for number, (description, path) in enumerate(uploads):
            if not self._connection._shell.tmpdir:
                self._make_tmp_path()
            remote = self._connection._shell.join_path(self._connection._shell.tmpdir, 'upload.%d' % number)
            self._transfer_file(path, remote)
            self._fixup_perms2((self._connection._shell.tmpdir, remote), execute=False)
            description['upload'] = remote

    def _call_kept(self, name, args, task_vars, uploads):
        """The module's answer; None where it could not be begun this way."""
        path = self._shared_loader_obj.module_loader.find_plugin(name)
        digest = path and self._digest(path)
        if not digest:
            return None
        self._update_module_args(name, args, task_vars)
        kept = '%s/%s-%s' % (self._folder(), name.replace('_', '-'), digest)
        done = self._begin(kept, digest, args, uploads)
        if done.get('rc') == MISSING:
            part = '%s.%d' % (kept, os.getpid())
            self._send(path, name, part)
            done = self._begin(kept, digest, args, uploads, part)
        if done.get('rc') in (MISSING, 126, 127):  # the shell's: can't be run, is gone
            return None
        if not done.get('stdout') and re.search(r'sudo.* tty', done.get('stderr', '')):
            return None  # requiretty: sudo itself has refused
        try:
            return json.loads([line for line in done['stdout'].splitlines() if line.startswith('{')][-1])
        except (ValueError, IndexError):
            return {'failed': True, 'changed': False, 'rc': done.get('rc'),
                    'msg': 'cannot tell what became of it: %s ended without an answer. %s' % (name, done.get('stderr', '').strip()),
                    'error': {'code': 'no_answer', 'hint': 'run the same command again: it looks anew at what there is'}}

    def _begin(self, kept, digest, args, uploads, part=None):
        """Runs what lies there, if it is the right one. `part`: where it was just sent to."""
        def right(path):
            return "echo '%s ' %s | sha256sum -c --status - 2>/dev/null" % (digest, path)

        command = ''
        if part:
            command = 'gzip -dc %s > %s.new && %s && chmod 755 %s.new && mv %s.new %s; rm -f %s %s.new; ' % (
                part, part, right(part + '.new'), part, part, kept, part, part)
        command += '{ %s || exit %d; } && ' % (right(kept), MISSING)
        data = b''
        # Each file has no name any more before its first byte comes: nothing can be left over.
        for descriptor, (description, path) in zip(DESCRIPTORS, uploads):
            with open(to_bytes(path), 'rb') as stream:
                content = stream.read()
            name = '%s.upload.%d' % (kept, os.getpid())
            command += 'umask 77 && exec %d<> %s && rm -f %s && head -c %d >&%d && ' % (
                descriptor, name, name, len(content), descriptor)
            data += content
            description['upload'] = '/proc/self/fd/%d' % descriptor
        command += 'exec %s%s -' % (self._environment(), kept)
        return self._low_level_execute_command(command, in_data=data + to_bytes(json.dumps(args)))

    def _environment(self):
        text = self._compute_environment_string()
        return 'env %s ' % text if text else ''

    def _folder(self):
        """Below the remote_tmp of the user who logs in, whoever the command becomes; the shell's to expand."""
        folder = self.get_shell_option('remote_tmp', default='~/.ansible/tmp')
        user = self._get_remote_user() or ''
        folder = re.sub(r'^(~|\$HOME|\$\{HOME\})(?=/)', '~' + user, folder)
        return folder.rstrip('/') + '/tidb-binlog-upgrade'

    def _send(self, path, name, part):
        folder = os.path.dirname(part)
        made = self._low_level_execute_command(
            'umask 77 && mkdir -p %s && rm -f %s/%s-* && cd %s && pwd' % (folder, folder, name.replace('_', '-'), folder), sudoable=False)
        if made.get('rc') == 0 and made.get('stdout', '').strip():
            packed = os.path.join(C.DEFAULT_LOCAL_TMP, os.path.basename(part))
            with open(to_bytes(path), 'rb') as stream, contextlib.closing(gzip.open(packed, 'wb', 6)) as writer:
                shutil.copyfileobj(stream, writer, 1 << 20)
            self._transfer_file(packed, os.path.join(made['stdout'].strip().splitlines()[-1], os.path.basename(part)))
            os.unlink(packed)

    @classmethod
    def _digest(cls, path):
        if path not in cls._digests:
            with open(to_bytes(path), 'rb') as stream:
                content = stream.read()
            if not content.startswith(b'\x7fELF'):
                return None
            cls._digests[path] = hashlib.sha256(content).hexdigest()
        return cls._digests[path]

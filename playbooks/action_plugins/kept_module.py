# -*- coding: utf-8 -*-
"""Calls a binary module by one SSH call instead of six: it stays on the host between tasks and runs.

Ansible makes a folder, sends the module, sends the arguments, sets modes, calls and cleans up, for each task. Here the
module lies below the host's remote_tmp, in tidb-binlog-upgrade/, under its digest. A run's first call checks it by the host's
sha256sum; the later ones see by inode, size and times that nobody has touched it since, or check it again. The arguments
are given through standard input, behind the files that go with them. Where the module is missing, damaged or another one,
it is sent once, packed by gzip, and the former one goes. Where any of this can't be (no SSH, no sha256sum, su, async),
Ansible's own way is taken: only before the module has begun.
"""
from __future__ import absolute_import, division, print_function
__metaclass__ = type

import contextlib
import fcntl
import gzip
import hashlib
import io
import json
import os
import re
import shutil

from ansible import constants as C
from ansible.module_utils.common.text.converters import to_bytes
from ansible.plugins.action import ActionBase
from ansible.utils.unsafe_proxy import wrap_var

MISSING = 97  # no tool ends so
DESCRIPTORS = range(3, 10)  # what a plain shell can redirect


class ActionModule(ActionBase):
    """What the control host's halves of the tools build upon; no action by itself."""
    @staticmethod
    def locked(path, how=0):
        """The file, made where it is not there; nobody else holds it until it is closed."""
        file = open(path, 'a+')
        try:
            fcntl.flock(file, fcntl.LOCK_EX | how)
        except EnvironmentError:
            file.close()
            raise
        return file

    @staticmethod
    def for_this_run(*about):
        """The beginning of the names under which all forks of this run keep what one of them has found out."""
        return os.path.join(C.DEFAULT_LOCAL_TMP, 'tidb-binlog-upgrade-%s.' % hashlib.sha256(repr(about).encode('utf-8')).hexdigest())

    @staticmethod
    def of_file(path):
        """The same for a file of the control host, as long as its times and size stay."""
        state = os.stat(to_bytes(path))
        return ActionModule.for_this_run(path, state.st_ino, state.st_size, state.st_mtime, state.st_ctime)

    @staticmethod
    def digest_of(path):
        """SHA-256 of a file of the control host, which is read once for a run."""
        with ActionModule.locked(ActionModule.of_file(path) + 'sha256') as shared:
            shared.seek(0)
            known = shared.read()
            if not known:
                digest = hashlib.sha256()
                with open(to_bytes(path), 'rb') as stream:
                    for block in iter(lambda: stream.read(1 << 20), b''):
                        digest.update(block)
                known = digest.hexdigest()
                shared.write(known)
            return known

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
        if not path or not self._is_program(path):
            return None
        digest = self.digest_of(path)
        self._update_module_args(name, args, task_vars)
        kept = '%s/%s-%s' % (self._folder(), name.replace('_', '-'), digest)
        self._seen = self.for_this_run(self._task.delegate_to or task_vars['inventory_hostname'], kept) + 'seen'
        done = self._begin(kept, digest, args, uploads)
        if done.get('rc') == MISSING:
            part = '%s.%d' % (kept, os.getpid())
            self._send(path, name, part)
            done = self._begin(kept, digest, args, uploads, part)
        if done.get('rc') in (MISSING, 126, 127):  # the shell's: can't be run, is gone
            return None
        if not done.get('stdout') and re.search(r'sudo.* tty', done.get('stderr', '')):
            return None  # requiretty: sudo itself has refused
        self._remember(done.get('stdout', ''))
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
        command += "seen=$(stat -c '%%d %%i %%s %%y %%z' %s 2>/dev/null); " % kept
        command += "{ [ -n \"$seen\" ] && [ \"$seen\" = '%s' ] || { %s && echo \"seen $seen\"; } || exit %d; } && " % (
            self._known(), right(kept), MISSING)
        data = io.BytesIO()  # grows without being copied
        # Each file has no name any more before its first byte comes: nothing can be left over.
        for descriptor, (description, path) in zip(DESCRIPTORS, uploads):
            begun = data.tell()
            with open(to_bytes(path), 'rb') as stream:
                shutil.copyfileobj(stream, data, 1 << 20)
            name = '%s.upload.%d' % (kept, os.getpid())
            command += 'umask 77 && exec %d<> %s && rm -f %s && head -c %d >&%d && ' % (
                descriptor, name, name, data.tell() - begun, descriptor)
            description['upload'] = '/proc/self/fd/%d' % descriptor
        command += 'exec %s%s -' % (self._environment(), kept)
        data.write(to_bytes(json.dumps(args)))
        return self._low_level_execute_command(command, in_data=data.getvalue())

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

    def _known(self):
        """What `stat` said of the module on this host just before it was found to be the right one, in this run."""
        try:
            with open(self._seen) as known:
                return known.read()
        except EnvironmentError:
            return ''

    def _remember(self, answer):
        seen = re.search(r'^seen ([0-9 .:+-]+)$', answer, re.M)
        # not where times are whole seconds, in one of which it could be changed again
        if seen and not re.search(r'\.0+( [+-][0-9]+)?$', seen.group(1)):
            with open(self._seen, 'w') as known:
                known.write(seen.group(1))

    @staticmethod
    def _is_program(path):
        with open(to_bytes(path), 'rb') as stream:
            return stream.read(4) == b'\x7fELF'

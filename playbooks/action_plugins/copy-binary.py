# -*- coding: utf-8 -*-
"""The control host's half of the module copy-binary: sends a file only to hosts that lack it.

Every `src` becomes `source: {sha256, size, name}`. The module answers `need_upload: [sha256, ...]`
when it lacks some and has then done nothing; these are compressed, once per run and digest, and
uploaded, and the module is called again with `source: {..., upload, encoding}`.

In check mode nothing is sent. That what would be sent is the right program is checked here, with the module
itself, and the module is called again with `source: {..., version}` for the whole plan.
"""
from __future__ import absolute_import, division, print_function
__metaclass__ = type

import contextlib
import copy
import fcntl
import gzip
import hashlib
import json
import multiprocessing.pool
import os
import re
import shutil
import subprocess

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.module_utils.common.text.converters import to_bytes, to_native
from ansible.plugins.loader import action_loader

try:
    import lzma
except ImportError:  # Python 2.7
    lzma = None

# zstd, by its program where the control host has it, with a window as large as the file, and in pieces of 32 MB, each by a
# processor of its own, which finds more, too: 34 % of etcd, and less of programs that are larger. Else xz, preset 0 with the x86
# filter: 33 % of a Pump and 31 % of etcd, ten times as long, and the hosts unpack ten times as long. gzip -6: 40 and 37 %.
ZSTD = ['zstd', '-q', '-f', '-5', '--long=27', '-B32MiB', '-T0']
XZ_FILTERS = lzma and [{'id': lzma.FILTER_X86}, {'id': lzma.FILTER_LZMA2, 'preset': 0}]
ENCODINGS = ('zstd', 'xz', 'gzip')
PACKED = ('.gz', '.tgz', '.xz', '.bz2', '.zip', '.zst')
LARGE = 1 << 20  # bytes: packed while the hosts are asked what they lack


def _digest(path):
    """SHA-256 of a file, read once for all forks of a run as long as its times and size stay."""
    state = os.stat(to_bytes(path))
    key = hashlib.sha256(repr((path, state.st_ino, state.st_size, state.st_mtime, state.st_ctime)).encode('utf-8')).hexdigest()
    with open(os.path.join(C.DEFAULT_LOCAL_TMP, 'digest-' + key), 'a+') as shared:
        fcntl.flock(shared, fcntl.LOCK_EX)
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


def _gzip(path, out):
    with open(to_bytes(path), 'rb') as stream, contextlib.closing(gzip.open(out, 'wb', 6)) as writer:
        shutil.copyfileobj(stream, writer, 1 << 20)


def _xz(path, out):
    """Packs with all processors: a stream for each, one after the other, which is an xz file as well."""
    count = multiprocessing.cpu_count()
    step = os.path.getsize(to_bytes(path)) // count + 1

    def pack(number):
        part = '%s.%d' % (out, number)
        with open(to_bytes(path), 'rb') as stream, lzma.open(part, 'wb', filters=XZ_FILTERS) as writer:
            stream.seek(number * step)
            for at in range(0, step, 1 << 20):
                writer.write(stream.read(min(1 << 20, step - at)))
        return part

    pool = multiprocessing.pool.ThreadPool(count)  # lzma lets other threads go on
    parts = pool.map(pack, range(count))
    pool.close()
    with open(out, 'wb') as whole:
        for part in parts:
            with open(part, 'rb') as stream:
                shutil.copyfileobj(stream, whole, 1 << 20)
            os.unlink(part)


class Packing(object):
    """A file as it is to be sent, made once for all forks of a run; whoever makes it holds its lock."""
    def __init__(self, path, digest):
        self.digest, self._path = digest, path
        self._packed = os.path.join(C.DEFAULT_LOCAL_TMP, 'copy-binary-%s.' % digest)
        self._lock = self._child = None

    @property
    def held(self):
        return self._lock is not None

    def begin(self):
        """Ahead of need, by a program of its own; not where another fork is at it."""
        try:
            self._take(fcntl.LOCK_NB)
        except EnvironmentError:
            return
        if not self._made():
            self._start()

    def finish(self):
        """Its path and encoding."""
        if not self._lock:
            self._take(0)
        try:
            if not self._made():
                if not self._child:
                    self._start()
                encoding = 'zstd' if self._child and self._child.wait() == 0 else 'xz' if lzma else 'gzip'
                if encoding != 'zstd':
                    (_xz if lzma else _gzip)(self._path, self._packed + 'part')
                os.rename(self._packed + 'part', self._packed + encoding)
            return self._made()[0]
        finally:
            self._give_back()

    def abandon(self):
        if self._child and self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        if self._lock:
            self._give_back()

    def _take(self, how):
        lock = open(self._packed + 'lock', 'w')
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | how)
        except EnvironmentError:
            lock.close()
            raise
        self._lock = lock

    def _give_back(self):
        self._lock.close()
        self._lock = None

    def _made(self):
        return [(self._packed + encoding, encoding) for encoding in ENCODINGS if os.path.exists(self._packed + encoding)]

    def _start(self):
        with open(os.devnull, 'r+') as nothing:
            try:
                self._child = subprocess.Popen(ZSTD + [self._path, '-o', self._packed + 'part'],
                                               stdin=nothing, stdout=nothing, stderr=nothing, close_fds=True)
            except EnvironmentError:  # no such program
                pass


class Refused(Exception):
    def __init__(self, code, msg, hint):
        super(Refused, self).__init__(msg)
        self.result = {'changed': False, 'failed': True, 'msg': msg, 'error': {'code': code, 'hint': hint}}


class ActionModule(action_loader.get('kept_module', class_only=True)):
    def run(self, tmp=None, task_vars=None):
        result = super(ActionModule, self).run(tmp, task_vars)
        self._temporary, self._sent, self._packings = [], set(), {}
        try:
            args, sources = self._describe_sources()
            for digest, source in sources.items():
                description = source['entry']['source']
                if not description['name'].endswith(PACKED):
                    self._packings[digest] = Packing(source['path'], digest)
                    if description['size'] >= LARGE and not self._task.check_mode:
                        self._packings[digest].begin()
            answer = self._call(args, task_vars)
            needed = answer.get('need_upload') or []
            if needed and not answer.get('failed'):
                if self._task.check_mode:
                    warnings = self._check_here([sources[digest] for digest in needed])
                    answer = self._call(args, task_vars)
                    answer['warnings'] = answer.get('warnings', []) + warnings
                else:
                    answer = self._call(args, task_vars, self._packed([sources[digest] for digest in needed]))
            result.update(answer)
        except Refused as refused:
            result.update(refused.result)
        finally:
            for packing in self._packings.values():
                packing.abandon()
            for path in self._temporary:
                self._loader.cleanup_tmp_file(path)
        return result

    def _call(self, args, task_vars, uploads=()):
        return self._execute_module(
            module_name=self._task.action, module_args=args, task_vars=task_vars, uploads=uploads)

    def _transfer_file(self, local_path, remote_path):
        """The module itself is not sent again for the second call of the same task: it lies where the first put it."""
        is_module = local_path == self._shared_loader_obj.module_loader.find_plugin(self._task.action)
        if not (is_module and remote_path in self._sent):
            super(ActionModule, self)._transfer_file(local_path, remote_path)
        self._sent.add(remote_path)
        return remote_path

    def _describe_sources(self):
        """The arguments with each src described; and by digest, the entry, its path here and its description."""
        args = copy.deepcopy(self._task.args)
        entries = args['files'] if isinstance(args.get('files'), list) else [args]
        sources = {}
        for entry in entries:
            if not isinstance(entry, dict) or not entry.get('src'):
                continue
            src = entry.pop('src')
            try:
                path = self._loader.get_real_file(self._find_needle('files', src))
                self._temporary.append(path)  # only a vault's decrypted copy is really removed
                digest, size = _digest(path), os.path.getsize(to_bytes(path))
            except (AnsibleError, EnvironmentError) as error:
                raise Refused('source_unreadable', 'cannot read %s on the control host: %s' % (src, to_native(error)),
                              'put the file there, or correct src (resources_dir for the roles)')
            entry['source'] = {'sha256': digest, 'size': size, 'name': os.path.basename(src)}
            if entry.get('sha256') and not re.match('[0-9A-Fa-f]{64}$', entry['sha256']):
                entry['sha256'] = self._expected(entry['sha256'], src)
            sources[digest] = {'entry': entry, 'path': path}
        return args, sources

    def _expected(self, sums, src):
        """What a SHA256SUMS file, here beside its sources, says of src."""
        try:
            with open(to_bytes(self._find_needle('files', sums))) as stream:
                listed = dict((os.path.basename(words[-1].lstrip('*')), words[0]) for words in map(str.split, stream) if words)
            return listed[os.path.basename(src)]
        except (AnsibleError, EnvironmentError) as error:
            raise Refused('source_unreadable', 'cannot read %s on the control host: %s' % (sums, to_native(error)),
                          'sha256 wants a digest, or a SHA256SUMS file on the control host')
        except KeyError:
            raise Refused('digest_mismatch', '%s does not list %s' % (sums, os.path.basename(src)),
                          'take the SHA256SUMS file that belongs to this release')

    def _packed(self, sources):
        """[(description, path)] of what to send; each description is told its encoding."""
        wanted = [self._packings[digest] for digest in (source['entry']['source']['sha256'] for source in sources)
                  if digest in self._packings]
        # those begun here first: no fork waits for another while one waits for it
        packed = dict((packing.digest, packing.finish()) for packing in sorted(wanted, key=lambda each: not each.held))
        uploads = []
        for source in sources:
            description, path = source['entry']['source'], source['path']
            description['encoding'] = 'identity'
            if description['sha256'] in packed:
                path, description['encoding'] = packed[description['sha256']]
            uploads.append((description, path))
        return uploads

    def _check_here(self, sources):
        """Let the module look at the files themselves where they are. Refuses as the real run would; says what could
        not be checked, and tells the hosts the versions."""
        warnings = []
        module = self._shared_loader_obj.module_loader.find_plugin(self._task.action)
        for source in sources:
            entry = source['entry']
            command = [module, '--check', '--src=' + source['path'], '--dest=' + os.path.join(C.DEFAULT_LOCAL_TMP, 'none')]
            command += ['--%s=%s' % (option, entry[option]) for option in ('component', 'member', 'sha256') if entry.get(option)]
            try:
                child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                verdict = json.loads(to_native(child.communicate()[0]))
            except (EnvironmentError, ValueError) as error:
                verdict = {'failed': True, 'msg': to_native(error), 'error': {'code': 'unavailable'}}
            code = (verdict.get('error') or {}).get('code')
            if code in ('unavailable', 'wrong_architecture'):  # the control host may be of another kind than the hosts
                warnings.append(
                    '%s was not verified in check mode: %s' % (entry['source']['name'], verdict.get('msg')))
            elif verdict.get('failed'):
                raise Refused(code or 'refused', verdict.get('msg', 'refused'), (verdict.get('error') or {}).get('hint', ''))
            entry['source']['version'] = verdict.get('version') or ''
        return warnings

# -*- coding: utf-8 -*-
"""The control host's half of the module copy-binary: sends a file only to hosts that lack it.

Every `src`, or its `member`, becomes `source: {sha256, size, name, executable}`. The module answers `need_upload: [sha256, ...]`
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
import posixpath
import re
import shutil
import subprocess
import tarfile
import zlib

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.module_utils.common.text.converters import to_bytes, to_native
from ansible.plugins.loader import action_loader

KeptModule = action_loader.get('kept_module', class_only=True)

try:
    import lzma
except ImportError:  # Python 2.7
    lzma = None

# zstd, by its program where the control host has it. A Pump built by its Makefile becomes 41 %, as much of it is debug
# information that is packed already; stripped 29 %. A larger window (--long) gives half a point at most, and hosts need its size
# as memory. By -5 small programs become a point smaller than by -3, large ones too, but that takes twice as long. Else xz,
# preset 0 with the x86 filter: 38 %, ten times as long, and the hosts unpack ten times as long. gzip -6: 42 %.
ZSTD = ['zstd', '-q', '-f', '-T0']
LONG_TO_PACK = 32 << 20  # bytes
XZ_FILTERS = lzma and [{'id': lzma.FILTER_X86}, {'id': lzma.FILTER_LZMA2, 'preset': 0}]
ENCODINGS = ('zstd', 'xz', 'gzip')
DAMAGED = (tarfile.TarError, EOFError, zlib.error) + ((lzma.LZMAError,) if lzma else ())
PACKED = ('.gz', '.tgz', '.xz', '.bz2', '.zip', '.zst')
LARGE = 1 << 20  # bytes: packed while the hosts are asked what they lack


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


class Source(object):
    """A file of the control host, read once and packed once for all forks of a run, as long as its times and size stay."""
    def __init__(self, path):
        self.path, self.size = path, os.path.getsize(to_bytes(path))
        self._base = KeptModule.of_file(path)
        self._packing = self._child = None

    def digest(self):
        """SHA-256."""
        return KeptModule.digest_of(self.path)

    def executable(self):
        with open(to_bytes(self.path), 'rb') as stream:
            return stream.read(4).startswith((b'#!', b'\x7fELF'))

    def member(self, name):
        """A file of this archive, unpacked once. The archive is read to its end: its checksum counts."""
        path = self._base + hashlib.sha256(to_bytes(name)).hexdigest()[:16]
        with KeptModule.locked(path + '.lock'):
            if not os.path.exists(path):
                with contextlib.closing(tarfile.open(self.path)) as archive:
                    found = [each for each in archive if each.isfile() and posixpath.normpath(each.name) == posixpath.normpath(name)]
                    if not found:
                        raise tarfile.TarError('it has no file %s' % name)
                    with open(path + '.part', 'wb') as out:
                        shutil.copyfileobj(archive.extractfile(found[-1]), out, 1 << 20)
                    while archive.fileobj.read(1 << 20):
                        pass
                os.rename(path + '.part', path)
        return Source(path)

    @property
    def packing(self):
        """Whether it is packed here, not by another fork."""
        return self._packing is not None

    def begin_packing(self):
        """Ahead of need, by a program of its own; not where another fork is at it."""
        try:
            self._packing = KeptModule.locked(self._base + 'lock', fcntl.LOCK_NB)
        except EnvironmentError:
            return
        if not self._made():
            self._start()

    def packed(self):
        """Its path and encoding as it is to be sent."""
        if not self._packing:
            self._packing = KeptModule.locked(self._base + 'lock')
        try:
            if not self._made():
                if not self._child:
                    self._start()
                encoding = 'zstd' if self._child and self._child.wait() == 0 else 'xz' if lzma else 'gzip'
                if encoding != 'zstd':
                    (_xz if lzma else _gzip)(self.path, self._base + 'part')
                os.rename(self._base + 'part', self._base + encoding)
            return self._made()[0]
        finally:
            self._give_back()

    def abandon(self):
        if self._child and self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        if self._packing:
            self._give_back()

    def _give_back(self):
        self._packing.close()
        self._packing = None

    def _made(self):
        return [(self._base + encoding, encoding) for encoding in ENCODINGS if os.path.exists(self._base + encoding)]

    def _start(self):
        with open(os.devnull, 'r+') as nothing:
            try:
                self._child = subprocess.Popen(ZSTD + ['-3' if self.size >= LONG_TO_PACK else '-5', self.path, '-o', self._base + 'part'],
                                               stdin=nothing, stdout=nothing, stderr=nothing, close_fds=True)
            except EnvironmentError:  # no such program
                pass


class Refused(Exception):
    def __init__(self, code, msg, hint):
        super(Refused, self).__init__(msg)
        self.result = {'changed': False, 'failed': True, 'msg': msg, 'error': {'code': code, 'hint': hint}}


class ActionModule(KeptModule):
    def run(self, tmp=None, task_vars=None):
        result = super(ActionModule, self).run(tmp, task_vars)
        self._temporary, self._sent, self._opened = [], set(), []
        try:
            args, sources = self._describe_sources()
            answer = self._call(args, task_vars)
            needed = answer.get('need_upload') or []
            if needed and not answer.get('failed'):
                if self._task.check_mode:
                    warnings = self._check_here([sources[digest] for digest in needed])
                    answer = self._call(args, task_vars)
                    answer['warnings'] = answer.get('warnings', []) + warnings
                else:
                    answer = self._call(args, task_vars, self._packed([sources[digest] for digest in needed]))
                if answer.get('need_upload') and not answer.get('failed') and not self._task.check_mode:
                    raise Refused('no_answer', 'cannot tell what became of it: the host still lacks what it was sent',
                                  'run the same command again: it looks anew at what there is')
            result.update(answer)
        except Refused as refused:
            result.update(refused.result)
        finally:
            for source in self._opened:
                source.abandon()
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
        """The arguments with each src described; and by digest, its entry and its file here."""
        args = copy.deepcopy(self._task.args)
        entries = args['files'] if isinstance(args.get('files'), list) else [args]
        sources = {}
        for entry in entries:
            if not isinstance(entry, dict) or not entry.get('src'):
                continue
            src, member = entry.pop('src'), entry.pop('member', None)
            try:
                path = self._loader.get_real_file(self._find_needle('files', src))
                self._temporary.append(path)  # only a vault's decrypted copy is really removed
                archive = Source(path)
                source = archive.member(member) if member else archive
                self._opened.append(source)
                name = os.path.basename(member or src)
                if source.size >= LARGE and not name.endswith(PACKED) and not self._task.check_mode:
                    source.begin_packing()
                digest = source.digest()
                if entry.get('sha256'):
                    entry['sha256'] = self._expected(entry['sha256'], member, src)
                    if member and entry['sha256'] == archive.digest():
                        entry['sha256'] = digest
                # one description for all that have this content: it is sent once
                known = sources.setdefault(digest, {'entry': entry, 'file': source, 'description': {
                    'sha256': digest, 'size': source.size, 'name': name, 'executable': source.executable()}})
            except (AnsibleError, EnvironmentError) + DAMAGED as error:
                raise Refused('source_unreadable', 'cannot read %s on the control host: %s' % (src, to_native(error)),
                              'put the file there, or correct src (resources_dir for the roles)')
            entry['source'] = known['description']
        return args, sources

    def _expected(self, sums, member, src):
        """The digest; where a SHA256SUMS file is named, here beside its sources, what it says of the file or its archive."""
        if re.match('[0-9A-Fa-f]{64}$', sums):
            return sums.lower()
        try:
            with open(to_bytes(self._find_needle('files', sums))) as stream:
                listed = dict((os.path.basename(words[-1].lstrip('*')), words[0]) for words in map(str.split, stream) if words)
        except (AnsibleError, EnvironmentError) as error:
            raise Refused('source_unreadable', 'cannot read %s on the control host: %s' % (sums, to_native(error)),
                          'sha256 wants a digest, or a SHA256SUMS file on the control host')
        for name in (member, src):
            if name and os.path.basename(name) in listed:
                return listed[os.path.basename(name)].lower()
        raise Refused('digest_mismatch', '%s does not list %s' % (sums, os.path.basename(src)),
                      'take the SHA256SUMS file that belongs to this release')

    def _packed(self, sources):
        """[(description, path)] of what to send; each description is told its encoding."""
        wanted = [source['file'] for source in sources if not source['description']['name'].endswith(PACKED)]
        # those begun here first: no fork waits for another while one waits for it
        packed = dict((file.path, file.packed()) for file in sorted(wanted, key=lambda each: not each.packing))
        uploads = []
        for source in sources:
            description, path = source['description'], source['file'].path
            path, description['encoding'] = packed.get(path, (path, 'identity'))
            uploads.append((description, path))
        return uploads

    def _check_here(self, sources):
        """Let the module look at the files themselves where they are. Refuses as the real run would; says what could
        not be checked, and tells the hosts the versions."""
        warnings = []
        module = self._shared_loader_obj.module_loader.find_plugin(self._task.action)
        for source in sources:
            entry = source['entry']
            command = [module, '--check', '--src=' + source['file'].path, '--dest=' + os.path.join(C.DEFAULT_LOCAL_TMP, 'none')]
            command += ['--%s=%s' % (option, entry[option]) for option in ('component', 'sha256') if entry.get(option)]
            try:
                child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                verdict = json.loads(to_native(child.communicate()[0]))
            except (EnvironmentError, ValueError) as error:
                verdict = {'failed': True, 'msg': to_native(error), 'error': {'code': 'unavailable'}}
            code = (verdict.get('error') or {}).get('code')
            if code in ('unavailable', 'wrong_architecture'):  # the control host may be of another kind than the hosts
                warnings.append(
                    '%s was not verified in check mode: %s' % (source['description']['name'], verdict.get('msg')))
            elif verdict.get('failed'):
                raise Refused(code or 'refused', verdict.get('msg', 'refused'), (verdict.get('error') or {}).get('hint', ''))
            source['description']['version'] = verdict.get('version') or ''
        return warnings

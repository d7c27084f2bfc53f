# -*- coding: utf-8 -*-
"""The end of a run that failed, for the person who has to act on it: which host, in which phase, what was found, what
runs now, what to do. What a task printed when it failed stands further up, with every detail.
"""
from __future__ import absolute_import, division, print_function
__metaclass__ = type

import gc
import os
import textwrap

from ansible.plugins.callback import CallbackBase
from ansible.template import Templar

DOCUMENTATION = '''
    callback: verdict
    type: aggregate
    short_description: says at the end of a failed run what to do
    description: One paragraph for each host that failed, a line for each other one. Prints nothing when all went well.
'''

# ansible-playbook loads this file before it forks for its first task: so, too, all filters and tests, which every fork of
# every task would load anew, 10 ms each.
Templar(loader=None).template('{{ ("" is match("")) | bool }}')

TOOLS = ('copy-binary', 'copy_binary', 'rolling-restart', 'rolling_restart')
UNREACHABLE = (
    'see that the host can be reached over SSH, then run the same command again. What was begun on the host goes on to '
    'its end there, without this connection: the next run looks first, and finishes or undoes what is left.')
AGAIN = 'remove the cause, then run the same command again: what is done already is left alone.'


# In a checkout of tidb-ansible (playbooks/install-into) its own plays run, too, and none of this is true of them.
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OURS = 'tidb_binlog/' if os.path.isdir(os.path.join(HERE, '.tidb-binlog-upgrade')) else ''


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'aggregate'
    CALLBACK_NAME = 'verdict'

    def __init__(self, *args, **kwargs):
        super(CallbackModule, self).__init__(*args, **kwargs)
        self._failures = []  # (host, task, result), the first of each host
        self._seen = {}  # host: what rolling-restart last returned

    def v2_runner_on_ok(self, result):
        self._see(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._see(result)
        if not ignore_errors:
            self._fail(result)

    def v2_runner_on_unreachable(self, result):
        self._fail(result, unreachable=True)

    def _see(self, result):
        if result._task.action in TOOLS and result._result.get('node'):
            host = result._host.get_name()
            turn = result._result
            # the last look of a run says nothing about what was done before
            if turn.get('changed') or not self._seen.get(host, {}).get('changed'):
                self._seen[host] = turn

    def _fail(self, result, unreachable=False):
        if not result._task.get_name().startswith(OURS):
            return
        host = result._host.get_name()
        if host not in [failure[0] for failure in self._failures]:
            self._failures.append((host, result._task.get_name(), dict(result._result, unreachable=unreachable)))

    def v2_playbook_on_stats(self, stats):
        if hasattr(gc, 'freeze'):
            gc.freeze()  # spares Python's last search for what can be freed: a twentieth of a second before it ends
        if not self._failures:
            return
        words = self._failures[0][2].get('msg')
        if isinstance(words, list):  # nothing failed: it is the operator's turn
            self._display.banner('NOT DONE YET: WHAT IS NEXT')
            for line in words:
                self._display.display(line)
            return
        self._display.banner('WHAT FAILED, AND WHAT TO DO')
        for alike in self._alike():
            self._describe(alike)
        failed = [failure[0] for failure in self._failures]
        for host in sorted(set(self._seen) - set(failed)):
            self._display.display('%s: %s' % (host, self._standing(self._seen[host])))

    def _alike(self):
        """The failures, those of one kind together: PD being away says every host."""
        groups = []
        for failure in sorted(self._failures):
            for group in groups:
                if self._kind(group[0]) == self._kind(failure):
                    group.append(failure)
                    break
            else:
                groups.append([failure])
        return groups

    def _kind(self, failure):
        _, task, result = failure
        return self._where(task, result), self._error(result).get('code') or self._found(result), self._todo(result)

    def _describe(self, alike):
        host, task, result = alike[0]
        hosts = [failure[0] for failure in alike]
        code = self._error(result).get('code')
        self._display.display('%s: FAILED (%s)' % (', '.join(hosts), self._where(task, result)), color='red')
        self._line('found', '%s%s' % (self._found(result), ' [%s]' % code if code else ''))
        now = [self._now(each, of) for each, _, of in alike]
        self._line('now', now[0] if len(set(now)) == 1 else '; '.join('%s: %s' % pair for pair in zip(hosts, now)))
        self._line('to do', self._todo(result))

    @staticmethod
    def _where(task, result):
        phases = result.get('phases') or []
        if result.get('unreachable'):
            return 'connection lost, %s' % task
        if phases:
            return 'phase %s' % phases[-1]['name']
        return 'before anything was stopped' if result.get('node') else task

    @staticmethod
    def _error(result):
        return result.get('error') if isinstance(result.get('error'), dict) else {}

    def _todo(self, result):
        return UNREACHABLE if result.get('unreachable') else self._error(result).get('hint') or AGAIN

    @staticmethod
    def _found(result):
        items = [item for item in result.get('results') or [] if item.get('failed')]
        return (items[0] if items else result).get('msg') or 'no message'

    def _now(self, host, result):
        node = result.get('node') or {}
        node = node.get('after') or node.get('before') or {}
        if result.get('unreachable'):
            return 'not known from here'
        if result.get('steps'):  # an old node on its way out
            done = [step['name'] for step in result['steps'] if step.get('done')]
            return 'done so far: %s' % ', '.join(done) if done else 'nothing was done'
        if not node:
            return self._standing(self._seen[host]) if host in self._seen else 'not touched by this run'
        state = 'the registry says %s' % node['state'] if node.get('state') else 'its registry entry is not known'
        if not node.get('pid'):
            return 'no process of it runs; %s' % state
        return 'pid %s runs, version %s; %s' % (node['pid'], node.get('version') or 'unknown', state)

    @staticmethod
    def _standing(turn):
        node = turn['node'].get('after') or {}
        if turn.get('changed') and turn.get('phases'):
            return 'done: %s, %s' % (node.get('version') or 'version unknown', node.get('state') or 'state unknown')
        node = turn['node'].get('before') or {}
        return 'not touched by this run: %s, %s' % (
            node.get('version') or 'version unknown', node.get('state') or 'state unknown')

    def _line(self, name, text):
        text = ' '.join(str(text).split())
        lead = '  %-7s' % (name + ':')
        self._display.display(textwrap.fill(text, width=110, initial_indent=lead, subsequent_indent=' ' * len(lead),
                                            break_long_words=False, break_on_hyphens=False))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every verb does and says the same of a store here and of one behind a jzsed: each step is run on both, and exit code, standard
output, standard error and the files that it wrote are compared. What must differ (times of changes, ids) is masked."""
import hashlib
import json
import os
import re
import subprocess
import unittest

import cli_case
import remote_case
from remote_case import MIB, OK, noise

RECENT = 1_500_000_000 * 10**9
T0 = 981173106_123456789  # 2001


class At:
    """A place in a store, to be written as an address or as a URL."""

    def __init__(self, path='', ns='default'):
        self.path, self.ns = path, ns


def mask_json(value):
    """Ids and times of changes."""
    for name in ('file', 'seconds', 'store', 'store_id', 'replica_id'):
        if name in value and not str(value[name]).startswith('out'):
            value[name] = '*'
    if 'changed_ms' in value:
        if value.get('mtime_ns', 0) > RECENT:
            value['mtime'] = value['mtime_ns'] = '*'
        value['changed_ms'] = '*'
    return value


def mask_text(text):
    text = re.sub(r'20(2[4-9]|[3-9]\d)-\d\d-\d\d \d\d:\d\d(:\d\d)?', 'NOW', text)
    text = re.sub(r'file: [0-9a-f]+-', 'file: *-', text)
    text = re.sub(r'(store|store_id|replica_id|disk_bytes)=.*', r'\1=*', text)
    return re.sub(r'\bin \d+\.\d s|\(\d+\.\d s\)', 'in TIME', text)


class Same(remote_case.Case):
    def setUp(self):
        super().setUp()
        self.store = self.path('store')
        self.run_jzse('init', self.store)
        for side in ('here', 'there'):
            os.mkdir(self.path(side))

    def words(self, args, side):
        for word in args:
            if not isinstance(word, At):
                yield word
            elif side == 'there':
                yield self.url(word.path, word.ns)
            else:
                yield os.fsencode(f'{word.ns}:' + ('/' if word.path[:1] in (b'/', '/') else '')) + \
                    (word.path if isinstance(word.path, bytes) else word.path.encode())

    def one(self, side, args, input):
        store = self.store if side == 'here' else self.base
        done = subprocess.run([cli_case.JZSE, *self.words(args, side)], input=input, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=dict(self.env, JZSE_STORE=store), cwd=self.path(side), timeout=100)
        out = done.stdout
        if '--json' in args and done.returncode == 0:
            out = [mask_json(json.loads(line)) for line in done.stdout.splitlines()]
        elif args[0] != 'cat':
            out = mask_text(done.stdout.decode())
        elif len(out) > 200:
            out = hashlib.sha256(out).hexdigest()
        return done.returncode, out, mask_text(done.stderr.decode(errors='surrogateescape'))

    def files(self, side):
        """Contents by their hash; times of what got the time of now are left out."""
        return {path: (kind, mode, mtime if mtime < RECENT else 'now', hashlib.sha256(content).hexdigest() if kind == 'file' else content)
                for path, (kind, mode, mtime, content) in cli_case.snapshot(self.path(side)).items()}

    def both(self, *args, code=OK, input=b''):
        here, there = self.one('here', args, input), self.one('there', args, input)
        self.assertEqual(here, there, args)
        self.assertEqual(here[0], code, (args, here))
        self.assertEqual(self.files('here'), self.files('there'), args)
        return here

    def both_ways(self, *args, **options):
        """As text and as JSON: for verbs that change nothing."""
        self.both(*args, **options)
        return self.both(*args, '--json', **options)

    def source(self, name, content, mtime_ns=T0):
        for side in ('here', 'there'):
            self.write(os.path.join(side, name), content, mtime_ns)
            os.chmod(self.path(side, name), 0o640)

    def test_contents(self):
        self.source('a.txt', b'one\n')
        self.source('empty', b'')
        self.source('b.bin', noise(300_000))
        self.both('put', 'a.txt', At('dir/a.txt'), '--type', 'text/plain', '--meta', 'colour=blue', '--json')
        self.both('put', '-', At('dir/piped'), input=b'from a pipe')
        self.both('put', '-v', 'b.bin', 'empty', 'a.txt', At('many/'))
        self.both('put', 'a.txt', At('many'), '--mode', '600', '--json')  # into the directory
        self.both('put', 'b.bin', 'a.txt', At('none'), code=2)
        self.both('put', 'absent', At('x'), code=3)
        self.both('put', 'a.txt', At('dir'), '-n', code=5)
        self.both('put', 'a.txt', At('dir/a.txt'), '-n', code=5)
        self.both('put', 'a.txt', At('dir/a.txt/below'), code=4)
        self.both('put', 'a.txt', At('a/../b'), code=2)
        self.both('put', 'a.txt', At('x'), '--meta', 'nonsense', code=2)
        self.both('put', 'a.txt', At('odd'), '--meta', 'Größe X=  späte ‮ % \n ', '--type', 'ä b', '--json')
        self.both_ways('stat', At('odd'), At('dir/a.txt'), At('dir'), At('many/b.bin'))
        self.both('cat', At('dir/a.txt'), At('many/b.bin'), At('many/empty'))
        for offset, length in (('0', '3'), ('2', '100'), ('4', '1'), ('99', '1'), ('1', '0')):
            self.both('cat', At('dir/a.txt'), '--offset', offset, '--length', length)
        self.both('cat', At('many/b.bin'), '--offset', '65000', '--length', '131072')
        self.both('cat', At('many/empty'), '--offset', '5')
        self.both('cat', At('absent'), At('dir/a.txt'), code=3)
        self.both('cat', At('dir'), code=4)
        self.both('get', At('many/b.bin'), 'out.bin', '--json')
        self.both('get', At('dir/a.txt'))
        self.both('get', At('dir/a.txt'), '-n', code=4)
        self.both('get', At('many/empty'), 'zero')
        self.both('get', At('dir'), 'out', code=4)
        self.both('get', At('absent'), 'out', code=3)
        self.both('get', At('dir/a.txt'), 'no/such/', code=3)

    def test_conditions(self):
        self.source('a', b'first')
        self.source('b', b'second', T0 + 1)
        etag = self.both('put', 'a', At('f'), '--json')[1][0]['etag']
        self.both('put', 'b', At('f'), '--if-match', '0' * 64, code=5)
        self.both('put', 'b', At('g'), '--if-match', '*', code=5)
        self.both('put', 'b', At('f'), '--if-none-match', etag, code=5)
        self.both('put', 'b', At('f'), '--if-match', etag, '--json')
        self.both('put', 'b', At('f'), '--if-none-match', '*', code=5)
        self.both('rm', At('f'), '--if-match', etag, code=5)
        self.both('put', 'a', At('g'), '--if-none-match', '*', '--json')
        self.both('rm', At('g'), '--if-match', etag)
        self.both_ways('ls', At())

    def test_names(self):
        self.source('a', b'content')
        names = ['sp ace', 'per%cent%20', 'ques?tion#hash', 'käse/Ω/文件', 'plus+&=;,', '-', 'a:b', ':c', "quo'te\"back\\", '~tilde',
                 'ka\u0308se-2']  # the last one is not normalised
        for name in names:
            self.both('put', 'a', At(name), '--json')
            self.both('cat', At(name))
        self.both_ways('ls', '-lR', At())
        for name in names:
            self.both('mv', At(name), At('moved/' + name), '--json')
            self.both('cp', At('moved/' + name), At('copied/' + name), '--json')
        self.both_ways('tree', At())
        self.both('export', At(), 'out')
        for name in (b'bad\xff', b'control\x01', b'x//y', b'.', b'a/./b'):
            here, there = self.one('here', ('put', 'a', At(name)), b''), self.one('there', ('put', 'a', At(name)), b'')
            self.assertEqual((here[0], there[0]), (2, 2), (name, here, there))
        for args in (('mv', At('moved/-'), At(b'to\xff')), ('cp', At('moved/-'), At(b'to\xff')), ('mkdir', At(b'd\xff')), ('rm', At(b'r\xff')),
                     ('restore', '--version', '1', At(b'r\xff'))):
            here, there = self.one('here', args, b''), self.one('there', args, b'')
            self.assertEqual((here[0], there[0]), (2, 2), (args, here, there))

    def test_listings(self):
        for i in range(7):
            self.source(f'in/d{i % 3}/f{i}', b'x' * i, T0 + i)
        self.both('import', 'in', At('tree'), '--jobs', '1', '--json')
        self.both('mkdir', At('tree/empty'), '--mode', '750')
        self.both('rm', At('tree/d0/f0'), '--json')
        for args in (('ls', At('tree')), ('ls', '-l', At('tree/')), ('ls', '-lh', At('tree/d1')), ('ls', '-R', At('tree')), ('ls', '-d', At('tree')),
                     ('ls', '--limit', '2', At('tree/d1')), ('ls', '-R', '--after', 'tree/d1/f1', At('tree')), ('ls', '--deleted', '-lR', At('tree')),
                     ('ls', At('tree/d0/f0'), '--deleted'), ('ls', At('tree/d1/f1')), ('ls', At('tree'), At('tree/d1')), ('ls',), ('tree',),
                     ('tree', At('tree')), ('tree', '-L', '1', At('tree')), ('tree', '-d', '--ascii', At('tree')), ('du', At('tree')),
                     ('du', '-s', '-h', At()), ('du', '-d', '0', At('tree/d1/f1')), ('stat', At('tree/empty'), At('tree/d0')), ('log',),
                     ('log', '-n', '2', At('tree/d')), ('log', '--after', '3', '--limit', '2')):
            self.both_ways(*args)
        for args, code in ((('ls', At('absent')), 3), (('ls', At('tree/d1/f1/')), 3), (('tree', At('tree/d1/f1')), 4), (('du', At('absent')), 3),
                           (('stat', At('absent')), 3), (('stat', At()), 2), (('ls', 'nons:'), 3), (('log', 'nons:'), 3)):
            self.both(*args, code=code)

    def test_many_entries(self):
        """More than a page of a listing, and than a batch at once."""
        for i in range(2300):
            self.source(f'in/{i:04}', b'')
        self.both('import', 'in', At('tree'), '--json', '--jobs', '1')
        self.both('ls', At('tree'))
        self.both('ls', '--limit', '1500', At('tree'))
        self.both('cp', '-r', At('tree'), At('copy'), '--json')
        self.both('du', At())
        self.both('log', '-n', '1200')
        self.both('rm', '-r', At('tree'), '--json')
        self.both('ls', '-R', At())

    def test_names_change(self):
        self.source('a', b'content')
        for name in ('a', 'd/x', 'd/y/z'):
            self.both('put', 'a', At(name))
        for args, code in ((('cp', At('a'), At('b')), 0), (('cp', At('a'), At('d/')), 0), (('cp', '-n', At('a'), At('b')), 4), (('cp', At('d'), At('e')), 2),
                           (('cp', '-r', At('d'), At('e')), 0), (('cp', '-r', At('d'), At('d/in')), 2), (('cp', '-r', At('d'), At('e')), 0),
                           (('mv', At('a'), At('moved')), 0), (('mv', At('d'), At('f')), 0), (('mv', '-n', At('b'), At('moved')), 4),
                           (('mv', At('absent'), At('x')), 3), (('mv', At('b'), At('moved'), At('e/')), 0), (('mkdir', At('new')), 0),
                           (('mkdir', At('new')), 4), (('mkdir', '-p', At('new')), 0), (('mkdir', At('f/x')), 4), (('rm', At('f')), 4),
                           (('rm', '-r', At('f')), 0), (('rm', At('f/x')), 3), (('rm', '-f', At('f/x')), 0), (('rm', At()), 2)):
            self.both(*args, '--json', code=code)
        self.both_ways('ls', '-R', At())

    def test_history(self):
        self.source('one', b'first')
        self.source('two', b'second one', T0 + 5)
        self.both('put', 'one', At('f'))
        self.both('put', 'two', At('f'))
        self.both('mv', At('f'), At('g'))
        versions = self.both_ways('versions', At('g'))[1]
        old = str(versions[-1]['version'])
        self.both('cat', At('g'), '--version', old)
        self.both('get', At('g'), 'old', '--version', old)
        self.both_ways('stat', At('g'), '--version', old)
        self.both('cat', At('g'), '--version', '999', code=3)
        self.both('restore', At('g'), code=2)
        self.both('restore', '--version', old, At('g'), '--json')
        self.both('rm', At('g'))
        self.both_ways('versions', At('g'))
        self.both('restore', At('g'))
        self.both('versions', At('g'), '--forget', old)
        self.both('versions', At('g'), '--forget', old, code=3)
        self.both_ways('versions', At('g'))
        self.both('restore', At('never'), code=3)

    def test_namespaces(self):
        self.source('a', b'content')
        self.both('ns', 'create', 'keys', 'kind=keys', 'versions=3', '--json')
        self.both('ns', 'create', 'keys', code=4)
        self.both('ns', 'create', 'Bad Name', code=2)
        self.both('ns', 'create', 'x', 'nonsense=1', code=2)
        self.both('ns', 'set', 'keys', 'compression=3', 'quota_files=12')
        self.both('ns', 'set', 'keys', 'kind=tree', code=2)
        self.both('config', 'keys', '--json')
        self.both('config', 'absent', code=3)
        for key in ('a', '/a//b/', 'x/../y', '.', '%2F', 'a/'):
            self.both('put', '-', At(key, 'keys'), '--json', input=key.encode())
            self.both('cat', At(key, 'keys'))
        self.both_ways('ls', At('', 'keys'))
        self.both_ways('ls', At('a', 'keys'))
        self.both('cp', At('a', 'keys'), At('from-keys'), '--json')
        self.both('mv', At('.', 'keys'), At('dot'), '--json')
        self.both('rm', '-r', At('a', 'keys'), '--json')
        for i in range(12):
            last = self.one('there', ('put', 'a', At(f'n{i}', 'keys')), b'')[0], self.one('here', ('put', 'a', At(f'n{i}', 'keys')), b'')[0]
            self.assertEqual(last[0], last[1])
        self.assertEqual(last, (8, 8))  # the quota
        self.both('ns', 'drop', 'keys', code=4)
        self.both('ns', 'drop', '--force', 'keys', '--json')
        self.both('ns', 'drop', 'keys', code=3)
        self.both_ways('ns', 'list')

    def test_trees(self):
        for i, name in enumerate(('a', 'd/b', 'd/e/c', 'd/e/ä')):
            self.source('in/' + name, noise(1000 * (i + 1) ** 3, i), T0 + i)
        for side in ('here', 'there'):
            os.symlink('d/b', self.path(side, 'in/link'))
            os.utime(self.path(side, 'in/link'), ns=(T0, T0), follow_symlinks=False)
            os.mkdir(self.path(side, 'in/empty'), 0o700)
            for folder in ('in/empty', 'in/d/e', 'in/d', 'in'):
                os.utime(self.path(side, folder), ns=(T0, T0))
        self.both('import', '-n', 'in', At('t'), '--json', '--jobs', '1')
        self.both('import', 'in', At('t'), '--json', '--jobs', '1')
        self.both('import', 'in', At('t'), '--json')
        self.both('import', '-c', 'in', At('t'), '--json')
        self.both_ways('ls', '-lR', At('t'))
        self.both('export', At('t'), 'out/1', '--json')
        self.both('export', At('t'), 'out/1', '--json')
        self.both('export', '-c', At('t'), 'out/1', '--json')
        self.both('export', '-n', At('t'), 'out/2', '--json', '--jobs', '1')
        self.both('export', At('t/d/b'), 'out/3')
        for side in ('here', 'there'):
            os.remove(self.path(side, 'in/d/b'))
            os.chmod(self.path(side, 'in/a'), 0o600)
            self.write(f'{side}/in/d/e/c', b'changed', T0 + 99)
        self.both('import', '--delete', 'in', At('t'), '--json', '--jobs', '1')
        self.both_ways('ls', '-lR', At('t'))
        self.both('versions', At('t/d/e/c'))
        self.both('export', At('t'), 'out/1')
        self.both('import', 'absent', At('t'), code=3)
        self.both('export', At('absent'), 'out/4', code=3)

    def test_large(self):
        """Contents that travel in pieces, and in chunks: only what does not depend on how."""
        content = noise(9 * MIB + 5)
        for side in ('here', 'there'):
            self.write(f'{side}/big', content, T0)
        self.both('put', 'big', At('a/big'), '--type', 'x/y', '--meta', 'k=v w', '--mode', '604')
        self.both('put', '-', At('a/piped'), input=content)
        self.both('cat', At('a/piped'))
        self.both('get', At('a/big'), 'again')
        self.both('put', 'big', At('a/big'), '-n', code=5)
        etags = [self.one(side, ('stat', '--json', At('a/big'), At('a/piped')), b'')[1] for side in ('here', 'there')]
        for files in etags:
            for file in files:
                file.pop('version')
        self.assertEqual(etags[0], etags[1])
        self.both('du', At())

    def test_upkeep(self):
        self.source('a', noise(100_000))
        for i in range(3):
            self.source('a', noise(100_000, i), T0 + i)
            self.both('put', 'a', At('f'))
        for args in (('config',), ('compact', '--full'), ('verify',), ('verify', '--rate', '1G')):
            here, there = self.one('here', (*args, '--json'), b''), self.one('there', (*args, '--json'), b'')
            self.assertEqual((here[0], there[0], here[2], there[2]), (0, 0, '', ''))
            self.assertEqual(list(here[1][0]), list(there[1][0]), args)
        self.assertEqual(there[1][0]['problems'], 0)
        self.assertEqual((here[1][0]['files'], here[1][0]['versions']), (there[1][0]['files'], there[1][0]['versions']))
        self.both('verify', '--rate', 'fast', code=2)

    def test_completion(self):
        self.source('a', b'')
        for name in ('notes/1', 'notes/2', 'night'):
            self.both('put', 'a', At(name))
        for word in ('n', 'notes/', 'x', 'default:n'):
            self.both('__paths', word)


if __name__ == '__main__':
    remote_case.main()

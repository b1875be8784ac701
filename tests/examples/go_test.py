#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The backup in Go: what it saves it restores, a second run stores only what changed, errors are errors of Go.

    go_test.py SOURCE WORK PC INCLUDE LIBRARIES [SEED]      see toolchain.py
"""
import os
import random
import subprocess
import sys

import toolchain
from example import Case, main

OFFLINE = {'GOTOOLCHAIN': 'local', 'GOPROXY': 'off', 'GOFLAGS': '-mod=mod', 'GOENV': 'off', 'GOCACHE': '{work}/cache',
           'GOPATH': '{work}/path', 'CGO_ENABLED': '1', 'CGO_CFLAGS': '-O1 -I{include}'}


class Backup(Case):
    def backup(self, *arguments, code=0):
        ran = subprocess.run([self.program, self.path / 'store', *arguments], capture_output=True, text=True, timeout=600)
        self.assertEqual(ran.returncode, code, ran.stderr)
        return ran.stdout if code == 0 else ran.stderr

    def tree(self, folder):
        found = {}
        for parent, _, names in os.walk(folder):
            for name in names:
                with open(os.path.join(parent, name), 'rb') as file:
                    found[os.path.relpath(os.path.join(parent, name), folder)] = file.read()
        return found

    def test_saved_and_restored(self):
        chance = random.Random(self.seed)
        folder = self.path / 'work'
        for i in range(20):
            name = folder / chance.choice(['a', 'b/c', 'd/e/f']) / f'file {i}'
            name.parent.mkdir(parents=True, exist_ok=True)
            name.write_bytes(chance.randbytes(chance.choice([0, 1, 4000, 100_000, 3_000_000])))
        before = self.tree(folder)
        self.assertEqual(self.backup('save', folder), '20 stored, 0 deleted, 0 as they were\n')
        self.assertEqual(self.backup('save', folder), '0 stored, 0 deleted, 20 as they were\n')
        gone, changed = chance.sample(sorted(before), 2)
        (folder / gone).unlink()
        (folder / changed).write_bytes(b'another content')
        os.utime(folder / changed, (1, 1))
        self.assertEqual(self.backup('save', folder), '1 stored, 1 deleted, 18 as they were\n')
        self.assertEqual(self.backup('restore', self.path / 'back'), '')
        self.assertEqual(self.tree(self.path / 'back'), self.tree(folder))
        listed = [line.split(maxsplit=1)[1] for line in self.backup('list').splitlines()]
        self.assertEqual(listed, sorted(set(before) - {gone}))

    def test_errors(self):
        self.assertIn('no such file', self.backup('save', self.path / 'none', code=1))
        self.assertIn('usage', self.backup(code=1))
        (self.path / 'store').rename(self.path / 'other')
        (self.path / 'store').write_text('no folder')
        self.assertRegex(self.backup('list', code=1), r'store.*\(JZSE_')
        (self.path / 'store').unlink()
        (self.path / 'other').rename(self.path / 'store')
        folder = self.path / 'work'
        folder.mkdir()
        (folder / 'a').write_text('x')
        self.backup('save', folder)
        self.assertIn('file exists', self.backup('restore', folder, code=1))  # nothing is overwritten


if __name__ == '__main__':
    program = toolchain.build('go', ['go', 'build', '-o', '{work}/backup', '.'], OFFLINE, 'backup')
    sys.argv[1:1 + toolchain.WORDS] = [program]
    sys.exit(main(__doc__))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tallies in Rust: no count is lost among threads or by kill -9, an older state comes back, errors are told.

    rust_test.py SOURCE WORK PC INCLUDE LIBRARIES [SEED]      see toolchain.py
"""
import random
import subprocess
import sys

import toolchain
from example import Case, main


class Tally(Case):
    def tally(self, *arguments, code=0):
        ran = subprocess.run([self.program, self.path / 'store', *arguments], capture_output=True, text=True, timeout=600)
        self.assertEqual(ran.returncode, code, ran.stderr)
        return ran.stdout if code == 0 else ran.stderr

    def value(self, name):
        return dict(line.split() for line in self.tally('show').splitlines()).get(name)

    def test_no_count_is_lost(self):
        self.assertRegex(self.tally('add', 'visits', '200', '4'), r'\nvisits 200 ')
        self.assertRegex(self.tally('add', 'visits', '7', '3'), '^visits 207 ')
        self.tally('add', 'others')
        self.assertEqual(self.value('visits'), '207')
        self.assertEqual(self.value('others'), '1')

    def test_killed_while_adding(self):
        chance = random.Random(self.seed)
        value = 0
        for _ in range(4):
            with subprocess.Popen([self.program, self.path / 'store', 'add', 'k', '1000000', '2'], text=True,
                                  stdout=subprocess.PIPE) as process:
                said = [process.stdout.readline() for _ in range(1 + chance.randrange(3))]
                process.kill()
            self.assertRegex(said[-1], r'^\d+00\.\.\.\n$')
            before, value = value, int(self.value('k'))
            self.assertGreaterEqual(value, max(before, int(said[-1].rstrip('.\n'))))
        self.assertRegex(self.tally('add', 'k'), rf'^(\d+\.\.\.\n)?k {value + 1} ')

    def test_back_to_an_older_state(self):
        for _ in range(3):
            self.tally('add', 'n')
        history = self.tally('history', 'n').splitlines()
        self.assertEqual(len(history), 3)
        self.tally('back', 'n', history[1].split()[1])
        self.assertEqual(self.value('n'), '2')
        self.assertIn('JZSE_NOT_FOUND', self.tally('back', 'n', '999', code=1))
        self.assertIn('JZSE_NOT_FOUND', self.tally('history', 'none', code=1))
        self.assertIn('no such command', self.tally('dance', code=1))


if __name__ == '__main__':
    program = toolchain.build('cargo', ['cargo', 'build', '--offline', '--locked', '--release', '--quiet'],
                              {'CARGO_TARGET_DIR': '{work}', 'RUSTFLAGS': '-D warnings'}, 'release/tally')
    sys.argv[1:1 + toolchain.WORDS] = [program]
    sys.exit(main(__doc__))

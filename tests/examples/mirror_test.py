#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The mirror, killed over and over: whatever was answered "ok" is in the store, and the folder becomes equal to the store
with the next run, without beginning anew.

    mirror_test.py PROGRAM [SEED]
"""
import os
import random
import subprocess
import sys

from example import Case, main

CURSOR = '.jzse-mirror'


class Mirror(Case):
    def setUp(self):
        super().setUp()
        self.random = random.Random(self.seed)
        self.folder = self.path / 'mirror'

    def start(self):
        return subprocess.Popen([self.program, self.path / 'store', self.folder], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)

    def talk(self, commands, code=0):
        ran = subprocess.run([self.program, self.path / 'store', self.folder], input=''.join(c + '\n' for c in commands),
                             capture_output=True, text=True, timeout=600)
        self.assertEqual(ran.returncode, code, ran.stderr)
        return ran.stdout.splitlines()

    def ask(self, process, command):
        """The lines of one answer, without its "ok"."""
        process.stdin.write(command + '\n')
        process.stdin.flush()
        lines = []
        while True:
            line = process.stdout.readline().rstrip('\n')
            if line == 'ok':
                return lines
            self.assertFalse(line == '' or line.startswith('error'), line)
            lines.append(line)

    def in_store(self, process):
        """Path -> content, None for a directory."""
        found = {}
        for path in self.ask(process, 'list'):
            if path.endswith('/'):
                found[path[:-1]] = None
            else:
                found[path] = '\n'.join(self.ask(process, f'cat {path}'))
            while '/' in path.rstrip('/'):
                path = path.rstrip('/').rsplit('/', 1)[0]
                found[path] = None
        return found

    def in_folder(self):
        found = {}
        for folder, folders, files in os.walk(self.folder):
            for name in folders:
                found[os.path.relpath(os.path.join(folder, name), self.folder)] = None
            for name in files:
                path = os.path.relpath(os.path.join(folder, name), self.folder)
                if not path.startswith(CURSOR):
                    with open(os.path.join(folder, name), encoding='utf-8') as file:
                        found[path] = file.read()
        return found

    def command(self, number):
        names = ['a', 'b', 'c', 'd/x', 'd/y', 'd/e/z', 'f', 'f/g']
        pick = self.random.choice
        word = self.random.choices(['put', 'delete', 'move', 'mkdir'], [6, 2, 2, 1])[0]
        if word == 'put':
            return f'put {pick(names)} text {number} {"x" * self.random.randrange(3000)}'
        if word == 'move':
            return f'move {pick(names + ["d"])} {pick(names + ["d", "h"])}'
        return f'{word} {pick(names + ["d", "h"])}'

    def test_killed_and_resumed(self):
        number, resumed = 0, 0
        for _ in range(12):
            process = self.start()
            commands = [self.command(number + i) for i in range(self.random.randrange(10, 60))]
            number += len(commands)
            process.stdin.write(''.join(c + '\n' for c in commands))
            process.stdin.flush()
            acknowledged = self.random.randrange(len(commands))
            puts = {}
            for command in commands[:acknowledged]:
                answer = process.stdout.readline()
                self.assertRegex(answer, '^(ok|error .*)\n$')
                word, path = command.split(' ', 2)[:2]
                if answer == 'ok\n':
                    puts = {**puts, path: command.split(' ', 2)[2]} if word == 'put' else {}
            process.kill()
            process.wait()
            process.stdout.close()
            with self.assertRaises(BrokenPipeError):
                process.stdin.write('sync\n' * 2)
                process.stdin.close()
            process = self.start()
            self.ask(process, 'sync')
            stored = self.in_store(process)
            # Later commands may have been done, or not; of the last puts in a row their texts are newest or gone.
            for path, text in puts.items():
                later = [c for c in commands[acknowledged:] if c.split(' ')[0] != 'put' or c.split(' ')[1] == path]
                self.assertTrue(later or stored.get(path) == text, f'{path} was acknowledged')
            self.assertEqual(self.in_folder(), stored)
            resumed += int((self.folder / CURSOR).read_text().split()[2]) > 0
            process.stdin.close()
            self.assertEqual(process.wait(600), 0)
            process.stdout.close()
        self.assertGreater(resumed, 6)

    def test_what_was_deleted_while_away(self):
        self.talk(['put keep 1', 'put d/gone 2', 'mkdir e', 'sync'])
        (self.folder / 'd' / 'stray').write_text('not of the store')
        (self.folder / 'outside').symlink_to(self.path)
        self.talk([])
        self.assertEqual(self.in_folder(), {'keep': '1', 'd': None, 'd/gone': '2', 'e': None})

    def test_nothing_is_followed_out_of_the_folder(self):
        self.talk(['put d/x 1'])
        outside = self.path / 'elsewhere'
        outside.mkdir()
        (self.folder / 'd' / 'x').unlink()
        (self.folder / 'd').rmdir()
        (self.folder / 'd').symlink_to(outside)
        self.talk(['put d/x 2', 'put d/y 3'])
        self.assertEqual(list(outside.iterdir()), [])
        self.assertEqual(self.in_folder(), {'d': None, 'd/x': '2', 'd/y': '3'})

    def test_the_folder_of_another_store_is_refused(self):
        self.talk(['put a 1'])
        (self.path / 'store').rename(self.path / 'first')
        self.talk(['put b 2'], code=1)
        self.assertEqual(self.in_folder(), {'a': '1'})


if __name__ == '__main__':
    sys.exit(main(__doc__))

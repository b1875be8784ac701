#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The store as a whole: init config ns verify compact rebuild doctor bench completion, help, exit codes."""
import glob
import os
import re
import subprocess
import time

import cli_case
from cli_case import CORRUPT, EXISTS, FAILED, LOCKED, NO_SPACE, NOT_FOUND, OK, USAGE, Case, environment

VERBS = ('init put get cat ls tree stat rm cp mv mkdir import export versions restore log watch du verify compact '
         'rebuild doctor config bench completion ns').split()


class Store(Case):
    def test_init(self):
        other = self.path('other')
        row, = self.json('init', other, '--region', 'beijing', 'versions=3', 'compression=1')
        self.assertEqual((row['region'], len(row['store_id'])), ('beijing', 32))
        self.assertEqual(self.json('-s', other, 'config', 'default')[0]['versions'], 3)
        self.run_jzse('init', other, code=EXISTS)
        self.write('full/file', b'')
        self.run_jzse('init', 'full', code=USAGE)
        self.assertEqual(os.listdir(self.path('full')), ['file'])
        self.run_jzse('init', store=False, code=USAGE)
        self.run_jzse('init', 'bad', 'nonsense=1', code=USAGE)
        self.assertFalse(os.path.exists(self.path('bad')))

    def test_where_the_store_is_looked_for(self):
        self.put('f', 'x')
        self.assertEqual(self.lines('--store', self.store, 'ls', store=False), ['f'])
        self.assertEqual(self.lines('ls', '-s', self.store, store=False), ['f'])
        self.assertEqual(self.lines('ls', store=False, cwd=os.path.join(self.store, 'segments')), ['f'])
        self.assertIn('no store', self.err('ls', store=False, cwd='/', code=USAGE))
        self.run_jzse('-s', 'gone', 'ls', code=NOT_FOUND)
        os.mkdir(self.path('plain'))
        self.assertIn('plain', self.err('-s', 'plain', 'ls', code=USAGE))
        name = self.write('file', b'')
        self.assertIn('file', self.err('-s', name, 'ls', code=USAGE))

    def test_config(self):
        row, = self.json('config')
        self.assertEqual((row['store'], row['region'], row['namespaces']), (self.store, 'local', 1))
        self.run_jzse('config', 'default', 'versions=2', 'versions_age=30d', 'quota_bytes=1K', 'quota_files=3')
        row, = self.json('config', 'default')
        self.assertEqual((row['versions'], row['versions_age'], row['quota_bytes']), (2, 30 * 86400, 1024))
        self.run_jzse('put', '-', 'f', input=b'x' * 2000, code=NO_SPACE)
        self.assertIn('versions=2', self.lines('config', 'default'))
        self.assertIn('one of kind, ', self.err('config', 'default', 'colour=red', code=USAGE))
        self.assertIn('must be', self.err('config', 'default', 'versions=many', code=USAGE))
        self.run_jzse('config', 'default', 'kind=keys', code=USAGE)
        self.run_jzse('config', 'nowhere', code=NOT_FOUND)

    def test_config_show(self):
        home = {'HOME': '/h', 'JZSE_STORE': '', 'JZSE_PORT': '8000'}
        if subprocess.run([cli_case.JZSE, 'config', 'show'], env=home, capture_output=True).returncode == 11:
            self.skipTest('built without jzsed')
        file = self.write('jzsed.toml', b'workers = 3\nidle_timeout = "90s"\n')
        rows = {row['key']: row for row in self.json('config', 'show', '--origin', '--config', file, env=home, store=False)}
        self.assertEqual((rows['port']['value'], rows['port']['origin']), ('8000', 'JZSE_PORT'))
        self.assertEqual((rows['workers']['value'], rows['workers']['origin']), ('3', f'{file}:1'))
        self.assertEqual((rows['threads']['value'], rows['threads']['origin']), ('0', 'default'))
        text = self.lines('config', 'show', '--config', file, env=home, store=False)
        self.assertIn('port = 8000', text)
        self.assertIn('idle_timeout = "90s"', text)
        again = self.write('again.toml', '\n'.join(text).encode())
        self.assertEqual(text, self.lines('config', 'show', '--config', again, env=home, store=False))
        bad = self.write('bad.yaml', b'port: 1\nprot: 2\n')
        self.assertIn("bad.yaml:2: unknown key 'prot'; did you mean 'port'?",
                      self.err('config', 'show', '--config', bad, code=USAGE))
        self.run_jzse('ns', 'create', 'show')
        self.assertIn('kind=tree', self.lines('config', 'show:'))

    def test_namespaces(self):
        self.run_jzse('ns', 'create', 'web', 'kind=keys')
        self.run_jzse('ns', 'create', 'web', code=EXISTS)
        self.run_jzse('ns', 'create', 'Bad Name', code=USAGE)
        self.put('web:a', 'x')
        self.assertEqual([(r['namespace'], r['files']) for r in self.json('ns', 'list')], [('default', 0), ('web', 1)])
        self.run_jzse('ns', 'set', 'web', 'versions=0')
        self.assertIn('--force', self.err('ns', 'drop', 'web', code=EXISTS))
        self.assertEqual(self.json('ns', 'drop', '--force', 'web'), [{'action': 'ns drop', 'namespace': 'web'}])
        self.run_jzse('cat', 'web:a', code=NOT_FOUND)
        self.run_jzse('ns', 'drop', 'web', code=NOT_FOUND)

    def test_verify_rebuild_compact(self):
        for i in range(20):
            self.put('f', os.urandom(50_000))
            self.put(f'g{i}', str(i))
        row = self.json('verify')[-1]
        self.assertTrue(row['ok'])
        self.assertEqual(row['files'], 21)
        self.assertEqual(self.json('rebuild')[0]['files'], 21)
        self.run_jzse('config', 'default', 'versions=0')
        row, = self.json('compact', '--full')
        self.assertLess(row['bytes_after'], row['bytes_before'])
        self.assertTrue(self.json('verify')[-1]['ok'])
        self.assertEqual(self.cat('g7'), b'7')

    def test_damage_is_told(self):
        self.put('victim', b'\xabVICTIM' * 9000)
        hit = 0
        for name in glob.glob(os.path.join(self.store, 'segments', '*')):
            with open(name, 'r+b') as f:
                at = f.read().find(b'\xabVICTIM' * 3)
                if at >= 0:
                    hit += 1
                    f.seek(at + 50)
                    f.write(b'!')
        self.assertEqual(hit, 1)
        self.run_jzse('cat', 'victim', code=CORRUPT)
        done = self.run_jzse('verify', code=CORRUPT)
        self.assertIn('victim', done.stdout.decode())
        rows = self.json('verify', code=CORRUPT)
        self.assertIn('victim', [r.get('path') for r in rows])
        self.assertFalse(rows[-1]['ok'])

    def test_doctor(self):
        rows = self.json('doctor')
        self.assertEqual({r['state'] for r in rows} - {'ok', 'hint'}, set())
        self.assertIn('open', [r['check'] for r in rows])
        self.assertIn('jzse verify', self.err('doctor'))
        self.run_jzse('-s', 'gone', 'doctor', code=NOT_FOUND)

    def test_bench(self):
        rows = self.json('bench', '--seconds', '0.05', self.dir, store=False)
        self.assertEqual({r['work'] for r in rows}, {'put 4 KiB', 'get 4 KiB', 'put 256 MiB', 'get 256 MiB'})
        self.assertEqual(os.listdir(self.dir), ['store'])
        self.run_jzse('bench', 'gone', code=NOT_FOUND)

    def test_rubbish_for_a_store(self):
        with open(os.path.join(self.store, 'JZSE'), 'wb') as f:
            f.write(b'rubbish')
        self.assertIn(self.store, self.err('ls', code=USAGE))
        self.assertEqual(self.json('doctor', code=USAGE)[1]['state'], 'bad')


class TwoProcesses(Case):
    def holder(self):
        """A jzse that keeps the store open until its input ends, and what another is told then."""
        process = subprocess.Popen([cli_case.JZSE, '--wait', '300', 'put', '-', 'held'], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=environment(JZSE_STORE=self.store))
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            probe = subprocess.run([cli_case.JZSE, '--wait', '0', 'ls'], env=environment(JZSE_STORE=self.store),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            if probe.returncode == LOCKED:
                text = probe.stderr.decode()
                self.assertRegex(text, f'is locked by (process {process.pid}|another process)\n')
                if 'another' not in text:
                    return process, text
            else:
                self.assertEqual(probe.returncode, OK)
            time.sleep(0.05)  # long enough for the holder to find the store free between two of these
        self.fail('it never opened the store')

    def test_locked_names_the_process(self):
        process, text = self.holder()
        self.assertIn(str(process.pid), text)
        self.assertIn(str(process.pid), self.out('--wait', '0', 'doctor', code=LOCKED))
        process.communicate(b'done')
        self.assertEqual(process.returncode, OK)
        self.assertEqual(self.cat('held'), b'done')

    def test_waiting_for_the_other(self):
        process, _ = self.holder()
        waiting = subprocess.Popen([cli_case.JZSE, '--wait', '300', 'cat', 'held'], stdout=subprocess.PIPE,
                                   env=environment(JZSE_STORE=self.store))
        process.communicate(b'content')
        self.assertEqual(waiting.communicate()[0], b'content')
        self.assertEqual(waiting.returncode, OK)

    def test_watch_sees_what_others_do(self):
        watch = subprocess.Popen([cli_case.JZSE, '--wait', '300', '--json', 'watch', '--after', '0', '--limit', '3', 'w/'],
                                 stdout=subprocess.PIPE, env=environment(JZSE_STORE=self.store))
        self.put('w/a', '1')
        self.put('not me', '1')
        self.put('w/b', '2')
        self.run_jzse('rm', 'w/a')
        out, _ = watch.communicate(timeout=300)
        self.assertEqual(watch.returncode, OK)
        self.assertEqual(re.findall(r'"change":"(\w+)".*?"path":"(.*?)"', out.decode()),
                         [('put', 'w/a'), ('put', 'w/b'), ('delete', 'w/a')])


class CommandLine(Case):
    def test_wrong_usage(self):
        for args in ([], ['nonsense'], ['ls', '--nonsense'], ['put', 'x'], ['cat'], ['ls', '--limit', 'x'],
                     ['completion', 'tcsh'], ['ns'], ['--wait', 'x', 'ls'], ['cat', 'x', '--offset', 'far']):
            done = self.run_jzse(*args, code=USAGE)
            self.assertTrue(done.stderr.startswith(b'jzse: '), args)
            self.assertEqual(done.stdout, b'', args)

    def test_every_verb_has_help_and_is_in_the_man_page(self):
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
        with open(os.path.join(root, 'docs', 'man', 'jzse.1'), encoding='utf-8') as f:
            man = f.read().replace('\\-', '-').replace('\\fB', '').replace('\\fP', '')
        top = self.out('--help')
        for verb in VERBS:
            self.assertRegex(top, rf'(?m)^  {verb} ')
            text = self.out(verb, '--help')
            self.assertTrue(text.startswith('Usage: jzse ' + verb), text)
            self.assertRegex(man, rf'\b{verb}\b')
            for option in re.findall(r'--[a-z][a-z-]+', text) + re.findall(r'(?m)^  (-[A-Za-z]),?', text):
                self.assertIn(option, man, verb)

    def test_every_documented_exit_code(self):
        header = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'server', 'cli', 'exit_codes.h')
        with open(header, encoding='utf-8') as f:
            codes = re.findall(r'kExit\w+ = (\d+)', f.read())
        text = self.out('--help')
        for code in codes:
            if code != '128':
                self.assertRegex(text, rf'\b{code} \w')

    def test_completion(self):
        for shell in ('bash', 'zsh', 'fish'):
            script = self.out('completion', shell, store=False)
            for verb in VERBS:
                self.assertIn(verb, script)
        self.put('photos/a b.jpg', 'x')
        self.put('photos2/x', 'x')
        script = self.path('completion')
        with open(script, 'w', encoding='utf-8') as f:
            f.write(self.out('completion', 'bash'))

        def complete(*words):
            listed = ' '.join(f"'{w}'" for w in words)
            code = (f'. {script}; compopt() {{ :; }}; COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}; _jzse; '
                    'printf "%s\\n" "${COMPREPLY[@]}"')
            env = environment(JZSE_STORE=self.store,
                              PATH=os.path.dirname(cli_case.JZSE) + ':' + os.environ['PATH'])
            done = subprocess.run(['bash', '-c', code], env=env, cwd=self.dir, stdout=subprocess.PIPE, check=True)
            return done.stdout.decode().split('\n')[:-1]
        self.assertEqual(complete('jzse', 'ver'), ['versions', 'verify'])
        self.assertEqual(complete('jzse', '--json', 'ls', '--hum'), ['--human-readable'])
        self.assertEqual(complete('jzse', 'ns', 'dr'), ['drop'])
        self.assertEqual(sorted(complete('jzse', 'cat', 'pho')), ['photos/', 'photos2/'])
        self.assertEqual(complete('jzse', 'cat', 'photos/'), ['photos/a b.jpg'])

    def test_quiet(self):
        self.write('in/f', b'')
        self.assertEqual(self.err('--quiet', 'import', 'in'), '')
        self.assertNotEqual(self.err('-q', 'cat', 'gone', code=NOT_FOUND), '')

    def test_full_standard_output(self):
        self.put('f', b'x' * 100_000)
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([cli_case.JZSE, 'cat', 'f'], stdout=full, stderr=subprocess.PIPE,
                                  env=environment(JZSE_STORE=self.store))
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(b'standard output: No space left', done.stderr)


cli_case.main()

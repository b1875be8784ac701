#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""import and export of directory trees and archives."""
import os
import socket
import stat
import subprocess

import cli_case
from cli_case import CORRUPT, FAILED, NOT_FOUND, USAGE, Case, snapshot

OLD = 1_234_567_890_123_456_789


class Trees(Case):
    def tree(self):
        """A real tree with a bit of everything."""
        self.write('in/plain', b'text', mode=0o644, mtime_ns=OLD)
        self.write('in/script', b'#!/bin/sh\n', mode=0o755, mtime_ns=OLD + 1)
        self.write('in/secret', b's', mode=0o600)
        self.write('in/read only', b'r', mode=0o444)
        self.write('in/empty', b'')
        self.write('in/large', os.urandom(3_000_000), mtime_ns=OLD)
        self.write('in/sub/deep/er/file', b'd' * 70_000)
        self.write('in/sub-b/file', b'sorts before sub/')
        self.write('in/weird $`"\'\\ *?[]{}~#-:name', b'w')
        self.write('in/-rf', b'dash')
        self.write('in/\u65e5\u672c\u8a9e \U0001f600', b'u')
        self.write('in/bef 1970', b'', mtime_ns=-1_000_000_001)
        os.makedirs(self.path('in/void/inner'))
        os.symlink('plain', self.path('in/link'))
        os.symlink('/etc/passwd', self.path('in/absolute link'))
        os.symlink('../../nowhere', self.path('in/dangling'))
        os.symlink('sub', self.path('in/link to directory'))
        os.utime(self.path('in/link'), ns=(OLD, OLD), follow_symlinks=False)
        os.chmod(self.path('in/sub/deep'), 0o750)
        os.chmod(self.path('in/void'), 0o555)
        os.utime(self.path('in/void'), ns=(OLD, OLD))
        os.utime(self.path('in/sub'), ns=(OLD, OLD))
        return self.path('in')

    def summary(self, *args, **options):
        return self.json(*args, **options)[-1]

    def test_round_trip(self):
        source = self.tree()
        first = self.summary('import', source, 'trees/mine')
        self.assertEqual((first['stored'], first['unchanged'], first['errors']), (16, 0, 0))
        self.run_jzse('export', 'trees/mine', 'out')
        self.assertEqual(snapshot(self.path('out')), snapshot(source))
        self.assertEqual(subprocess.run(['diff', '-r', '--no-dereference', source, self.path('out')]).returncode, 0)
        self.no_temporary_files(self.path('out'))

    def test_again_skips_everything(self):
        source = self.tree()
        self.run_jzse('import', source)
        sequence = self.json('config')[0]['sequence']
        again = self.summary('import', source)
        self.assertEqual((again['stored'], again['updated'], again['unchanged'], again['directories']), (0, 0, 16, 0))
        self.assertEqual(self.summary('import', '-c', source)['unchanged'], 16)
        self.assertEqual(self.json('config')[0]['sequence'], sequence)
        self.assertEqual(self.summary('export', '/', 'out')['written'], 16)
        again = self.summary('export', '/', 'out')
        self.assertEqual((again['written'], again['unchanged']), (0, 16))
        self.assertEqual(self.summary('export', '-c', '/', 'out')['unchanged'], 16)

    def test_what_changed_is_taken(self):
        source = self.tree()
        self.run_jzse('import', source)
        self.write('in/plain', b'TEXT', mtime_ns=OLD)           # same size and time: only -c sees it
        self.assertEqual(self.summary('import', source)['stored'], 0)
        self.assertEqual(self.summary('import', '-c', source)['stored'], 1)
        self.assertEqual(self.cat('plain'), b'TEXT')
        os.chmod(self.path('in/script'), 0o700)
        changed = self.summary('import', source)
        self.assertEqual((changed['stored'], changed['updated']), (0, 1))
        self.assertEqual(self.json('stat', 'script')[0]['mode'], '0700')
        os.remove(self.path('in/link'))
        os.symlink('secret', self.path('in/link'))
        self.write('in/new', b'n')
        self.assertEqual(self.summary('import', source)['stored'], 2)
        self.run_jzse('export', '/', 'out')
        self.write('out/plain', b'mine')
        os.remove(self.path('out/empty'))
        self.assertEqual(self.summary('export', '/', 'out')['written'], 2)
        self.assertEqual(snapshot(self.path('out')), snapshot(source))

    def test_metadata_survives_a_new_mode(self):
        name = self.write('in/f', b'x', mtime_ns=OLD)
        self.run_jzse('put', name, 'f', '--type', 'text/plain', '--meta', 'k=v')
        os.chmod(name, 0o600)
        self.assertEqual(self.summary('import', 'in')['updated'], 1)
        info, = self.json('stat', 'f')
        self.assertEqual((info['content_type'], info['metadata'], info['mode']), ('text/plain', {'k': 'v'}, '0600'))

    def test_delete(self):
        source = self.tree()
        self.run_jzse('import', source, 't')
        self.put('outside', 'stays')
        os.remove(self.path('in/sub/deep/er/file'))
        os.rmdir(self.path('in/sub/deep/er'))
        os.remove(self.path('in/plain'))
        os.rename(self.path('in/\u65e5\u672c\u8a9e \U0001f600'), self.path('in/cafe\u0301'))   # NFD, stored as NFC
        gone = ['t/plain', 't/sub/deep/er', 't/sub/deep/er/file', 't/\u65e5\u672c\u8a9e \U0001f600']
        rows = self.json('import', '--delete', '--dry-run', source, 't')
        self.assertEqual(sorted(r['path'] for r in rows if r['action'] == 'delete'), sorted(gone))
        self.assertEqual(self.summary('import', source, 't')['deleted'], 0)
        self.assertEqual(self.summary('import', '--delete', source, 't')['deleted'], 4)
        self.assertEqual(self.summary('import', '--delete', source, 't')['deleted'], 0)
        self.assertEqual(self.cat('t/caf\u00e9'), b'u')
        self.assertEqual(self.cat('outside'), b'stays')

    def test_dry_run_changes_nothing(self):
        source = self.tree()
        rows = self.json('import', '-n', source)
        self.assertIn({'action': 'put', 'namespace': 'default', 'path': 'plain'}, rows)
        self.assertEqual(self.out('ls'), '')
        self.run_jzse('import', source)
        self.assertEqual(self.summary('export', '-n', '/', 'out')['written'], 16)
        self.assertFalse(os.path.exists(self.path('out')))

    def test_files_and_directories_change_places(self):
        self.write('in/a', b'file')
        self.write('in/b/c', b'in a directory')
        self.run_jzse('import', 'in')
        os.remove(self.path('in/a'))
        os.remove(self.path('in/b/c'))
        os.rmdir(self.path('in/b'))
        self.write('in/a/c', b'now in a directory')
        self.write('in/b', b'now a file')
        self.assertIn('--delete', self.err('import', 'in', code=FAILED))
        self.assertEqual(self.cat('a/c'), b'now in a directory')
        self.run_jzse('import', '--delete', 'in')
        self.assertEqual(self.cat('b'), b'now a file')
        self.assertEqual(self.lines('ls', '-R'), ['a/', 'a/c', 'b'])

    def test_names_that_the_store_refuses(self):
        self.write('in/good', b'1')
        self.write(b'in/latin\xe9', b'2')
        self.write('in/new\nline', b'3')
        self.write(b'in/dir\xff/inner', b'4')
        done = self.run_jzse('--json', 'import', 'in', code=FAILED)
        self.assertIn(b'"errors":3', done.stdout)
        text = done.stderr.decode()
        self.assertIn('latin\\xe9: the name is not UTF-8', text)
        self.assertIn('new\\nline: the name contains a control character', text)
        self.assertEqual(self.lines('ls', '-R'), ['good'])

    def test_names_that_become_the_same(self):
        self.write('in/caf\u00e9', b'1')
        self.write('in/cafe\u0301', b'2')
        self.assertIn('once normalised', self.err('import', '-j', '1', 'in', code=FAILED))
        self.assertEqual(self.lines('ls'), ['caf\u00e9'])

    def test_special_files_are_left_out(self):
        self.write('in/good', b'1')
        os.mkfifo(self.path('in/pipe'))
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.path('in/sock'))
            text = self.err('import', 'in')
        self.assertIn('pipe: is a named pipe; left out', text)
        self.assertIn('sock: is a socket; left out', text)
        self.assertEqual(self.lines('ls'), ['good'])

    def test_the_store_is_not_imported_into_itself(self):
        self.assertIn('is the store itself', self.err('import', self.store, code=USAGE))
        self.assertIn('or in it', self.err('import', os.path.join(self.store, 'segments'), code=USAGE))
        self.write('data', b'1')
        self.assertIn('store: is the store itself; left out', self.err('import', self.dir))
        self.assertEqual(self.lines('ls', '-R'), ['data'])

    def test_wrong_sources(self):
        name = self.write('file', b'')
        self.assertIn('jzse put', self.err('import', name, code=FAILED))
        self.run_jzse('import', 'gone', code=NOT_FOUND)
        self.run_jzse('export', 'gone', 'out', code=NOT_FOUND)
        self.assertFalse(os.path.exists(self.path('out')))
        self.put('f', '')
        self.run_jzse('export', 'f', name, code=FAILED)

    def test_links_are_not_followed_on_import(self):
        self.write('elsewhere/secret', b's')
        os.makedirs(self.path('in'))
        os.symlink(self.path('elsewhere'), self.path('in/link'))
        self.run_jzse('import', 'in')
        self.assertEqual(self.lines('ls', '-R'), ['link'])
        self.assertEqual(self.json('ls')[0]['target'], self.path('elsewhere'))
        self.assertIn('link -> ', self.out('ls', '-l'))

    def test_many_small_files(self):
        for i in range(2000):
            self.write(f'in/{i % 20}/{i}', str(i).encode())
        self.assertEqual(self.summary('import', 'in')['stored'], 2000)
        self.assertEqual(self.summary('export', '/', 'out')['written'], 2000)
        self.assertEqual(snapshot(self.path('out')), snapshot(self.path('in')))

    def test_export_of_parts(self):
        self.put('a/b/c', '1')
        self.put('a/x', '2')
        self.run_jzse('export', 'a/b', 'out1')
        self.assertEqual(os.listdir(self.path('out1')), ['c'])
        self.run_jzse('export', 'a/x', 'out2')
        self.assertEqual(os.listdir(self.path('out2')), ['x'])
        st = os.stat(self.path('out2/x'))
        self.assertEqual(stat.S_IMODE(st.st_mode), 0o666 & ~self.umask())
        self.run_jzse('export', '/', 'out3/new/ones')
        self.assertEqual(stat.S_IMODE(os.stat(self.path('out3/new/ones/a/b')).st_mode), 0o777 & ~self.umask())

    @staticmethod
    def umask():
        old = os.umask(0)
        os.umask(old)
        return old

    def test_special_bits(self):
        self.write('in/tool', b'x', mode=0o4755)
        self.run_jzse('import', 'in')
        self.run_jzse('export', '/', 'out')
        self.assertEqual(stat.S_IMODE(os.stat(self.path('out/tool')).st_mode), 0o755)
        self.run_jzse('export', '--special-bits', '/', 'out')
        self.assertEqual(stat.S_IMODE(os.stat(self.path('out/tool')).st_mode), 0o4755)


class Hostile(Case):
    """Targets that try to lead a write elsewhere."""

    def setUp(self):
        super().setUp()
        self.put('d/f', 'new')
        self.put('f', 'new')
        self.precious = self.write('outside/f', b'precious')
        os.makedirs(self.path('out'))

    def untouched(self):
        self.assertEqual(os.listdir(self.path('outside')), ['f'])
        with open(self.precious, 'rb') as f:
            self.assertEqual(f.read(), b'precious')

    def test_link_where_a_directory_should_be(self):
        os.symlink(self.path('outside'), self.path('out/d'))
        text = self.err('export', '/', 'out', code=FAILED)
        self.assertIn('symbolic link is in the way', text)
        self.untouched()
        with open(self.path('out/f'), 'rb') as f:
            self.assertEqual(f.read(), b'new')   # the rest goes on

    def test_link_where_a_file_should_be(self):
        os.symlink(self.precious, self.path('out/f'))
        self.run_jzse('export', '/', 'out')
        self.assertFalse(os.path.islink(self.path('out/f')))
        self.untouched()

    def test_links_from_the_store_are_made_and_not_followed(self):
        os.makedirs(self.path('in'))
        os.symlink(self.path('outside'), self.path('in/x'))
        self.run_jzse('import', 'in', 'trap')
        self.run_jzse('mv', 'trap/x', 'd2')
        self.run_jzse('export', '/', 'out')
        self.assertEqual(os.readlink(self.path('out/d2')), self.path('outside'))
        # Later the store has a directory of that name.
        self.run_jzse('rm', 'd2')
        self.put('d2/f', 'evil')
        self.assertIn('symbolic link', self.err('export', '/', 'out', code=FAILED))
        self.untouched()

    def test_things_in_the_way(self):
        self.write('out/d', b'a file')
        os.makedirs(self.path('out/f'))
        text = self.err('export', '/', 'out', code=FAILED)
        self.assertIn('a file is in the way', text)
        self.assertIn('a directory is in the way', text)

    def test_keys_that_are_no_file_names(self):
        self.run_jzse('ns', 'create', 'k', 'kind=keys')
        for key in ('k:../outside/f', 'k://etc/x', 'k:a/../../outside/g', 'k:a//b', 'k:good'):
            self.put(key, 'evil')
        done = self.run_jzse('--json', 'export', 'k:', 'out', code=FAILED)
        self.assertIn(b'"errors":4', done.stdout)
        self.assertIn('gives no usable file name', done.stderr.decode())
        self.assertEqual(os.listdir(self.path('out')), ['good'])
        self.untouched()


class Archives(Case):
    def test_round_trip(self):
        self.write('in/f', b'x' * 200_000, mode=0o640, mtime_ns=OLD)
        os.symlink('f', self.path('in/link'))
        os.makedirs(self.path('in/empty'))
        self.run_jzse('import', 'in')
        self.run_jzse('put', self.write('second', b'second', mtime_ns=OLD + 5), 'f')
        archive = self.path('a.jzse')
        report, = self.json('export', '--archive', '--versions', '/', archive)
        self.assertEqual(report['versions'], 1)
        self.assertEqual(stat.S_IMODE(os.stat(archive).st_mode) & 0o077, 0)
        other = self.path('other')
        self.run_jzse('init', other)
        self.run_jzse('-s', other, 'import', '--archive', archive)
        self.assertEqual(self.run_jzse('-s', other, 'cat', 'f').stdout, b'second')
        self.run_jzse('export', '/', 'out1')
        self.run_jzse('-s', other, 'export', '/', 'out2')
        self.assertEqual(snapshot(self.path('out1')), snapshot(self.path('out2')))
        self.no_temporary_files(self.dir)

    def test_through_a_pipe(self):
        self.put('d/f', 'x')
        stream = self.run_jzse('export', '--archive', 'd', '-').stdout
        self.run_jzse('ns', 'create', 'copy')
        self.run_jzse('import', '--archive', '-', 'copy:', input=stream)
        self.assertEqual(self.lines('ls', '-R', 'copy:'), ['d/f'])
        self.run_jzse('import', '--archive', '-', 'copy:', input=stream[:-10], code=CORRUPT)
        self.run_jzse('import', '--archive', '-', 'copy:', input=b'rubbish' * 100, code=CORRUPT)
        self.assertIn('as a whole', self.err('import', '--archive', '-', 'copy:d', input=stream, code=USAGE))

    def test_a_failed_export_leaves_the_old_archive(self):
        archive = self.write('a', b'old')
        self.run_jzse('export', '--archive', 'nowhere:', archive, code=NOT_FOUND)
        with open(archive, 'rb') as f:
            self.assertEqual(f.read(), b'old')
        self.run_jzse('export', '--archive', '/', 'no/such/dir/a', code=NOT_FOUND)


cli_case.main()

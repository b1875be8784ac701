#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Single files: put get cat ls tree stat du rm cp mv mkdir versions restore log."""
import os

import cli_case
from cli_case import EXISTS, NOT_FOUND, PRECONDITION, TOO_LARGE, USAGE, Case


class Contents(Case):
    def test_put_and_cat(self):
        self.put('notes/hi.txt', 'hi\n')
        self.assertEqual(self.cat('notes/hi.txt'), b'hi\n')
        self.assertEqual(self.cat('/notes/hi.txt'), b'hi\n')
        self.assertEqual(self.cat('default:notes/hi.txt'), b'hi\n')
        self.assertEqual(self.cat(':notes/hi.txt'), b'hi\n')

    def test_put_into_a_directory(self):
        report = self.write('report.pdf', b'x' * 100_000, mode=0o640, mtime_ns=1_600_000_000_123_456_789)
        self.run_jzse('put', report, 'docs/')
        info, = self.json('stat', 'docs/report.pdf')
        self.assertEqual((info['size'], info['mode'], info['mtime_ns']), (100_000, '0640', 1_600_000_000_123_456_789))
        other = self.write('other', b'o')
        self.run_jzse('put', report, other, 'docs')   # it exists by now
        self.assertEqual(self.lines('ls', 'docs'), ['other', 'report.pdf'])
        self.assertIn('must be a directory', self.err('put', report, other, 'nowhere', code=USAGE))
        self.assertIn("jzse import", self.err('put', self.dir, 'x', code=USAGE))
        self.assertIn('name the file', self.err('put', '-', 'docs/', code=USAGE))

    def test_large_and_empty_and_binary(self):
        large = bytes(range(256)) * 40_000
        for content in (b'', b'\0\r\n\xff', large):
            self.put('f', content)
            self.assertEqual(self.cat('f'), content)
        self.assertEqual(self.cat('f', '--offset', '1M', '--length', '3'), large[1 << 20:(1 << 20) + 3])
        self.assertEqual(self.cat('f', '--offset', '1G'), b'')

    def test_several_files_to_standard_output(self):
        self.put('a', '1')
        self.put('b', '2')
        self.assertEqual(self.run_jzse('cat', 'a', 'b', 'a').stdout, b'121')
        done = self.run_jzse('cat', 'a', 'gone', 'b', code=NOT_FOUND)
        self.assertEqual(done.stdout, b'12')
        self.assertIn('gone', done.stderr.decode())

    def test_get(self):
        source = self.write('in', b'content', mode=0o751, mtime_ns=1_500_000_000_000_000_001)
        self.run_jzse('put', source, 'a/b')
        os.mkdir(self.path('out'))
        self.run_jzse('get', 'a/b', 'out')
        st = os.stat(self.path('out/b'))
        self.assertEqual((st.st_mode & 0o7777, st.st_mtime_ns), (0o751, 1_500_000_000_000_000_001))
        self.assertEqual(self.run_jzse('get', 'a/b', '-').stdout, b'content')
        self.run_jzse('get', 'a/b', cwd=self.path('out'))
        self.run_jzse('get', '-n', 'a/b', 'out/b', code=EXISTS)
        self.run_jzse('get', 'a/b', '/dev/null')
        self.assertTrue(os.path.exists('/dev/null') and not os.path.isfile('/dev/null'))
        self.assertIn('export', self.err('get', 'a', 'x', code=EXISTS))
        self.run_jzse('get', 'gone', 'x', code=NOT_FOUND)
        self.assertFalse(os.path.exists(self.path('x')))
        self.run_jzse('get', 'a/b', 'no/such/directory/x', code=NOT_FOUND)
        self.no_temporary_files(self.dir)

    def test_get_replaces_a_link_and_not_what_it_points_to(self):
        precious = self.write('precious', b'old')
        os.symlink(precious, self.path('link'))
        self.put('f', 'new')
        self.run_jzse('get', 'f', 'link')
        with open(precious, 'rb') as f:
            self.assertEqual(f.read(), b'old')
        self.assertFalse(os.path.islink(self.path('link')))

    def test_conditions(self):
        self.put('f', '1')
        etag = self.json('stat', 'f')[0]['etag']
        self.run_jzse('put', '-', 'f', '-n', input=b'2', code=PRECONDITION)
        self.run_jzse('put', '-', 'f', '--if-match', '0' * 64, input=b'2', code=PRECONDITION)
        self.assertEqual(self.cat('f'), b'1')
        self.run_jzse('put', '-', 'f', '--if-match', etag, input=b'2')
        self.run_jzse('put', '-', 'g', '--if-match', '*', input=b'2', code=PRECONDITION)
        self.run_jzse('rm', 'f', '--if-match', etag, code=PRECONDITION)
        self.assertEqual(self.cat('f'), b'2')

    def test_metadata(self):
        self.run_jzse('put', '-', 'f', '--type', 'text/plain', '--meta', 'by=me', '--meta', 'a=b=c', '--mode', '600')
        info, = self.json('stat', 'f')
        self.assertEqual(info['content_type'], 'text/plain')
        self.assertEqual(info['metadata'], {'by': 'me', 'a': 'b=c'})
        self.assertEqual(info['mode'], '0600')
        self.assertIn('by=me', self.out('stat', 'f'))
        self.assertIn('KEY=VALUE', self.err('put', '-', 'f', '--meta', 'nonsense', code=USAGE))
        self.assertIn('octal', self.err('put', '-', 'f', '--mode', '999', code=USAGE))


class Names(Case):
    def test_wrong_names(self):
        for name in ('a//b', 'a/../b', './a', 'a/.', 'new\nline'):
            self.assertIn('jzse: ', self.err('put', '-', name, input=b'x', code=USAGE), name)
        self.run_jzse('put', '-', 'x' * 5000, input=b'x', code=TOO_LARGE)
        self.assertEqual(self.out('ls', '-R'), '')

    def test_control_characters_never_reach_the_error_output(self):
        text = self.err('cat', 'bad\x1b[31mname', code=USAGE)
        self.assertNotIn('\x1b', text)
        text = self.err('put', 'no\x1bsuch', 'x', code=NOT_FOUND)
        self.assertIn('no\\x1bsuch', text)

    def test_nfd_is_found_as_nfc(self):
        self.put('cafe\u0301.txt', 'x')
        self.assertEqual(self.cat('caf\u00e9.txt'), b'x')
        self.assertEqual(self.lines('ls'), ['caf\u00e9.txt'])

    def test_colons(self):
        self.put(':12:30', 'x')
        self.assertEqual(self.cat('default:12:30'), b'x')
        self.put('Docs:x', 'y')   # no namespace can be called so
        self.assertEqual(sorted(e['path'] for e in self.json('ls')), ['12:30', 'Docs:x'])
        self.assertIn("':nowhere:x'", self.err('cat', 'nowhere:x', code=NOT_FOUND))
        self.assertIn(' :12:30', self.out('log'))

    def test_rm(self):
        self.put('d/a', '1')
        self.put('d/b', '2')
        self.assertIn('-r', self.err('rm', 'd', code=EXISTS))
        self.run_jzse('rm', 'd/a')
        self.run_jzse('rm', 'd/a', code=NOT_FOUND)
        self.run_jzse('rm', '-f', 'd/a')
        self.assertIn('ns drop', self.err('rm', '-r', '/', code=USAGE))
        self.run_jzse('rm', '-r', 'd')
        self.assertEqual(self.out('ls'), '')
        self.assertEqual([e['kind'] for e in self.json('ls', '-R', '--deleted')], ['deleted', 'deleted'])

    def test_cp(self):
        self.put('a', '1')
        self.run_jzse('cp', 'a', 'b')
        self.assertEqual(self.cat('b'), b'1')
        self.run_jzse('cp', '-n', 'a', 'b', code=EXISTS)
        self.run_jzse('cp', 'a', 'b', 'd/')
        self.assertEqual(self.lines('ls', 'd'), ['a', 'b'])
        self.assertIn('-r', self.err('cp', 'd', 'e', code=USAGE))
        self.run_jzse('mkdir', 'd/empty')
        self.run_jzse('cp', '-r', 'd', 'e')
        self.assertEqual(self.lines('ls', 'e'), ['a', 'b', 'empty/'])
        self.run_jzse('cp', '-r', 'd', 'e')   # into it, as it exists
        self.assertEqual(self.lines('ls', 'e/d'), ['a', 'b', 'empty/'])
        self.assertIn('into itself', self.err('cp', '-r', 'd', 'd/x', code=USAGE))
        self.run_jzse('cp', 'gone', 'x', code=NOT_FOUND)

    def test_cp_and_mv_between_namespaces(self):
        self.run_jzse('ns', 'create', 'other')
        self.put('d/a', '1')
        self.put('d/s/b', '2' * 100_000)
        self.run_jzse('cp', '-r', 'd', 'other:copy')
        self.assertEqual(self.lines('ls', '-R', 'other:'), ['copy/a', 'copy/s/b'])
        self.run_jzse('mv', 'd', 'other:')
        self.assertEqual(self.lines('ls', '-R', 'other:'), ['copy/a', 'copy/s/b', 'd/a', 'd/s/b'])
        self.assertEqual(self.out('ls'), '')
        self.assertEqual(self.cat('other:d/s/b'), b'2' * 100_000)

    def test_mv(self):
        self.put('a', '1')
        self.put('d/x', '2')
        before = self.json('stat', 'a')[0]['file']
        self.run_jzse('mv', 'a', 'b')
        self.assertEqual(self.json('stat', 'b')[0]['file'], before)
        self.run_jzse('mv', 'b', 'd')
        self.assertEqual(self.lines('ls', 'd'), ['b', 'x'])
        self.run_jzse('mv', 'd', 'e')
        self.assertEqual(self.lines('ls', '-R'), ['e/b', 'e/x'])
        self.run_jzse('mv', '-n', 'e/b', 'e/x', code=EXISTS)
        self.run_jzse('mv', 'gone', 'x', code=NOT_FOUND)

    def test_mkdir(self):
        self.run_jzse('mkdir', 'a/b', 'c')
        self.assertEqual(self.lines('ls'), ['a/', 'c/'])
        self.assertEqual(self.lines('ls', 'a'), ['b/'])
        self.run_jzse('mkdir', 'c', code=EXISTS)
        self.run_jzse('mkdir', '-p', 'c')
        self.put('f', '')
        self.run_jzse('mkdir', '-p', 'f', code=EXISTS)


class Listings(Case):
    def setUp(self):
        super().setUp()
        for path in ('top', 'photos/a.jpg', 'photos/2023/x.jpg', 'photos/2023/y.jpg', 'photos-old/z'):
            self.put(path, path)

    def test_ls(self):
        self.assertEqual(self.lines('ls'), ['photos-old/', 'photos/', 'top'])
        self.assertEqual(self.lines('ls', 'photos'), ['2023/', 'a.jpg'])
        self.assertEqual(self.lines('ls', 'photos/'), ['2023/', 'a.jpg'])
        self.assertEqual(self.lines('ls', '-R', 'photos'), ['2023/x.jpg', '2023/y.jpg', 'a.jpg'])
        self.assertEqual(self.lines('ls', 'top'), ['top'])
        self.assertEqual(self.lines('ls', '-d', 'photos'), ['photos/'])
        self.run_jzse('ls', 'gone', code=NOT_FOUND)
        self.run_jzse('ls', 'top/', code=NOT_FOUND)
        self.assertEqual(self.lines('ls', '--limit', '1'), ['photos-old/'])
        self.assertEqual(self.lines('ls', '-R', '--after', 'photos/2023/y.jpg'), ['photos/a.jpg', 'top'])
        self.assertEqual(self.lines('ls', 'photos', 'photos-old')[0], 'photos:')

    def test_explicit_directories_come_once(self):
        self.run_jzse('mkdir', 'photos', 'photos/empty')
        self.assertEqual(self.lines('ls'), ['photos/', 'photos-old/', 'top'])
        self.assertEqual(self.lines('ls', 'photos'), ['2023/', 'a.jpg', 'empty/'])

    def test_ls_long(self):
        line = self.lines('ls', '-l', 'top')[0]
        self.assertRegex(line, r'^-\?{9} +3  \d{4}-\d\d-\d\d \d\d:\d\d  top$')
        self.put('k', b'x' * 1536)
        self.assertRegex(self.lines('ls', '-lh', 'k')[0], r' 1\.5K ')

    def test_json(self):
        entries = self.json('ls', '-R')
        self.assertEqual([e['path'] for e in entries][-1], 'top')
        self.assertEqual((entries[-1]['kind'], entries[-1]['size'], entries[-1]['namespace']), ('file', 3, 'default'))
        self.assertEqual(len(entries[-1]['etag']), 64)

    def test_tree(self):
        self.assertEqual(self.lines('tree', 'photos'), [
            'photos/', '├── 2023/', '│   ├── x.jpg', '│   └── y.jpg', '└── a.jpg'])
        self.assertEqual(self.lines('tree', '--ascii', '-L', '1', 'photos'),
                         ['photos/', '|-- 2023/', '`-- a.jpg'])
        self.assertEqual(self.lines('tree', '-d'), [
            'default:', '├── photos/', '│   └── 2023/', '└── photos-old/'])
        self.assertIn('3 directories, 5 files', self.err('tree'))
        self.assertTrue(all(r['path'].count('/') == 1 for r in self.json('tree', '-L', '1', 'photos')))
        self.assertTrue(any(r['path'].count('/') > 1 for r in self.json('tree', 'photos')))
        self.run_jzse('tree', 'gone', code=NOT_FOUND)
        self.run_jzse('tree', 'top', code=EXISTS)

    def test_du(self):
        rows = {r['path']: (r['bytes'], r['files']) for r in self.json('du')}
        size = {p: len(p) for p in ('top', 'photos/a.jpg', 'photos/2023/x.jpg', 'photos-old/z')}
        photos = size['photos/a.jpg'] + 2 * size['photos/2023/x.jpg']
        self.assertEqual(rows, {'photos/': (photos, 3), 'photos-old/': (size['photos-old/z'], 1),
                                '': (photos + size['photos-old/z'] + 3, 5)})
        self.assertEqual(len(self.json('du', '-d', '2')), 4)
        self.assertEqual(len(self.json('du', '-s')), 1)
        self.assertEqual(self.json('du', 'top')[0]['bytes'], 3)
        self.run_jzse('du', 'gone', code=NOT_FOUND)

    def test_keys_namespace(self):
        self.run_jzse('ns', 'create', 'k', 'kind=keys')
        for key in ('k:a//b', 'k:a', 'k:../x', 'k:a/'):
            self.put(key, key)
        self.assertEqual([e['path'] for e in self.json('ls', '-R', 'k:')], ['../x', 'a', 'a/', 'a//b'])
        self.assertEqual([e['path'] for e in self.json('ls', '-R', 'k:a/')], ['a/', 'a//b'])
        self.assertEqual(self.cat('k:a//b'), b'k:a//b')
        self.run_jzse('rm', '-r', 'k:a/')
        self.assertEqual([e['path'] for e in self.json('ls', '-R', 'k:')], ['../x', 'a'])


class History(Case):
    def test_versions_and_restore(self):
        for text in 'one', 'two', 'three':
            self.put('f', text)
        versions = self.json('versions', 'f')
        self.assertEqual([v['size'] for v in versions], [5, 3, 3])
        self.assertEqual([v['current'] for v in versions], [True, False, False])
        oldest = str(versions[-1]['version'])
        self.assertEqual(self.cat('f', '--version', oldest), b'one')
        self.run_jzse('get', 'f', 'out', '--version', oldest)
        with open(self.path('out'), 'rb') as f:
            self.assertEqual(f.read(), b'one')
        self.assertEqual(self.json('stat', 'f', '--version', oldest)[0]['size'], 3)
        self.assertIn('--version', self.err('restore', 'f', code=USAGE))
        self.run_jzse('restore', 'f', '--version', oldest)
        self.assertEqual(self.cat('f'), b'one')
        self.run_jzse('restore', 'f', '--version', '999999', code=NOT_FOUND)
        self.run_jzse('versions', 'f', '--forget', oldest)
        self.run_jzse('cat', 'f', '--version', oldest, code=NOT_FOUND)
        self.run_jzse('versions', 'never', code=NOT_FOUND)
        self.assertIn('(current)', self.lines('versions', 'f')[0])

    def test_undelete(self):
        self.put('f', 'precious')
        self.run_jzse('rm', 'f')
        self.assertEqual([v['kind'] for v in self.json('versions', 'f')], ['deleted', 'file'])
        self.run_jzse('restore', 'f')
        self.assertEqual(self.cat('f'), b'precious')

    def test_log(self):
        self.put('a', '1')
        self.put('b', '2')
        self.run_jzse('mv', 'a', 'c')
        self.run_jzse('rm', 'b')
        self.run_jzse('mkdir', 'd')
        changes = self.json('log')
        self.assertEqual([c['change'] for c in changes][-3:], ['move', 'delete', 'mkdir'])
        self.assertEqual((changes[-3]['old_path'], changes[-3]['path']), ('a', 'c'))
        sequences = [c['sequence'] for c in changes]
        self.assertEqual(sequences, sorted(sequences))
        self.assertEqual(self.json('log', '-n', '2'), changes[-2:])
        self.assertEqual(self.json('log', '--after', str(sequences[-2])), changes[-1:])
        self.assertEqual(self.json('log', '--limit', '1'), changes[:1])
        self.assertEqual([c['path'] for c in self.json('log', 'd')], ['d'])
        self.run_jzse('log', 'nowhere:', code=NOT_FOUND)
        self.assertIn('a -> c', self.out('log'))


class ReadOnly(Case):
    def test_reading_verbs_change_nothing(self):
        self.put('f', 'x' * 100_000)

        def files():
            return {p: os.stat(os.path.join(root, p)).st_mtime_ns
                    for root, _, names in os.walk(os.path.join(self.store, 'segments')) for p in names}
        before = files()
        for args in (['ls'], ['cat', 'f'], ['stat', 'f'], ['du'], ['tree'], ['log'], ['versions', 'f'], ['verify'],
                     ['doctor'], ['config'], ['ns', 'list'], ['export', '/', 'out']):
            self.run_jzse(*args)
        self.assertEqual(files(), before)


cli_case.main()

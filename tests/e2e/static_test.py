#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Static binaries need nothing of the system: no interpreter, no library; they work in an empty root directory (as root),
and names are found there by what is in glibc itself.

    static_test.py RESOLVE BINARY...
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

RESOLVE, BINARIES = sys.argv[1], sys.argv[2:]


class Static(unittest.TestCase):
    def test_needs_nothing(self):
        for binary in BINARIES:
            headers = subprocess.run(['readelf', '-lW', binary], capture_output=True, text=True, check=True).stdout
            dynamic = subprocess.run(['readelf', '-dW', binary], capture_output=True, text=True, check=True).stdout
            self.assertNotIn('INTERP', headers, binary)
            self.assertNotIn('(NEEDED)', dynamic, binary)
            self.assertRegex(headers, r'Elf file type is DYN', binary)  # position-independent
            self.assertTrue(re.search(r'GNU_STACK.*RW ', headers), binary)
            done = subprocess.run(['ldd', binary], capture_output=True, text=True)
            self.assertRegex(done.stdout + done.stderr, 'statically linked|not a dynamic')

    def test_version(self):
        for binary in BINARIES:
            done = subprocess.run([binary, '--version'], capture_output=True, text=True, env={}, check=True)
            self.assertRegex(done.stdout, r'^jzsed? \d+\.\d+\.\d+\n$')

    @unittest.skipUnless(os.geteuid() == 0, 'only root may change the root directory')
    def test_empty_root(self):
        root = tempfile.mkdtemp(prefix='jzse-static-')
        self.addCleanup(shutil.rmtree, root)
        os.mkdir(os.path.join(root, 'etc'))
        for name, text in (('hosts', '127.0.0.9 a-name-of-this-test\n'), ('nsswitch.conf', 'hosts: mdns4_minimal files\n')):
            with open(os.path.join(root, 'etc', name), 'w', encoding='ascii') as file:
                file.write(text)
        for binary in [RESOLVE, *BINARIES]:
            shutil.copy(binary, os.path.join(root, os.path.basename(binary)))

        def run(*words, **options):
            enter = lambda: (os.chroot(root), os.chdir('/'))  # noqa: E731
            return subprocess.run(['/' + os.path.basename(words[0]), *words[1:]], preexec_fn=enter, env={}, timeout=300,
                                  capture_output=True, **options)
        found = run(RESOLVE, 'a-name-of-this-test')
        self.assertEqual((found.returncode, found.stdout), (0, b'127.0.0.9\n'), found.stderr)
        self.assertNotEqual(run(RESOLVE, 'no-such-name').returncode, 0)
        for binary in BINARIES:
            if not os.path.basename(binary).startswith('jzse-'):
                continue
            self.assertEqual(run(binary, 'init', '/store').returncode, 0)
            self.assertEqual(run(binary, '-s', '/store', 'put', '-', 'a', input=b'x' * 100_000).returncode, 0)
            self.assertEqual(run(binary, '-s', '/store', 'cat', 'a').stdout, b'x' * 100_000)
            self.assertEqual(run(binary, '-s', '/store', 'verify').returncode, 0)


if __name__ == '__main__':
    outcome = unittest.main(argv=sys.argv[:1], exit=False).result
    bad = len(outcome.failures) + len(outcome.errors)
    print(f'{outcome.testsRun - bad - len(outcome.skipped)} passed, {bad} failed, {len(outcome.skipped)} skipped')
    sys.exit(1 if bad or outcome.testsRun == 0 else 0)

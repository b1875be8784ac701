# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command share: a store of its own for each test, the program as a user runs it.

A test file ends with `cli_case.main()`; its one argument is the path of the built jzse. The last line printed is
"N passed, N failed" for tests/checks/summary.py.
"""
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

JZSE = ''
OK, FAILED, USAGE, NOT_FOUND, EXISTS, PRECONDITION, CORRUPT, LOCKED, NO_SPACE, READ_ONLY = range(10)
TOO_LARGE = 10


def environment(**changes):
    env = {k: v for k, v in os.environ.items() if k not in ('JZSE_STORE', 'NO_COLOR')}
    env.update(LC_ALL='C.UTF-8', TZ='UTC', **changes)
    return env


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='jzse-cli-')
        self.addCleanup(self.remove)
        self.store = os.path.join(self.dir, 'store')
        self.run_jzse('init', self.store)

    def remove(self):
        for root, dirs, _ in os.walk(self.dir):
            for name in dirs:
                path = os.path.join(root, name)
                if not os.path.islink(path):
                    os.chmod(path, 0o700)
        shutil.rmtree(self.dir)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def run_jzse(self, *args, code=OK, input=b'', env=None, cwd=None, store=True, timeout=600):
        """Runs it to the end and checks the exit code; stdout and stderr are bytes in the result. Another process that still has the
        store is waited for, since nobody knows for how long a loaded machine needs it."""
        if '--wait' not in args:
            args = ('--wait', '300', *args)
        env = env or environment()
        if store:
            env = dict(env, JZSE_STORE=self.store)
        done = subprocess.run([JZSE, *args], input=input, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=env, cwd=cwd or self.dir, timeout=timeout)
        self.assertEqual(done.returncode, code, (args, done.stdout[-2000:], done.stderr[-2000:]))
        return done

    def out(self, *args, **options):
        return self.run_jzse(*args, **options).stdout.decode()

    def err(self, *args, **options):
        return self.run_jzse(*args, **options).stderr.decode()

    def lines(self, *args, **options):
        return self.out(*args, **options).splitlines()

    def json(self, *args, **options):
        """One object a line."""
        return [json.loads(line) for line in self.out('--json', *args, **options).splitlines()]

    def put(self, path, content):
        self.run_jzse('put', '-', path, input=content if isinstance(content, bytes) else content.encode())

    def cat(self, path, *args):
        return self.run_jzse('cat', path, *args).stdout

    def write(self, name, content=b'', mode=0o644, mtime_ns=None):
        """A real file below the test's directory."""
        path = os.path.join(os.fsencode(self.dir), name if isinstance(name, bytes) else os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(content)
        os.chmod(path, mode)
        if mtime_ns is not None:
            os.utime(path, ns=(mtime_ns, mtime_ns))
        return os.fsdecode(path)

    def no_temporary_files(self, directory):
        left = [name for _, dirs, files in os.walk(directory) for name in dirs + files if name.startswith('.jzse-')]
        self.assertEqual(left, [])


def snapshot(directory):
    """{path: (kind, mode, mtime_ns, content or target)} of everything below."""
    found = {}
    for root, dirs, files in os.walk(directory):
        for name in dirs + files:
            path = os.path.join(root, name)
            st = os.lstat(path)
            if stat.S_ISLNK(st.st_mode):
                value = ('link', 0, st.st_mtime_ns, os.readlink(path))
            elif stat.S_ISDIR(st.st_mode):
                value = ('directory', stat.S_IMODE(st.st_mode), st.st_mtime_ns, '')
            else:
                with open(path, 'rb') as f:
                    value = ('file', stat.S_IMODE(st.st_mode), st.st_mtime_ns, f.read())
            found[os.path.relpath(path, directory)] = value
    return found


def main():
    global JZSE
    JZSE = os.path.abspath(sys.argv.pop(1))
    sys.modules['cli_case'].JZSE = JZSE
    result = unittest.main(module='__main__', exit=False, verbosity=1).result
    bad = len({str(test) for test, _ in result.failures + result.errors})
    skipped = len(result.skipped)
    print(f'{result.testsRun - bad - skipped} passed, {bad} failed, {skipped} skipped')
    sys.exit(1 if bad or result.testsRun == 0 else 0)

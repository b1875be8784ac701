# SPDX-License-Identifier: Apache-2.0
"""What the tests of the examples share: PROGRAM and SEED from the command line, a fresh folder, the count line."""
import os
import pathlib
import sys
import tempfile
import unittest


class Case(unittest.TestCase):
    program = ''
    seed = 1

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='jzse-example-')
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)


def main(usage, arguments=1):
    """Runs the cases of the program that was started. Tests take PROGRAM, or `arguments` words in its place."""
    if len(sys.argv) < 1 + arguments:
        sys.exit(usage)
    words = sys.argv[1:1 + arguments]
    Case.program = words[0] if arguments == 1 else words
    Case.seed = int(sys.argv[1 + arguments]) if len(sys.argv) > 1 + arguments else 1
    ran = unittest.main(argv=[sys.argv[0]], exit=False, verbosity=1).result
    failed = len(ran.failures) + len(ran.errors)
    if failed:
        print(f'replay: {sys.executable} {os.path.relpath(sys.argv[0])} {" ".join(words)} {Case.seed}')
    print(f'{ran.testsRun - failed - len(ran.skipped)} passed, {failed} failed')
    return 1 if failed or ran.testsRun == 0 else 0

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Extracts and runs every block of a page:  tutorials_test.py PAGE...

The rule for a page. Its blocks of c, cpp or python are, in order, one program: tutorial.c, tutorial.cpp or tutorial.py in an
empty folder. Its blocks of sh run there in order, as one script that stops at the first failure; a program that no such
block runs (python) runs after them. All blocks of text, in order, are what all of this prints; there `...` stands for
anything within a line. A block of another kind is an error, so that none stays unproved.

Environment, set by Meson: CC, CXX, the compilers; JZSE_BIN, the folder of the command jzse; JZSE_INCLUDE and JZSE_LIB, the
folders of the headers and of the library that was built, which pkg-config tells the blocks; for Python PYTHONPATH."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PROGRAMS = {'c': 'tutorial.c', 'cpp': 'tutorial.cpp', 'python': 'tutorial.py'}
BLOCK = re.compile(r'^```(\w*)\n(.*?)^```$', flags=re.S | re.M)


def blocks(page):
    text = page.read_text(encoding='utf-8')
    found = [(match[1], match[2]) for match in BLOCK.finditer(text)]
    unknown = {kind for kind, _ in found} - {*PROGRAMS, 'sh', 'text'}
    assert not unknown, f'{page.name}: blocks of {unknown}'
    assert text.count('```') == 2 * len(found), f'{page.name}: a block that does not end, or not on a line of its own'
    return found


def program_of(page, found):
    kinds = {kind for kind, _ in found if kind in PROGRAMS}
    assert len(kinds) <= 1, f'{page.name}: more than one language'
    kind = kinds.pop() if kinds else None
    return kind, '\n'.join(block for k, block in found if k == kind)


def matches(shown, printed):
    pattern = '.*'.join(re.escape(part) for part in shown.split('...'))
    return re.fullmatch(pattern, printed) is not None


def difference(shown, printed):
    """The first line that is not as shown."""
    ours, theirs = shown.splitlines(), printed.splitlines()
    for number, (a, b) in enumerate(zip(ours + [''] * len(theirs), theirs + [''] * len(ours)), 1):
        if not matches(a, b):
            return f'line {number} is not {a!r} but {b!r}'
    return None


def run(page):
    """What is wrong with the page, or None."""
    found = blocks(page)
    kind, program = program_of(page, found)
    script = 'set -eu\n' + ''.join(block for k, block in found if k == 'sh')
    if kind == 'python':
        script += f'{sys.executable} tutorial.py\n'
    with tempfile.TemporaryDirectory(prefix='jzse-tutorial-') as folder:
        if kind:
            pathlib.Path(folder, PROGRAMS[kind]).write_text(program)
        tools = prepare(pathlib.Path(folder))
        env = {name: value for name, value in os.environ.items() if name != 'JZSE_STORE'}
        env.update(HOME=folder, LC_ALL='C.UTF-8', TZ='UTC', **tools)
        done = subprocess.run(['bash', '-c', script], cwd=folder, env=env, capture_output=True, text=True, timeout=500)
    if done.returncode != 0:
        return f'exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}'
    return difference(''.join(block for k, block in found if k == 'text'), done.stdout)


def prepare(folder):
    """Makes `cc` and `c++` the compilers of this build and its library the one that pkg-config finds; the environment."""
    tools = folder / '.tools'
    tools.mkdir()
    for name, words in (('cc', os.environ.get('CC', 'gcc')), ('c++', os.environ.get('CXX', 'g++'))):
        (tools / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (tools / name).chmod(0o755)
    include, lib = (os.path.abspath(os.environ.get(name, '')) for name in ('JZSE_INCLUDE', 'JZSE_LIB'))
    (tools / 'jzse.pc').write_text(f'Name: jzse\nDescription: as built\nVersion: 0\nCflags: -I{include}\nLibs: -L{lib} -ljzse\n')
    path = os.pathsep.join([str(tools), os.path.abspath(os.environ.get('JZSE_BIN', '')), os.environ['PATH']])
    return {'PATH': path, 'PKG_CONFIG_PATH': str(tools), 'LD_LIBRARY_PATH': lib}


def self_test():
    assert matches('a ... b', 'a long way to b') and not matches('a ... b', 'a long way to c')
    assert difference('x\ny\n', 'x\ny\n') is None and difference('x\n', 'x\ny\n') and difference('x\ny\n', 'x\n')
    assert difference('a...\n', 'abc\n') is None and difference('a.b\n', 'axb\n')


def main():
    self_test()
    failed = 0
    for page in map(pathlib.Path, sys.argv[1:]):
        wrong = run(page)
        if wrong:
            failed += 1
            print(f'{page.name}: {wrong}')
    print(f'{len(sys.argv) - 1 - failed} passed, {failed} failed')
    return 1 if failed or len(sys.argv) == 1 else 0


sys.exit(main())

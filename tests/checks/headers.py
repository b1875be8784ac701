#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each public header compiles on its own, without a warning, in every language it promises: jzse.h as C99 to C17 and
as C++, jzse.hpp as C++ (C++17 where it allows, C++20 always).

    headers.py INCLUDE_FOLDER 'C COMPILER' 'C++ COMPILER'
"""
import os
import re
import shlex
import subprocess
import sys

STRICT = ['-pedantic-errors', '-Wall', '-Wextra', '-Wno-missing-field-initializers', '-Werror', '-fsyntax-only']


def compiles(compiler, language, standard, folder, source):
    command = shlex.split(compiler) + [f'-std={standard}', *STRICT, '-I', folder, '-x', language, '-']
    result = subprocess.run(command, input=source, capture_output=True, text=True)
    return result.returncode == 0, result.stderr


def main():
    folder, cc, cxx = sys.argv[1:4]
    include = '#include <jzse/jzse.h>\n'
    assert compiles(cc, 'c', 'c99', folder, 'int main(void) { return 0; }\n')[0], 'the compiler does not work'
    assert not compiles(cc, 'c', 'c99', folder, 'int main(void) { return ({ 0; }); }\n')[0], 'not strict'
    with open(os.path.join(folder, 'jzse', 'jzse.h'), encoding='utf-8') as header:
        use = initialisers(header.read())
    jobs = [(cc, 'c', s, include + use) for s in ('c99', 'c11', 'c17')]
    jobs += [(cxx, 'c++', s, include + use) for s in ('c++11', 'c++17', 'c++20')]
    if os.path.exists(os.path.join(folder, 'jzse', 'jzse.hpp')):
        jobs += [(cxx, 'c++', 'c++20', '#include <jzse/jzse.hpp>\n')]
    failed = 0
    for compiler, language, standard, source in jobs:
        ok, errors = compiles(compiler, language, standard, folder, source)
        if not ok:
            failed += 1
            print(f'{standard}: {source.splitlines()[0]}\n{errors}')
    print(f'{len(jobs) - failed} passed, {failed} failed')
    return 1 if failed else 0


def initialisers(header):
    """One variable for every JZSE_*_INIT: they are part of the promise and must compile without a warning too."""
    names = re.findall(r'#define JZSE_(\w+)_INIT\b', header)
    assert len(names) > 5, names
    return ''.join(f'jzse_{n.lower()} v_{n.lower()} = JZSE_{n}_INIT;\n' for n in names)


sys.exit(main())

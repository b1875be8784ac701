#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each public header compiles on its own, without a warning, in every language it promises: jzse.h as C99 to C17 and
as C++, jzse.hpp as C++17 and C++20. What is a template in jzse.hpp is compiled by a program that uses all of it, with and
without exceptions and RTTI, and by the other compiler too where it is installed.

    headers.py INCLUDE_FOLDER PROGRAM 'C COMPILER' 'C++ COMPILER'
"""
import os
import re
import shlex
import shutil
import subprocess
import sys

STRICT = ['-pedantic-errors', '-Wall', '-Wextra', '-Werror', '-fsyntax-only']


CONVERSIONS = ['-Wconversion', '-Wshadow']


def compiles(compiler, language, standard, folder, source, *flags):
    command = shlex.split(compiler) + [f'-std={standard}', *STRICT, *flags, '-I', folder, '-x', language, '-']
    result = subprocess.run(command, input=source, capture_output=True, text=True)
    return result.returncode == 0, result.stderr


def main():
    folder, program, cc, cxx = sys.argv[1:5]
    include = '#include <jzse/jzse.h>\n'
    assert compiles(cc, 'c', 'c99', folder, 'int main(void) { return 0; }\n')[0], 'the compiler does not work'
    assert not compiles(cc, 'c', 'c99', folder, 'int main(void) { return ({ 0; }); }\n')[0], 'not strict'
    with open(os.path.join(folder, 'jzse', 'jzse.h'), encoding='utf-8') as header:
        use = initialisers(header.read())
    jobs = [(cc, 'c', s, include + use) for s in ('c99', 'c11', 'c17')]
    jobs += [(cxx, 'c++', s, include + use) for s in ('c++11', 'c++17', 'c++20')]
    with open(program, encoding='utf-8') as file:
        everything = file.read()
    used = '#include <jzse/jzse.hpp>\nint a() { return jzse::Store::Open("").code(); }\n'
    assert not compiles(cxx, 'c++', 'c++17', folder, used + 'char b(int c) { return c; }\n', *CONVERSIONS)[0]
    plain = ['-fno-exceptions', '-fno-rtti']
    for compiler in [cxx] + [c for c in ('g++', 'clang++') if c != os.path.basename(shlex.split(cxx)[-1])
                             and shutil.which(c)]:
        for standard in ('c++17', 'c++20'):
            jobs += [(compiler, 'c++', standard, f'#include <jzse/{name}.hpp>\n', *CONVERSIONS)
                     for name in ('jzse', 'values')]
            jobs += [(compiler, 'c++', standard, everything, *CONVERSIONS, *flags) for flags in ([], plain)]
    failed = 0
    for compiler, language, standard, source, *flags in jobs:
        ok, errors = compiles(compiler, language, standard, folder, source, *flags)
        if not ok:
            failed += 1
            print(f'{compiler} {standard} {" ".join(flags)}: {source.splitlines()[0]}\n{errors}')
    print(f'{len(jobs) - failed} passed, {failed} failed')
    return 1 if failed else 0


def initialisers(header):
    """One variable for every JZSE_*_INIT: they are part of the promise and must compile without a warning too."""
    names = re.findall(r'#define JZSE_(\w+)_INIT\b', header)
    assert len(names) > 5, names
    return ''.join(f'jzse_{n.lower()} v_{n.lower()} = JZSE_{n}_INIT;\n' for n in names)


sys.exit(main())

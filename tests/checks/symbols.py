#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""libjzse exports exactly the functions that jzse.h declares, and both are exactly the list in symbols.txt, so that
adding or dropping one is a visible decision.

    symbols.py LIBRARY HEADER LIST            compares
    symbols.py --write HEADER LIST            rewrites the list from the header
"""
import re
import subprocess
import sys


def declared(header):
    """Names of the functions declared with JZSE_API; comments and the macro's own definition do not count."""
    text = re.sub(r'/\*.*?\*/', '', header, flags=re.S)
    text = re.sub(r'^\s*#.*?(?<!\\)$', '', text, flags=re.M)
    return re.findall(r'\bJZSE_API\b[^;(]*?\b(\w+)\s*\(', text)


def exported(library):
    lines = subprocess.run(['nm', '-D', '--defined-only', library], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    fields = [line.split() for line in lines]
    # 'A' is the name of the version node itself.
    return [f[-1].split('@')[0] for f in fields if f and f[-2] != 'A']


def differences(title, names, wanted):
    return ([f'{title}: {name} is missing' for name in sorted(set(wanted) - set(names))] +
            [f'{title}: {name} is not in the list' for name in sorted(set(names) - set(wanted))])


def main():
    example = '#define JZSE_API x(y)\n/* JZSE_API int no(void); */\nJZSE_API const char *jzse_a(int (*f)(void),\n int);'
    assert declared(example) == ['jzse_a'], declared(example)
    assert differences('t', ['a', 'b'], ['a', 'c']) == ['t: c is missing', 't: b is not in the list']
    if sys.argv[1] == '--write':
        names = sorted(declared(open(sys.argv[2], encoding='utf-8').read()))
        open(sys.argv[3], 'w', encoding='utf-8').write('\n'.join(names) + '\n')
        return 0
    library, header, listed = sys.argv[1:4]
    wanted = open(listed, encoding='utf-8').read().split('\n')[:-1]
    problems = [] if wanted == sorted(set(wanted)) else ['symbols.txt is not sorted, or repeats a name']
    problems += differences('exported', exported(library), wanted)
    problems += differences('declared', declared(open(header, encoding='utf-8').read()), wanted)
    problems += [f'{name} does not begin with jzse_' for name in wanted if not name.startswith('jzse_')]
    for problem in problems:
        print(problem)
    print(f'{len(wanted)} symbols, {len(problems)} problems')
    return 1 if problems or not wanted else 0


sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every function of the C API is used by jzse.hpp, so that a C++ host never has to go around it; what is left out is
listed here with the reason.   hpp_symbols.py LIST FOLDER_OF_HEADERS"""
import os
import re
import sys

LEFT_OUT = {}  # function: why a host does not need it


def check(symbols, text, left_out):
    code = re.sub(r'//.*', '', text)
    used = set(re.findall(r'\bjzse_\w+', code))
    return ([f'{name} is not used by jzse.hpp' for name in symbols if name not in used and name not in left_out] +
            [f'{name} is used, but listed as left out' for name in left_out if name in used] +
            [f'{name} is left out without a reason' for name, why in left_out.items() if not why])


def main():
    assert check(['jzse_a', 'jzse_b'], 'jzse_a(); // jzse_b', {}) == ['jzse_b is not used by jzse.hpp']
    assert check(['jzse_a', 'jzse_a_b'], 'jzse_a_b()', {'jzse_a': 'x'}) == []
    assert len(check(['jzse_a'], 'jzse_a()', {'jzse_a': ''})) == 2
    with open(sys.argv[1], encoding='utf-8') as file:
        symbols = file.read().split()
    text = ''
    for name in sorted(os.listdir(sys.argv[2])):
        if name.endswith('.hpp'):
            with open(os.path.join(sys.argv[2], name), encoding='utf-8') as file:
                text += file.read()
    problems = check(symbols, text, LEFT_OUT)
    for problem in problems:
        print(problem)
    print(f'{len(symbols)} functions, {len(problems)} problems')
    return 1 if problems or not symbols else 0


sys.exit(main())

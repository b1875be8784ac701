#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every source file says its licence on top and stays below 800 lines: sizes.py ROOT"""
import sys

import files

LINES_MAX = 800
SPDX = 'SPDX-License-Identifier: Apache-2.0'


def check(name, text):
    lines = text.splitlines()
    found = []
    if len(lines) > LINES_MAX:
        found.append(f'{name}: {len(lines)} lines; split it before {LINES_MAX}')
    if not any(SPDX in line for line in lines[:2]):
        found.append(f'{name}: no line "{SPDX}" on top')
    return found


def main():
    assert check('a.cc', '// ' + SPDX + '\n') == []
    assert check('a.cc', '#!/bin/sh\n# ' + SPDX + '\n') == []
    assert len(check('a.cc', 'int a;\n')) == 1
    assert len(check('a.cc', '// ' + SPDX + '\n' * (LINES_MAX + 1))) == 1
    root = sys.argv[1]
    names = files.source_files(root)
    return files.report([p for name in names for p in check(name, files.read(root, name))], len(names))


sys.exit(main())

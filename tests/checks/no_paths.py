#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No file of the project names the machine it was written on: not this checkout's folder, nor the folder above it,
nor anyone's home or scratch folder.   no_paths.py ROOT"""
import os
import re
import sys

import files

EVERYONES = {'/', '/tmp', '/var/tmp', '/home', '/opt', '/src', '/srv', '/usr', '/usr/src', '/root', '/mnt', '/build'}
PERSONAL = [r'/home/[a-z]\w*/', r'/tmp/\w+_jobs\b']


def pattern(root):
    places = {p for p in (root, os.path.dirname(root)) if p not in EVERYONES}
    # A name that only ends like one of these places ("tree/place/") is no path of this machine.
    return re.compile('|'.join([rf'(?<![\w.$}}-]){re.escape(p)}/' for p in sorted(places)] + PERSONAL))


def check(name, text, personal):
    return [f'{name}:{number}: a path of one machine: {line.strip()[:100]}'
            for number, line in enumerate(text.splitlines(), 1) if personal.search(line)]


def main():
    example = pattern('/place' + '/checkout')
    assert check('a', 'x=/place' + '/other', example) and check('a', 'y=/home' + '/ann/x', example)
    assert check('a', '/tmp/some' + '_jobs.0/1', example)
    assert not check('a', 'tree/place/other /tmp/x /usr/include/', example)
    root = os.path.realpath(sys.argv[1])
    names = files.project_files(root)
    personal = pattern(root)
    return files.report([p for name in names for p in check(name, files.read(root, name), personal)], len(names))


sys.exit(main())

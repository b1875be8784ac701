#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing of a planted bug is in an ordinary library, and bugs, their list and the record of what caught them agree:
planted.py ROOT [LIBJZSE]"""
import re
import sys
from pathlib import Path

USE = re.compile(r'base::Planted\(')
NAME = re.compile(r'base::Planted\("([a-z0-9-]+)"\)')


def traces(names, library):
    """What is left of the bugs in the bytes of a library."""
    return [word for word in ['JZSE_PLANTED', *sorted(names)] if word.encode() in library]


def planted_in(text):
    if len(USE.findall(text)) != len(NAME.findall(text)):
        raise SystemExit('a planted bug is not named by a literal')
    return set(NAME.findall(text))


def main():
    assert traces({'a-bug', 'none'}, b'..a-bug..') == ['a-bug'] and traces(set(), b'JZSE_PLANTED') and not traces({'x-y'}, b'z')
    assert planted_in('if (base::Planted("a-bug")) {') == {'a-bug'}
    root = Path(sys.argv[1])
    sys.path.insert(0, str(root / 'tests' / 'planted'))
    from bugs import BUGS
    in_lib = set().union(*(planted_in(path.read_text()) for path in sorted((root / 'lib').rglob('*.cc'))))
    listed = [bug.name for bug in BUGS]
    recorded = re.findall(r'^\| `([a-z0-9-]+)` \|', (root / 'tests' / 'planted' / 'README.md').read_text(), re.M)
    problems = [f'{name}: in lib/ and not in tests/planted/bugs.py' for name in sorted(in_lib - set(listed))]
    problems += [f'{name}: in tests/planted/bugs.py and not in lib/' for name in sorted(set(listed) - in_lib)]
    if recorded != listed:
        problems.append('the table of tests/planted/README.md is not that of bugs.py: ' +
                        ' '.join(sorted(set(listed) ^ set(recorded))))
    if len(sys.argv) > 2:
        library = Path(sys.argv[2]).read_bytes()
        assert b'jzse_store_open' in library
        problems += [f'{word}: is in {sys.argv[2]}' for word in traces(listed, library)]
    for problem in problems:
        print(problem)
    print(f'{len(listed)} planted bugs, {len(problems)} problems')
    return 1 if problems or not listed else 0


sys.exit(main())

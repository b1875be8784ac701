#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which error branches did no test take? branches.py ROOT JSON OUT

JSON is what `llvm-cov export` printed. An error branch is the failing side of JZSE_RETURN_IF_ERROR and JZSE_ASSIGN_OR_RETURN, a
return behind `if (...ok()...)`, and every return of a failure that is made there (`Fail`, or one of its helpers: MAKERS), in the
folders of lib/ below. How many there are of each folder is printed.

untaken.txt beside this script explains those that cannot be taken: "file -- text of the line -- why", one line for each branch.
Those that were never taken and are not explained go to OUT, one "file:line: text" each, and so do explanations that fit no
branch, or one that was taken; the exit code is 1 if there are any."""
import bisect
import collections
import json
import re
import sys
from pathlib import Path

FOLDERS = ('base', 'model', 'io', 'store', 'engine')
MACRO = re.compile(r'\bJZSE_(?:RETURN_IF_ERROR|ASSIGN_OR_RETURN)\(')
MAKERS = 'Fail Refuse Bad ErrnoFailure Malformed Corrupt NotFound Exists Damaged Annotated Missing Broken BrokenLocked'.split()
PLAIN = re.compile(r'\breturn (?:base::)?(?:' + '|'.join(MAKERS) + r')\(|\bif \([^;{}]*?\.ok\(\)[^;{}]*?\)\s*(?P<then>return\b)')
CODE, EXPANSION = 0, 1


def places(text, offsets):
    """Line and column, from 1, of each offset."""
    begins = [0] + [match.end() for match in re.finditer('\n', text)]
    for offset in offsets:
        line = bisect.bisect_right(begins, offset)
        yield line, offset - begins[line - 1] + 1


def without_comments(text):
    return re.sub(r'//[^\n]*', lambda match: ' ' * len(match[0]), text)


def sites(text):
    """(line, column) of macros, and of the plain returns."""
    text = without_comments(text)
    macros = set(places(text, [m.start() for m in MACRO.finditer(text)]))
    plain = set(places(text, [m.start('then') if m['then'] else m.start() for m in PLAIN.finditer(text)]))
    return macros, plain


def returns_in_macros(text):
    """Where status.h spells what the macros return: the failing side."""
    return set(places(text, [m.start() for m in re.finditer(r'return (?:jzse_status_|tmp\.status\(\));', text)]))


def innermost(regions, place):
    """The count of the smallest region around a place, or None."""
    around = [r for r in regions if (r[0], r[1]) <= place < (r[2], r[3])]
    return min(around, key=lambda r: (r[2] - r[0], r[3] - r[1]))[4] if around else None


class Counts:
    def __init__(self, root):
        self.root = root
        self.taken = collections.Counter()  # (file, line, column) -> how often, in whichever instance most
        self.sites = {}
        self.failing = returns_in_macros((root / 'lib/base/status.h').read_text())
        for folder in FOLDERS:
            for path in sorted((root / 'lib' / folder).iterdir()):
                if path.suffix in ('.cc', '.h'):
                    self.sites[str(path)] = sites(path.read_text())
        self.sites.pop(str(root / 'lib/base/status.h'))

    def add(self, function):
        names = [str(Path(name).resolve()) for name in function['filenames']]
        of_file = collections.defaultdict(list)
        for region in function['regions']:
            of_file[region[5]].append(region)
        for number, regions in of_file.items():
            if names[number] not in self.sites:
                continue
            macros, plain = self.sites[names[number]]
            code = [r for r in regions if r[7] == CODE]
            first, last = min((r[0], r[1]) for r in regions), max((r[2], r[3]) for r in regions)
            for place in plain:
                if first <= place < last:
                    self.note(names[number], place, innermost(code, place) or 0)
            for region in regions:
                if region[7] == EXPANSION and (region[0], region[1]) in macros:
                    self.note(names[number], (region[0], region[1]), self.failed(of_file, region[6]))

    def failed(self, of_file, number):
        """How often the failing side of one expansion was taken; a macro may expand to another one."""
        code = [r for r in of_file[number] if r[7] == CODE]
        counts = [innermost(code, place) for place in self.failing]
        nested = [self.failed(of_file, r[6]) for r in of_file[number] if r[7] == EXPANSION]
        return max([count for count in counts if count is not None] + nested, default=0)

    def note(self, name, place, count):
        self.taken[(name, *place)] = max(self.taken[(name, *place)], count)

    def report(self, explained, out):
        problems = 0
        for folder in FOLDERS:
            total = missed = 0
            for name, kinds in self.sites.items():
                path = Path(name)
                if path.parent.name != folder:
                    continue
                lines = path.read_text().splitlines()
                for line, column in sorted(set().union(*kinds)):
                    total += 1
                    if self.taken[(name, line, column)]:
                        continue
                    missed += 1
                    branch = (str(path.relative_to(self.root)), lines[line - 1].strip())
                    if explained[branch] > 0:
                        explained[branch] -= 1
                        continue
                    problems += 1
                    print(f'{branch[0]}:{line}: {branch[1]}', file=out)
            print(f'{folder:8} {total - missed} of {total} error branches taken')
        print(f'{problems} branches never taken that are not explained')
        stale = [branch for branch, left in explained.items() for _ in range(left)]
        for name, text in stale:
            print(f'{name}: explained, but taken or not there: {text}', file=out)
        print(f'{len(stale)} explanations of branches that were taken, or are not there')
        return problems + len(stale)


def explanations(path):
    """(file, text of the line) -> how many branches of that text are explained."""
    explained = collections.Counter()
    for line in path.read_text().splitlines():
        if line and not line.startswith('#'):
            name, text, reason = line.split(' -- ', 2)
            assert reason
            explained[(name, text)] += 1
    return explained


def main():
    root = Path(sys.argv[1]).resolve()
    counts = Counts(root)
    with open(sys.argv[2]) as json_in:
        for part in json.load(json_in)['data']:
            for function in part['functions']:
                counts.add(function)
    with open(sys.argv[3], 'w') as out:
        failed = counts.report(explanations(Path(__file__).parent / 'untaken.txt'), out)
    if failed:
        print(f'see {sys.argv[3]}')
    sys.exit(1 if failed else 0)


main()

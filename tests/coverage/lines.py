#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How many lines of each folder of lib/ do tests reach, and which not? lines.py ROOT JSON OUT

JSON is what `llvm-cov export` printed. As llvm-cov counts itself: a line belongs to the regions that begin on it and to the
one that reaches into it, and is reached if any of those is. OUT gets one "file: lines" for each file with lines that are not."""
import collections
import json
import sys
from pathlib import Path

FOLDERS = ('base', 'model', 'store', 'engine', 'io', 'capi')


def lines_of(segments):
    """Line -> whether it is reached, of one file; without those that hold no code."""
    lines, wrapped = {}, None
    on_line = collections.defaultdict(list)
    for line, _, count, has_count, entry, gap in segments:
        on_line[line].append((count, has_count, entry, gap))
    if not on_line:
        return lines
    for line in range(min(on_line), max(on_line) + 1):
        own = on_line.get(line, [])
        starts = [count for count, has_count, entry, gap in own if has_count and entry and not gap]
        skipped = bool(own) and not own[0][1] and own[0][2]
        if not skipped and ((wrapped is not None and wrapped[1]) or starts):
            counts = starts + ([wrapped[0]] if wrapped is not None and wrapped[1] else [])
            lines[line] = max(counts) > 0
        if own:
            wrapped = own[-1]
    return lines


def spans(numbers):
    parts = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ' '.join(str(a) if a == b else f'{a}-{b}' for a, b in parts)


def main():
    root = Path(sys.argv[1]).resolve()
    total, reached = collections.Counter(), collections.Counter()
    with open(sys.argv[2]) as json_in, open(sys.argv[3], 'w') as out:
        for file in sorted(json.load(json_in)['data'][0]['files'], key=lambda file: file['filename']):
            path = Path(file['filename']).resolve()
            if root / 'lib' not in path.parents:
                continue
            lines = lines_of(file['segments'])
            folder = path.parent.name
            total[folder] += len(lines)
            reached[folder] += sum(lines.values())
            missed = [line for line, hit in sorted(lines.items()) if not hit]
            if missed:
                print(f'{path.relative_to(root)}: {spans(missed)}', file=out)
    for folder in FOLDERS:
        if total[folder]:
            print(f'{folder:8} {100 * reached[folder] / total[folder]:5.1f} % of {total[folder]} lines')


main()

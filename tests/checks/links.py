#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Links of our pages lead somewhere: the file exists, the heading too, and a link whose text is `a name` leads to a file
that holds this name (so that a page that names a test notices when it is gone).   links.py ROOT"""
import os
import re
import sys

import files

LINK = re.compile(r'\[(?P<text>[^\]\n]+)\]\((?P<target>[^)\s]+)\)')
FENCE = re.compile(r'^```.*?^```$', flags=re.S | re.M)


def anchors(text):
    """Headings as the usual renderers name them."""
    headings = re.findall(r'^#+ (.*)$', FENCE.sub('', text), flags=re.M)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).strip().replace(' ', '-') for heading in headings}


def check(name, text, read):
    """`read` gives the text of a file, '' of a folder, None if there is nothing."""
    problems = []
    for link in LINK.finditer(FENCE.sub('', text)):
        path, _, heading = link['target'].partition('#')
        if re.match(r'\w+:', path):
            continue
        target = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
        found = text if target == name else read(target)
        named = re.fullmatch(r'`(.*)`', link['text'])
        if found is None:
            problems.append(f'{name}: no file {target}')
        elif heading and heading not in anchors(found):
            problems.append(f'{name}: {target} has no heading #{heading}')
        elif named and found and '/' not in named[1] and named[1] not in found:
            problems.append(f'{name}: {target} does not hold {named[1]}')
    return problems


def self_test():
    there = {'a/b.c': 'TEST(first)', 'a/c.md': '# The End, at 8\n', 'd': ''}
    good = '[x](b.c) [`first`](b.c) [y](c.md#the-end-at-8) [z](../d) [w](https://example.org/x) [`b.c`](b.c)'
    assert check('a/p.md', good.replace('[`b.c`](b.c)', ''), there.get) == []
    for bad in ('[x](no.c)', '[`second`](b.c)', '[y](c.md#other)', '[z](#other)'):
        assert len(check('a/p.md', bad, there.get)) == 1, bad


def main():
    self_test()
    root = sys.argv[1]

    def read(name):
        path = os.path.join(root, name)
        return files.read(root, name) if os.path.isfile(path) else '' if os.path.isdir(path) else None
    pages = [name for name in files.project_files(root) if name.endswith('.md')]
    return files.report([p for name in pages for p in check(name, files.read(root, name), read)], len(pages))


sys.exit(main())

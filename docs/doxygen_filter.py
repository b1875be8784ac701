#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Doxygen is shown of a public header:  doxygen_filter.py HEADER

The headers are written to be read as they are, with plain comments. Here a comment on lines of its own documents what
follows it, up to the next empty line: of several declarations each gets it. A comment behind a declaration documents that
one. A ruler (dashes and a title) begins a group. The comment on top describes the file, as it stands."""
import re
import sys

RULER = re.compile(r'^/\* -{4,} (.*?) \*/$')
DECLARATION = re.compile(r'^(JZSE_API|typedef|struct|enum) ')


def plain(text):
    """A comment's text, without anything that means something to Doxygen."""
    lines = [re.sub(r'^\s*\*? ?', '', line) for line in re.sub(r'^/\*+\s?|\s*\*/$', '', text).split('\n')]
    return re.sub(r'([\\@<>#&%"])', r'\\\1', '\n'.join(lines))


def c_style(text):
    """The // comments of a C++ header as C ones: those that stand before declarations, and those behind them."""
    text = re.sub(r'^// SPDX.*\n', '', text)
    text = re.sub(r'^// (-{4,} .*)$', r'/* \1 */', text, flags=re.M)
    text = re.sub(r'(?:^ {0,2}//.*\n)+', lambda run: '/* ' + re.sub(r'^ *// ?', '', run[0], flags=re.M).rstrip() + ' */\n',
                  text, flags=re.M)
    return re.sub(r'^(.*\S +)// (.*)$', r'\1/* \2 */', text, flags=re.M)


def front_page(text, name):
    manual = '\n'.join(re.sub(r'^ \* ?', '', line) for line in re.sub(r'^/\* ?|\s*\*/$', '', text).split('\n'))
    return f'/** @file\n{"@mainpage The C API of JzSE" if name == "jzse.h" else ""}\n@verbatim\n{manual}\n@endverbatim */'


def filtered(text, name):
    blocks = re.split(r'(/\*.*?\*/)', text, flags=re.S)  # code and comments, by turns
    out, current, fresh, opened, front = [], None, False, False, True
    for i, block in enumerate(blocks):
        before = out[-1] if out else '\n'
        if i % 2 == 0:
            out.append(code(block, current, fresh) if current else block)
            current, fresh = None if '\n\n' in block else current, False
        elif before.split('\n')[-1].strip():
            out.append(f'/**< {plain(block)} */')
        elif 'SPDX' in block:
            out.append('')
        elif front:
            out.append(front_page(block, name))
            front = False
        elif ruler := RULER.match(block):
            out.append(section(ruler[1], opened) if name == 'jzse.h' else '')
            opened, current = name == 'jzse.h', None
        else:
            current, fresh = plain(block), True
            out.append(f'/** {current} */')
    return ''.join(out) + ('/** @} */\n' if opened else '')


def section(title, opened):
    name = 'g_' + re.sub('[^a-z0-9]+', '_', title.lower())
    return f'{"/** @} */" if opened else ""}\n/** @defgroup {name} {title[0].upper()}{title[1:]}\n@{{ */'


def code(text, comment, seen):
    """Declarations with the comment before each, the first apart if it is `seen` there, as long as no empty line comes."""
    own, rest = (text.split('\n\n', 1) + [None])[:2]
    lines = own.split('\n')
    for n, line in enumerate(lines):
        if DECLARATION.match(line):
            lines[n] = line if seen else f'/** {comment} */\n{line}'
            seen = False
    return '\n'.join(lines) + ('' if rest is None else '\n\n' + rest)


def main():
    path = sys.argv[1]
    with open(path, encoding='utf-8') as file:
        text = file.read()
    name = path.rsplit('/', 1)[-1]
    sys.stdout.write(filtered(c_style(text) if name.endswith('.hpp') else text, name))


main()

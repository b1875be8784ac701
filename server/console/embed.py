#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns files into bytes of a program: embed.py OUTPUT.cc ROOT FILE... The names are those below ROOT."""
import hashlib
import os
import sys

TYPES = {'.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.js': 'text/javascript; charset=utf-8',
         '.svg': 'image/svg+xml', '.png': 'image/png', '.ico': 'image/x-icon', '.json': 'application/json',
         '.woff2': 'font/woff2', '.webmanifest': 'application/manifest+json', '.txt': 'text/plain; charset=utf-8'}


def literal(data):
    """C++ string literals of at most 4096 bytes each, which the compiler joins; every byte an octal escape or itself."""
    plain = {b: chr(b) for b in range(32, 127) if chr(b) not in '"\\?'}
    lines, line = [], ''
    for byte in data:
        line += plain.get(byte, '\\%03o' % byte)
        if len(line) > 100:
            lines.append(line)
            line = ''
    return '\n'.join(f'    "{text}"' for text in lines + [line])


def main():
    output, root, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    entries = []
    for name in names:
        with open(name, 'rb') as file:
            data = file.read()
        relative = os.path.relpath(name, root)
        kind = TYPES.get(os.path.splitext(name)[1], 'application/octet-stream')
        tag = hashlib.sha256(data).hexdigest()[:32]
        entries.append(f'    {{"{relative}", "{kind}", "{tag}",\n     {{\n{literal(data)}, {len(data)}}}}},')
    with open(output, 'w', encoding='ascii') as file:
        file.write('// Generated from server/console by embed.py.\n#include "console/console.h"\n\n'
                   'namespace jzse::console {\nnamespace {\n\nconst Asset kAssets[] = {\n' + '\n'.join(entries) +
                   '\n};\n\n}  // namespace\n\nstd::span<const Asset> Assets() { return kAssets; }\n\n}  // namespace jzse::console\n')


main()

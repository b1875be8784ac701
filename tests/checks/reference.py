#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Doxygen makes the API reference without a warning, and no function or type of jzse.h is without a description:

    reference.py DOXYGEN ROOT [OUT]      OUT keeps the pages (OUT/html/index.html)"""
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml


def generate(doxygen, root, out, header=None):
    """What Doxygen complains of. The pages go to `out`; `header` takes the place of the real ones."""
    settings = f'@INCLUDE = docs/Doxyfile\nOUTPUT_DIRECTORY = "{out}"\nGENERATE_XML = YES\n'
    if header:
        settings += f'INPUT = "{header}"\n'
    done = subprocess.run([doxygen, '-'], input=settings, cwd=root, capture_output=True, text=True, timeout=200)
    return done.stderr + ('' if done.returncode == 0 else f'exit code {done.returncode}')


def described(element):
    return any(''.join(part.itertext()).strip() for kind in ('briefdescription', 'detaileddescription')
               for part in element.findall(kind))


def bare(out):
    """Functions of jzse.h that nothing is said of, and how many there are."""
    functions = {}
    for name in os.listdir(os.path.join(out, 'xml')):
        if name.startswith('group_') or name == 'jzse_8h.xml':
            for member in xml.parse(os.path.join(out, 'xml', name)).iter('memberdef'):
                if member.get('kind') == 'function':
                    functions[member.findtext('name')] = described(member)
    return sorted(name for name, known in functions.items() if not known), len(functions)


def self_test(doxygen, root, folder):
    """A name that the filter does not match brings a wrong command to Doxygen; a function without a word is found."""
    for name, text in (('a.hh', '/** @param x not there */\nint a(int y);\n'), ('jzse.h', '/* top */\n/* a */\nint a();\n\nint b();\n')):
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
            file.write(text)
    assert 'warning' in generate(doxygen, root, folder, os.path.join(folder, 'a.hh')), 'Doxygen would not complain'
    assert generate(doxygen, root, folder, os.path.join(folder, 'jzse.h')) == ''
    assert bare(folder) == (['b'], 2), bare(folder)


def main():
    doxygen, root = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        self_test(doxygen, root, folder)
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else folder
        os.makedirs(out, exist_ok=True)
        complaints = generate(doxygen, root, out)
        missing, functions = bare(out)
    print(complaints, *(f'{name}: nothing is said of it' for name in missing), sep='\n')
    failed = len(missing) + bool(complaints)
    print(f'{functions - len(missing)} passed, {failed} failed')
    return 1 if failed or functions < 50 else 0


sys.exit(main())

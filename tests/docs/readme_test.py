#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The session on README.md's first screen is what happens:  readme_test.py README

Numbers, dates and sizes may differ, nothing else. JZSE_BIN is the folder of the command jzse."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

NUMBER = re.compile(r'\d[\d.,:-]*( [KMG]?i?B)?')


def session(text):
    """The first indented block with prompts: its commands, and what is shown of their output."""
    block = re.search(r'(?:^    .*\n)*^    \$ .*\n(?:^    .*\n)*', text, flags=re.M)[0]
    lines = [line[4:] for line in block.splitlines()]
    return [line[2:] for line in lines if line.startswith('$ ')], [line for line in lines if not line.startswith('$ ')]


def masked(lines):
    return [re.sub(r' +', ' ', NUMBER.sub('N', line)).strip() for line in lines]


def main():
    commands, shown = session(pathlib.Path(sys.argv[1]).read_text(encoding='utf-8'))
    assert len(commands) > 5 and len(shown) > 2 and masked(['jzse: 2.9 MiB in 6']) == ['jzse: N in N']
    with tempfile.TemporaryDirectory(prefix='jzse-readme-') as folder:
        photos = pathlib.Path(folder, 'photos')
        photos.mkdir()
        (photos / 'sea.jpg').write_bytes(os.urandom(3 << 20))
        env = {**os.environ, 'HOME': folder, 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC',
               'PATH': os.path.abspath(os.environ['JZSE_BIN']) + os.pathsep + os.environ['PATH']}
        env.pop('JZSE_STORE', None)
        done = subprocess.run(['bash', '-euc', 'exec 2>&1\n' + '\n'.join(commands)], cwd=folder, env=env,
                              capture_output=True, text=True, timeout=500)
        out = pathlib.Path(folder, 'out', 'sea.jpg')
        whole = out.exists() and out.read_bytes() == (photos / 'sea.jpg').read_bytes()
    right = done.returncode == 0 and whole and masked(done.stdout.splitlines()) == masked(shown)
    if not right:
        print(f'exit code {done.returncode}, exported whole: {whole}; shown:', *shown, 'printed:', done.stdout, sep='\n')
    print(f'{len(commands) if right else 0} passed, {0 if right else 1} failed')
    return 0 if right else 1


sys.exit(main())

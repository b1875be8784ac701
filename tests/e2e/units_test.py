#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The systemd units: systemd finds nothing wrong with them, and they leave little open.

    units_test.py SERVICE SOCKET

Where there is no systemd-analyze the test is skipped (exit code 77). ExecStart is replaced by a program that is there: verify wants
one, and the tests do not install.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

EXPOSURE_MAX = 15  # of 100, in systemd-analyze's measure: what has a network cannot be much lower


def main():
    service, socket = sys.argv[1:3]
    with open(service, encoding='utf-8') as file:
        text = file.read()
    assert re.search(r'^ExecStart=/\S+/jzsed$', text, re.M), 'ExecStart is no absolute path'
    if not shutil.which('systemd-analyze'):
        print('systemd-analyze is not installed: skipped')
        return 77
    folder = tempfile.mkdtemp(prefix='jzse-units-')
    try:
        return check(folder, re.sub(r'^ExecStart=.*$', 'ExecStart=' + shutil.which('true'), text, flags=re.M), socket)
    finally:
        shutil.rmtree(folder)


def check(folder, text, socket):
    paths = [os.path.join(folder, 'jzsed.service'), os.path.join(folder, 'jzsed.socket')]
    with open(paths[0], 'w', encoding='utf-8') as file:
        file.write(text)
    shutil.copy(socket, paths[1])
    problems = analyze('--man=no', 'verify', *paths)
    exposure = analyze('security', '--offline=yes', '--no-pager', f'--threshold={EXPOSURE_MAX}', paths[0])
    # The judges can refuse: an unknown key, and a unit without any of it.
    with open(paths[0], 'w', encoding='utf-8') as file:
        file.write(text + '\n[Service]\nProtectSistem=yes\n')
    assert 'ProtectSistem' in analyze('--man=no', 'verify', *paths)[1], 'verify lets everything through'
    with open(paths[0], 'w', encoding='utf-8') as file:
        file.write('[Service]\nExecStart=' + shutil.which('true') + '\n')
    assert analyze('security', '--offline=yes', '--no-pager', f'--threshold={EXPOSURE_MAX}', paths[0])[0] != 0
    bad = [output for code, output in (problems, exposure) if code != 0]
    bad += [problems[1]] if problems[1].strip() and not problems[0] else []
    for output in bad:
        print(output)
    print(f'{2 - len(bad)} passed, {len(bad)} failed')
    return 1 if bad else 0


def analyze(*words):
    done = subprocess.run(['systemd-analyze', *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
                          env={**os.environ, 'LC_ALL': 'C'})
    return done.returncode, done.stdout


sys.exit(main())

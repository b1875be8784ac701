# SPDX-License-Identifier: Apache-2.0
"""The tutorial and the example run as they stand."""
import os
import pathlib
import re
import subprocess
import sys

import jzse

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_tutorial():
    done = subprocess.run([sys.executable, ROOT / 'tests/docs/tutorials_test.py', ROOT / 'docs/tutorial-python.md'],
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def test_readme(tmp_path):
    """The block of Python on README's first screen, as the session above it left the store."""
    block, = re.findall(r'^```python\n(.*?)^```$', (ROOT / 'README.md').read_text(encoding='utf-8'), flags=re.S | re.M)
    jzse.open(tmp_path / 'mystore', create=True).close()
    done = subprocess.run([sys.executable, '-c', 'import jzse\n' + block], cwd=tmp_path, capture_output=True, text=True,
                          timeout=600)
    assert (done.returncode, done.stdout) == (0, "['notes/hi.txt']\n"), done.stderr


def test_notebook(tmp_path):
    done = subprocess.run([sys.executable, ROOT / 'examples/python/notebook.py', tmp_path / 's'], capture_output=True,
                          text=True, timeout=600, env={**os.environ, 'MPLCONFIGDIR': str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert '30 versions' in done.stdout and 'day 10' in done.stdout and 'growth.png is in the store' in done.stdout
    with jzse.open(tmp_path / 's') as store:
        assert store['measurements']['growth.png'].startswith(b'\x89PNG')

# SPDX-License-Identifier: Apache-2.0
"""The tutorial's code and the example run as they stand."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_tutorial(tmp_path):
    pytest.importorskip('pandas')
    blocks = re.findall(r'^```python\n(.*?)^```', (ROOT / 'docs/tutorial-python.md').read_text(), flags=re.S | re.M)
    assert len(blocks) > 8
    script = tmp_path / 'tutorial.py'
    script.write_text('\n'.join(blocks))
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'mystore' / 'JZSE').exists()


def test_notebook(tmp_path):
    done = subprocess.run([sys.executable, ROOT / 'examples/python/notebook.py', tmp_path / 's'], capture_output=True,
                          text=True, timeout=100, env={**os.environ, 'MPLCONFIGDIR': str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert '30 versions' in done.stdout and 'day 10' in done.stdout

# SPDX-License-Identifier: Apache-2.0
"""The tutorial and the example run as they stand."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_tutorial():
    pytest.importorskip('pandas')
    done = subprocess.run([sys.executable, ROOT / 'tests/docs/tutorials_test.py', ROOT / 'docs/tutorial-python.md'],
                          capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr


def test_notebook(tmp_path):
    done = subprocess.run([sys.executable, ROOT / 'examples/python/notebook.py', tmp_path / 's'], capture_output=True,
                          text=True, timeout=100, env={**os.environ, 'MPLCONFIGDIR': str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert '30 versions' in done.stdout and 'day 10' in done.stdout

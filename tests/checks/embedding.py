#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A library inside someone else's process leaves that process alone: libjzse calls nothing that forks, handles
signals, reads or changes the environment, the locale, the working directory or the umask, prints, or exits; and
loading it runs no constructor of ours.   embedding.py LIBRARY

abort() is allowed (a failed invariant check) and so is pthread_sigmask (for threads of our own only)."""
import re
import subprocess
import sys

FORBIDDEN = re.compile(r'(v?fork|_Fork|clone|posix_spawnp?|exec[vl]\w*|system|popen|signal|sigaction|sigprocmask|raise|'
                       r'(secure_)?getenv|setenv|putenv|unsetenv|clearenv|setlocale|uselocale|chdir|fchdir|umask|'
                       r'exit|_exit|_Exit|quick_exit|atexit|printf|puts|putchar|perror|alarm|setitimer|'
                       r'rand|srand|random|srandom|drand48|_ZSt4(cout|cerr|clog|cin)|tzset|localtime)$')


def check(nm):
    """The violations in the output of `nm`: undefined names that are forbidden, and static constructors."""
    found = []
    for line in nm.splitlines():
        kind, name = line.split()[-2:]
        name = name.split('@')[0]
        if kind in 'Uw' and FORBIDDEN.match(name):
            found.append(f'calls {name}')
        # <iostream>, which Abseil's headers include, registers std::ios_base::Init in every file; that takes a function
        # of less than 64 bytes, and a constructor of ours takes more.
        size = int(line.split()[1], 16) if len(line.split()) == 4 else 64
        if name.startswith('_GLOBAL__sub_I_') and size >= 64:
            found.append(f'has a static with a constructor: {name}')
    return found


def main():
    assert check('   U fork@GLIBC_2.2.5\n') and check('   U _ZSt4cout@GLIBCXX_3.4\n')
    assert check('0000000000001139 0000000000000080 t _GLOBAL__sub_I__ZN4jzse1aE\n') and check('   U getenv\n')
    assert not check('   U pthread_sigmask@GLIBC_2.32\n0000 T jzse_fork\n   U abort@GLIBC_2.2.5\n   U openat\n')
    nm = subprocess.run(['nm', '-S', sys.argv[1]], check=True, capture_output=True, text=True).stdout
    assert ' T jzse_version' in nm, 'no symbol table in ' + sys.argv[1]
    problems = check(nm)
    for problem in problems:
        print(f'libjzse {problem}')
    return 1 if problems else 0


sys.exit(main())

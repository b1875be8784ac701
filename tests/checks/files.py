# SPDX-License-Identifier: Apache-2.0
"""The project's own files, for the other checks: what git would commit, or without git everything below the root
except build folders, hidden folders and downloaded subprojects."""
import os
import subprocess

SOURCE_SUFFIXES = ('.c', '.cc', '.h', '.hpp', '.py', '.sh')


def project_files(root):
    """Sorted paths relative to `root` of the files that exist."""
    git = subprocess.run(['git', '-C', root, 'ls-files', '-z', '-co', '--exclude-standard'],
                         capture_output=True, text=True)
    names = git.stdout.split('\0') if git.returncode == 0 else list(walk(root))
    return sorted(name for name in names if name and os.path.isfile(os.path.join(root, name)))


def walk(root):
    for folder, folders, names in os.walk(root):
        relative = os.path.relpath(folder, root)
        folders[:] = [f for f in folders if f == '.ci' or not (f.startswith(('.', 'build')) or f == '__pycache__')]
        if relative == 'subprojects':
            folders.clear()
        for name in names:
            yield os.path.normpath(os.path.join(relative, name))


def source_files(root):
    return [name for name in project_files(root) if name.endswith(SOURCE_SUFFIXES)]


def read(root, name):
    with open(os.path.join(root, name), encoding='utf-8', errors='replace') as file:
        return file.read()


def report(problems, checked):
    """Prints the problems and the count line; the exit code."""
    for problem in problems:
        print(problem)
    print(f'{checked} files checked, {len(problems)} problems')
    return 1 if problems or checked == 0 else 0

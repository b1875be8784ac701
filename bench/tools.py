# SPDX-License-Identifier: Apache-2.0
"""The contenders that are programs: fio, restic, borg, casync, and the jzse command for trees.

Each runs with the settings that make it fastest for incompressible data without giving up what it
promises; what comes after the acknowledgement (restic's and borg's own syncs are within) and is
needed to have the data on disk, a sync of the file system, is on the clock for all of them. A
repository is made, and unlocked once, before the clock starts.
"""

import json
import os
import resource
import shutil
import subprocess
import tempfile
import time

BULK = ("restic", "borg", "casync", "fio", "fio-deep")
PROGRAM = {"fio-deep": "fio"}
TIMEOUT_S = 3600


class ToolError(Exception):
    """A program failed; the message says how."""


def missing(name):
    """Why a contender cannot run, or None."""
    program = PROGRAM.get(name, name)
    if name in BULK and not shutil.which(program):
        return f"no program {program}"
    return None


def environment(repository):
    home = os.path.join(repository, "home")
    os.makedirs(home, exist_ok=True)
    return os.environ | {
        "HOME": home, "XDG_CACHE_HOME": os.path.join(home, "cache"), "RESTIC_PASSWORD": "bench",
        "BORG_BASE_DIR": home, "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
        "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}


def run(words, repository, **how):
    done = subprocess.run(words, env=environment(repository), stderr=subprocess.PIPE,
                          stdout=how.pop("stdout", subprocess.DEVNULL), timeout=TIMEOUT_S,
                          check=False, **how)
    if done.returncode != 0:
        raise ToolError(f"{words[0]}: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return done


def clocked(words, repository, synced=True, **how):
    """Seconds, with everything on disk afterwards."""
    start = time.perf_counter()
    run(words, repository, **how)
    if synced:
        run(["sync", "-f", repository], repository)
    return time.perf_counter() - start


def init(name, path):
    repo = os.path.join(path, "repo")
    if name == "restic":
        run(["restic", "-q", "-r", repo, "init", "--repository-version", "2"], path)
    elif name == "borg":
        run(["borg", "init", "--encryption", "none", repo], path)


def store_words(name, path, source, tag):
    """What stores a file or tree as a new archive."""
    repo = os.path.join(path, "repo")
    if name == "restic":
        return ["restic", "-q", "-r", repo, "--compression", "off", "backup", source]
    if name == "borg":
        return ["borg", "create", "--compression", "none", f"{repo}::{tag}", source]
    kind = "caidx" if os.path.isdir(source) else "caibx"
    return ["casync", "make", f"--store={path}/chunks", f"{path}/{tag}.{kind}", source]


def store(name, path, source):
    init(name, path)
    return clocked(store_words(name, path, source, "first"), path)


def rate(size, seconds, **more):
    return {"value": size / (1 << 20) / seconds, "seconds": seconds, "verified": size} | more


def put_file(bench, name, source, again=False):
    size = os.path.getsize(source)
    if name.startswith("fio"):
        return fio(bench, name, size)
    stored = source
    with bench.directory() as path:
        seconds = store(name, path, source)
        if again:
            # Another name, or it would be recognised by its metadata alone.
            stored = os.path.join(path, "again")
            os.link(source, stored)
            bench.settle()
            seconds = clocked(store_words(name, path, stored, "second"), path)
        check(name, path, stored, "second" if again else "first")
    return rate(size, seconds)


def fio(bench, name, size):
    """Sequential O_DIRECT writes of 1 MiB and one sync at the end; one under way, or 16."""
    engine = ["--ioengine=libaio", "--iodepth=16"] if name == "fio-deep" else ["--ioengine=psync"]
    with bench.directory() as path:
        done = run(["fio", "--name=write", f"--filename={path}/file", "--rw=write", "--bs=1M",
                    f"--size={max(1 << 20, size >> 20 << 20)}", "--direct=1", "--end_fsync=1",
                    "--output-format=json", *engine], path, stdout=subprocess.PIPE)
    text = done.stdout.decode()
    job = json.loads(text[text.index("{"):])["jobs"][0]
    seconds = max(job["job_runtime"], 1) / 1e3  # the sync included
    return rate(job["write"]["io_bytes"], seconds)


def get_words(name, path, source, tag="first"):
    repo = os.path.join(path, "repo")
    if name == "restic":
        return ["restic", "-q", "-r", repo, "dump", "latest", source]
    if name == "borg":
        return ["borg", "extract", "--stdout", f"{repo}::{tag}", source.lstrip("/")]
    return ["casync", "extract", f"--store={path}/chunks", f"{path}/{tag}.caibx",
            f"{path}/extracted"]


def check(name, path, source, tag="first"):
    """Reads the archive back and compares it with the source, byte for byte."""
    if name == "casync":
        run(get_words(name, path, source, tag), path)
        run(["cmp", f"{path}/extracted", source], path)
        os.unlink(f"{path}/extracted")
        return
    reader = subprocess.Popen(get_words(name, path, source, tag), env=environment(path),
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    compared = subprocess.run(["cmp", "-", source], stdin=reader.stdout, check=False)
    reader.stdout.close()
    if reader.wait() != 0 or compared.returncode != 0:
        raise ToolError(f"{name}: its archive is not what was stored")


def get_file(bench, name, path, source, cold):
    size = os.path.getsize(source)
    check(name, path, source)
    if cold:
        evict(path)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock
    seconds = clocked(get_words(name, path, source), path, synced=False)
    fetched = (resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock - before) * 512
    if cold and fetched < size * 0.99:
        raise ToolError(f"{name}: not cold: {fetched} bytes really read")
    return rate(size, seconds, read_bytes=fetched)


def evict(path):
    for folder, _, names in os.walk(path):
        for name in names:
            descriptor = os.open(os.path.join(folder, name), os.O_RDONLY)
            os.fdatasync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


# ---- trees of real files

REAL_FILES = "/usr"
REAL_SIZE_MAX = 128 << 10


def real_tree(bench):
    """A copy of up to `tree_files` regular files of this system's /usr, the same in every round."""
    path = os.path.join(bench.root, "tree")
    if os.path.exists(path):
        return path
    count = 0
    for folder, folders, names in os.walk(REAL_FILES):
        folders.sort()
        target = os.path.join(path, os.path.relpath(folder, REAL_FILES))
        for name in sorted(names):
            file = os.path.join(folder, name)
            try:
                about = os.lstat(file)
                if os.path.islink(file) or not os.path.isfile(file):
                    continue
                if about.st_size > REAL_SIZE_MAX or not file.isprintable():
                    continue
                os.makedirs(target, exist_ok=True)
                shutil.copy2(file, os.path.join(target, name))
            except OSError:
                continue
            count += 1
            if count >= bench.sizes.tree_files:
                return path
    return path


def tree_words(bench, name, path, tree, tag):
    if name == "jzse":
        return [bench.command, "-q", "-s", os.path.join(path, "store"), "import", tree]
    return store_words(name, path, tree, tag)


def import_tree(again):
    """Files a second of a tree stored durably; or of the same tree, unchanged, once more."""
    def measure(bench, who, role, number):
        tree = real_tree(bench)
        files = sum(len(names) for _, _, names in os.walk(tree))
        run(["du", "-s", tree], bench.root)  # names and attributes into memory, for all alike
        with bench.directory() as path:
            if who == "jzse":
                run([bench.command, "init", os.path.join(path, "store")], path)
            init(who, path)
            seconds = clocked(tree_words(bench, who, path, tree, "first"), path)
            if again:
                bench.settle()
                seconds = clocked(tree_words(bench, who, path, tree, "second"), path)
            if who == "jzse":
                with tempfile.TemporaryDirectory(dir=path) as out:
                    run([bench.command, "-q", "-s", os.path.join(path, "store"), "export", "/",
                         os.path.join(out, "tree")], path)
                    run(["diff", "-r", tree, os.path.join(out, "tree")], path)
        return {"value": files / seconds, "seconds": seconds, "files": files, "verified": files}
    return measure

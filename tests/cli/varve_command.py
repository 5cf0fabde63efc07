"""What the command line's tests share: the built varve, run as a user would, and volumes.

Every test works in a temporary directory of its own under /tmp. Standard library only.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

# Exit codes, as README.md promises them.
OK, FAILURE, USAGE, WARNINGS, NOT_FOUND, WRONG_STATE, DENIED = 0, 1, 2, 3, 4, 5, 6
DAMAGED, NO_SPACE, NO_REPOSITORY, BUSY, WRONG_KEY, ABORTED, INTERRUPTED = 8, 9, 10, 11, 12, 13, 130

CHUNK = 65536
# Nothing in these tests depends on how long something takes; this only ends a hang.
DEADLINE_SECONDS = 300


class Run:
    """A finished run of varve."""

    def __init__(self, words, process):
        self.words = words
        self.code = process.returncode
        self.out = process.stdout.decode()
        self.err = process.stderr.decode()

    def json(self):
        """The document on stdout; the last line if there are several."""
        return json.loads(self.out.splitlines()[-1])

    def __str__(self):
        return (f"varve {' '.join(self.words)}\nexit code {self.code}\n"
                f"stdout:\n{self.out}stderr:\n{self.err}")


def binary():
    path = os.environ.get("VARVE_BINARY")
    if not path:
        sys.exit("VARVE_BINARY must name the varve to test; ctest sets it")
    return path


def environment(**extra):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VARVE_")}
    return {**clean, "LC_ALL": "C", **extra}


def start(*words, **options):
    """Starts varve; the caller waits for it."""
    options.setdefault("env", environment())
    return subprocess.Popen([binary(), *map(str, words)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def run(*words, **options):
    options.setdefault("env", environment())
    words = [str(word) for word in words]
    process = subprocess.run([binary(), *words], stdin=subprocess.DEVNULL, capture_output=True,
                             timeout=DEADLINE_SECONDS, check=False, **options)
    return Run(words, process)


def wait_until(condition):
    """Polls; a condition that never comes true fails the test after DEADLINE_SECONDS."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {DEADLINE_SECONDS} seconds: {condition}")
        time.sleep(0.001)


def finish(process):
    """Waits for what `start` started."""
    out, err = process.communicate(timeout=DEADLINE_SECONDS)
    return Run(process.args, subprocess.CompletedProcess(process.args, process.returncode, out, err))


def random_bytes(seed, length):
    return random.Random(seed).randbytes(length)


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def write_file(path, content, offset=None):
    """Makes the file, or with an offset changes an existing one."""
    with open(path, "wb" if offset is None else "r+b") as file:
        file.seek(offset or 0)
        file.write(content)


def decoder_module(name):
    """A module of tools/decode, the reader that shares nothing with varve but FORMAT.md."""
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/decode")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return __import__(name)


class VarveTest(unittest.TestCase):
    """A test with a directory of its own and, once `init` was called, a repository in it."""

    longMessage = True

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="varve-cli-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.repository = self.path("repository")

    def path(self, name):
        return os.path.join(self.directory, name)

    def varve(self, *words, expect=OK, says=(), **options):
        """Runs varve; its exit code must be `expect` and its output hold each of `says`."""
        result = run(*words, **options)
        self.assertEqual(result.code, expect, str(result))
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, result.out + result.err, str(result))
        return result

    def repo(self, verb, *words, **options):
        """The same with -r and the test's repository."""
        return self.varve(verb, "-r", self.repository, *words, **options)

    def init(self, *words):
        self.varve("init", self.repository, *words)

    def make_volume(self, name="orders.img", chunks=40, seed=1):
        """A volume of random bytes (half of them text-like, so that they compress)."""
        path = self.path(name)
        noise = random_bytes(seed, CHUNK)
        content = b"".join(
            (b"%08d row of text; " % (seed * 1000 + i)) * 3000 + noise[: CHUNK // 2]
            for i in range(chunks))
        write_file(path, content[: chunks * CHUNK])
        return path

    def snapshot(self, volume, *words):
        """Takes a snapshot and returns its summary."""
        return self.repo("snapshot", volume, "--json", *words).json()

    def inside(self, *parts):
        """A path inside the repository."""
        return os.path.join(self.repository, *parts)

    def objects(self):
        """The repository's objects by kind, as paths: config, snapshot, chunks, nodes."""
        kinds = {"config": [self.inside("config"), self.inside("config.copy")],
                 "snapshot": [], "chunks": [], "nodes": []}
        for name in sorted(os.listdir(self.inside("snapshots"))):
            kinds["snapshot"].append(self.inside("snapshots", name))
        for directory, _, names in sorted(os.walk(self.inside("packs"))):
            for name in sorted(names):
                path = os.path.join(directory, name)
                content = read_file(path)[10]  # FORMAT.md section 6
                kinds["chunks" if content == 1 else "nodes"].append(path)
        return kinds

    def decode(self, snapshot, target):
        """Restores with tools/decode, which knows only the format's document."""
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                              "../../tools/decode/varve_decode.py")
        done = subprocess.run([sys.executable, script, self.repository, "restore", snapshot,
                               target], capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def assert_same_bytes(self, a, b):
        self.assertEqual(subprocess.run(["cmp", a, b], check=False).returncode, 0,
                         f"{a} and {b} differ")

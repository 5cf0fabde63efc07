"""What the tests of mounts share: a probe for FUSE, mounts that are taken away whatever happens,
and damage at a known place."""

import os
import signal
import subprocess
import sys
import time

from varve_command import VarveTest

WAIT_SECONDS = 180


def skip_without_fuse():
    """Ends the whole file with "cannot run here" where no FUSE mount can be made."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        print(f"SKIPPED: /dev/fuse: {error.strerror}", file=sys.stderr)
        sys.exit(77)


def is_mounted(path):
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
        return any(line.split()[4] == path for line in mounts)


def wait_until(condition, what):
    """Polls; only a test that fails waits until the end."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {WAIT_SECONDS} s in vain: {what}")
        time.sleep(0.01)


def process_state(process_id):
    """"R", "S", "D", "Z"...; None when there is no such process."""
    try:
        with open(f"/proc/{process_id}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return None


def has_ended(process_id):
    return process_state(process_id) in (None, "Z", "X")


class MountTest(VarveTest):

    def setUp(self):
        super().setUp()
        self.mountpoint = self.path("mnt")
        os.mkdir(self.mountpoint)
        self.log = self.path("mount.log")
        self.init()

    def mount(self, *words, **options):
        """Mounts in the background; the process id that serves it."""
        self.addCleanup(self.take_away)
        words = [*words, self.mountpoint, "--log", self.log, "--json"]
        result = self.repo("mount", *words, **options)
        return result.json().get("process")

    def take_away(self):
        """Whatever is left of a mount, so that the directory can be removed."""
        while is_mounted(self.mountpoint):
            subprocess.run(["umount", "--lazy", self.mountpoint], check=False)

    def umount(self, *words, **options):
        return self.varve("umount", self.mountpoint, *words, **options)

    def mounted(self, *names):
        return os.path.join(self.mountpoint, *names)

    def kill(self, process_id, number=signal.SIGKILL):
        os.kill(process_id, number)
        wait_until(lambda: has_ended(process_id), f"process {process_id} to end")

    def damage_chunk(self, snapshot_id, chunk):
        """Turns over one byte in the stored bytes of a chunk. The chunk's id."""
        node = self.inspect(self.repo("show", snapshot_id, "--json").json()["root"])
        if node["kind"] == "node":
            self.assertLess(chunk, 128 * 64)
            node = self.inspect(node["entries"][chunk // 64]["node"])
        chunk_id = node["entries"][chunk % 64]["chunk"]
        place = self.inspect(chunk_id)
        path = os.path.join(self.repository, "packs", place["pack"][:2], place["pack"])
        header = 96 if place["encoding"] == "delta" else 64
        with open(path, "r+b") as file:
            position = int(place["offset"]) + header + int(place["storedBytes"]) // 2
            file.seek(position)
            byte = file.read(1)[0]
            file.seek(position)
            file.write(bytes([byte ^ 0x20]))
        return chunk_id

    def inspect(self, name):
        return self.repo("inspect", name, "--json").json()

"""Mounts, loop devices and file systems for tests, all undone when the test ends, however it ends.

What the machine does not have makes the whole test file say so and exit with 77.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

import varve_command
from varve_command import VarveTest

POSTGRES_BINARIES = "/usr/lib/postgresql/15/bin"
DEADLINE_SECONDS = 240


def skip_file(reason):
    print(f"SKIPPED: {reason}", file=sys.stderr)
    sys.exit(77)


def require_mounts():
    if os.geteuid() != 0:
        skip_file("mounts of these tests need root")
    if not os.path.exists("/dev/fuse"):
        skip_file("there is no /dev/fuse")


def require_loop_devices():
    require_mounts()
    if not os.path.exists("/dev/loop-control") or shutil.which("losetup") is None:
        skip_file("there are no loop devices")
    probe = subprocess.run(["losetup", "--find"], capture_output=True, check=False)
    if probe.returncode != 0:
        skip_file(f"no loop device can be had: {probe.stderr.decode().strip()}")


def require_postgres():
    require_loop_devices()
    if not os.path.exists(f"{POSTGRES_BINARIES}/pg_amcheck"):
        skip_file("there is no PostgreSQL 15 (package postgresql-15)")
    known = subprocess.run(["id", "postgres"], capture_output=True, check=False)
    if known.returncode != 0:
        skip_file("there is no user postgres to run a server")


def command(*words, check=True):
    """Runs a command of the system; its output, or an error that shows all of it."""
    words = [str(word) for word in words]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=DEADLINE_SECONDS, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: exit code {done.returncode}\n"
                             f"{done.stdout.decode(errors='replace')}")
    return done.stdout.decode(errors="replace")


def wait_for(what, condition):
    """Polls until the condition is true; fails naming it after a long time."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.02)


def wait_for_states(process, *wanted):
    """Reads what `restore --instant --json` says until it has been in all of these states."""
    seen = set()
    while not seen.issuperset(wanted):
        line = process.stdout.readline()
        if not line:
            raise AssertionError(f"ended before {wanted}: {process.stderr.read().decode()}")
        seen.add(json.loads(line).get("state"))
    return seen


def is_mounted(path):
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        return any(line.split()[4] == path for line in mounts)


class MountTest(VarveTest):
    """A test that mounts; the newest thing is undone first."""

    def setUp(self):
        super().setUp()
        self.attached = set()

    def directory_at(self, name):
        path = self.path(name)
        os.makedirs(path, exist_ok=True)
        return path

    def unmount_at_end(self, path):
        def undo():
            for _ in range(20):
                if not is_mounted(path):
                    return
                command("umount", "-l", path, check=False)
        self.addCleanup(undo)

    def mount_snapshot(self, snapshot, mountpoint, *words, **options):
        """Mounts one snapshot; the path of its file."""
        self.unmount_at_end(mountpoint)
        self.repo("mount", snapshot, mountpoint, "--log", self.path("mount.log"), *words,
                  **options)
        return os.path.join(mountpoint, "volume.raw")

    def unmount_snapshot(self, mountpoint):
        def unmounted():
            result = varve_command.run("umount", mountpoint)
            if result.code not in (varve_command.OK, varve_command.BUSY):
                self.fail(str(result))
            return result.code == varve_command.OK
        # A loop device lets go of its file a moment after it was told to.
        wait_for(f"{mountpoint} to be unmounted", unmounted)

    def process_of(self, mountpoint):
        return int(os.getxattr(mountpoint, "user.varve.process"))

    def attach(self, file):
        device = command("losetup", "--find", "--show", file).strip()
        self.attached.add(device)
        self.addCleanup(self.detach, device, check=False)
        return device

    def detach(self, device, check=True):
        """Once: a moment later the device may be somebody else's."""
        if device in self.attached:
            self.attached.remove(device)
            command("losetup", "-d", device, check=check)

    def mount_file_system(self, device, directory):
        self.unmount_at_end(directory)
        command("mount", device, directory)

    def kill_process(self, process):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            return

        def is_gone():
            # A zombie has let go of everything once its last thread has.
            try:
                with open(f"/proc/{process}/status", encoding="utf-8") as file:
                    status = file.read()
            except (FileNotFoundError, ProcessLookupError):
                return True
            return "State:\tZ" in status and "Threads:\t1\n" in status
        wait_for(f"process {process} to end", is_gone)


def main():
    unittest.main()

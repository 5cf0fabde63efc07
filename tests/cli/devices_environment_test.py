"""Volumes and targets that are devices, mounted, failing or full. Needs root and loop devices."""

import os
import subprocess
import sys
import unittest

from varve_command import (BUSY, CHUNK, FAILURE, NO_SPACE, USAGE, VarveTest, random_bytes,
                           read_file, write_file)


def call(*words):
    return subprocess.run(words, check=True, capture_output=True,
                          stdin=subprocess.DEVNULL).stdout.decode().strip()


def probe():
    """Why loop devices and mounts cannot be used here, or nothing."""
    if os.geteuid() != 0:
        return "not root"
    if not os.path.exists("/dev/loop-control"):
        return "no /dev/loop-control"
    path = f"/tmp/varve-probe-{os.getpid()}"
    try:
        os.mkdir(path)
        write_file(path + ".img", bytes(1 << 20))
        call("mkfs.ext4", "-q", path + ".img")
        call("mount", "-o", "loop", path + ".img", path)
        call("umount", path)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"{error} {getattr(error, 'stderr', b'')!r}"
    finally:
        if os.path.exists(path + ".img"):
            os.remove(path + ".img")
        if os.path.isdir(path):
            os.rmdir(path)
    return None


class DevicesTest(VarveTest):

    def setUp(self):
        super().setUp()
        self.init()
        self.volume = self.make_volume(chunks=40)

    def loop(self, path):
        device = call("losetup", "--find", "--show", path)
        self.addCleanup(subprocess.run, ["losetup", "--detach", device], check=False)
        return device

    def file_system(self, name, size):
        """A mounted ext4; answers its image and its mount point."""
        image, point = self.path(name + ".img"), self.path(name)
        with open(image, "wb") as file:
            file.truncate(size)
        call("mkfs.ext4", "-q", "-m", "0", image)
        os.mkdir(point)
        call("mount", "-o", "loop", image, point)
        self.addCleanup(subprocess.run, ["umount", "--lazy", point], check=False)
        return image, point

    def test_a_device_is_a_volume_and_a_target(self):
        device = self.loop(self.volume)
        summary = self.snapshot(device, "--volume", "orders")
        self.assertEqual(summary["bytesTotal"], 40 * CHUNK)
        write_file(self.path("blank"), b"\xff" * 41 * CHUNK)
        target = self.loop(self.path("blank"))
        self.repo("restore", "orders@latest", target, expect=5, says=[target, "exists"])
        self.repo("restore", "orders@latest", target, "--force")
        self.assertEqual(read_file(target)[: 40 * CHUNK], read_file(self.volume))
        write_file(device, b"changed", 7 * CHUNK)
        os.sync()
        self.repo("snapshot", device, "--volume", "orders", says="changed 64.0 KiB in 1 chunk")
        report = self.repo("restore", "orders@latest", target, "--in-place", "--json").json()
        self.assertLessEqual(report["bytesWritten"], CHUNK)
        self.assertEqual(read_file(target)[: 40 * CHUNK], read_file(device))
        self.repo("restore", "orders@latest", device, "--force", expect=USAGE,
                  says="is the volume that the snapshot was taken of")

    def test_a_device_that_is_too_small_is_refused_with_both_sizes(self):
        self.snapshot(self.volume)
        write_file(self.path("tiny"), bytes(CHUNK))
        device = self.loop(self.path("tiny"))
        for how in ("--force", "--in-place"):
            self.repo("restore", "latest", device, how, expect=NO_SPACE,
                      says=[device, str(CHUNK), str(40 * CHUNK)])
        self.assertEqual(read_file(device), bytes(CHUNK))

    def test_a_target_in_use_is_refused_and_says_by_what(self):
        self.snapshot(self.volume)
        image, point = self.file_system("used", 4 << 20)
        before = read_file(image)
        self.repo("restore", "latest", image, "--in-place", expect=BUSY,
                  says=[image, "is mounted at " + point])
        device = call("findmnt", "-n", "-o", "SOURCE", point)
        self.repo("restore", "latest", device, "--force", expect=BUSY,
                  says=[device, "is mounted at " + point])
        self.assertEqual(len(read_file(image)), len(before))
        write_file(self.path("attached"), bytes(CHUNK))
        device = self.loop(self.path("attached"))
        self.repo("restore", "latest", self.path("attached"), "--in-place", expect=BUSY,
                  says="is attached to " + device)

    def test_a_mounted_volume_is_read_only_when_asked_how(self):
        image, point = self.file_system("live", 4 << 20)
        write_file(os.path.join(point, "file"), b"content")
        os.sync()
        self.repo("snapshot", image, expect=BUSY,
                  says=[image, "is mounted at " + point, "--consistency fuzzy"])
        self.assertEqual(self.snapshot(image, "--consistency", "fuzzy")["consistency"], "fuzzy")
        call("fsfreeze", "--freeze", point)
        try:
            frozen = self.snapshot(image, "--consistency", "filesystem")
            content = read_file(image)
        finally:
            call("fsfreeze", "--unfreeze", point)
        self.assertEqual(frozen["consistency"], "filesystem")
        call("mount", "-o", "remount,ro", point)
        self.assertEqual(self.snapshot(image)["consistency"], "crash")
        self.repo("restore", frozen["snapshotId"], self.path("back"))
        self.assertEqual(read_file(self.path("back")), content)

    def test_a_volume_that_vanishes_under_its_device_is_an_error_that_names_it(self):
        device = self.loop(self.volume)
        with open(self.volume, "r+b") as file:
            file.truncate(10 * CHUNK)  # the device keeps its size, reads past here fail
        call("blockdev", "--flushbufs", device)
        self.repo("snapshot", device, expect=FAILURE,
                  says=["volume " + device, "Input/output error"])
        self.assertEqual(self.repo("list", "--json").json(), [])
        self.repo("check", says="all is well")

    def test_a_full_target_leaves_no_half_restore_under_its_name(self):
        write_file(self.volume, random_bytes(1, 5 << 20))
        self.snapshot(self.volume)
        _, point = self.file_system("full", 4 << 20)
        target = os.path.join(point, "target")
        self.repo("restore", "latest", target, expect=NO_SPACE,
                  says=[target, "No space left on device"])
        self.assertFalse(os.path.exists(target))

    def test_a_repository_on_a_full_disk_loses_nothing_and_goes_on_later(self):
        _, point = self.file_system("disk", 24 << 20)
        repository = os.path.join(point, "repository")
        self.varve("init", repository)
        self.varve("snapshot", self.volume, "-r", repository, "--volume", "small")
        ballast = os.path.join(point, "ballast")
        with open(ballast, "wb") as file:
            free = os.statvfs(point)
            os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - (1 << 20))
        big = self.path("big.img")
        write_file(big, random_bytes(2, 6 << 20))
        self.varve("snapshot", big, "-r", repository, expect=NO_SPACE,
                   says=["No space left on device"])
        listed = self.varve("list", "-r", repository, "--json").json()
        self.assertEqual([entry["volume"] for entry in listed], ["small"])
        self.varve("verify", "-r", repository, says="is good")
        self.varve("check", "-r", repository, says="all is well")
        os.remove(ballast)
        self.varve("snapshot", big, "-r", repository)
        self.varve("restore", "-r", repository, "latest", self.path("back"))
        self.assert_same_bytes(self.path("back"), big)
        self.varve("check", "-r", repository, says="all is well")


if __name__ == "__main__":
    reason = probe()
    if reason:
        print(f"SKIPPED: loop devices and mounts cannot be used here: {reason}")
        sys.exit(77)
    unittest.main()

"""Mounts as a user meets them: what they show, how they end, and what a killed one leaves."""

import errno
import os
import signal
import subprocess
import threading
import unittest

import varve_command
from mounted_volume import MountTest, is_mounted, process_state, skip_without_fuse, wait_until
from varve_command import (CHUNK, NO_REPOSITORY, NOT_FOUND, OK, USAGE, WRONG_STATE, read_file,
                           write_file)


class MountShowsTest(MountTest):

    def test_every_snapshot_of_a_mounted_repository_equals_its_original(self):
        originals = {}
        volume = self.make_volume("orders.img", chunks=80, seed=3)
        for generation in range(3):
            write_file(volume, b"generation %d" % generation, generation * 7 * CHUNK + 100)
            snapshot = self.snapshot(volume)["snapshotId"]
            originals[("orders.img", snapshot)] = read_file(volume)
        other = self.path("odd size.img")
        write_file(other, varve_command.random_bytes(9, 3 * CHUNK + 17))
        originals[("odd size.img", self.snapshot(other)["snapshotId"])] = read_file(other)

        self.mount()
        self.assertEqual(sorted(os.listdir(self.mountpoint)), ["odd size.img", "orders.img"])
        seen = 0
        for name in sorted(os.listdir(self.mounted("orders.img"))):
            path = self.mounted("orders.img", name)
            snapshot = os.getxattr(path, "user.varve.id").decode()
            self.assertEqual(read_file(path), originals[("orders.img", snapshot)], name)
            self.assertTrue(name == "latest.raw" or name.endswith(f"-{snapshot[:8]}.raw"), name)
            seen += 1
        self.assertEqual(seen, 4)
        self.assertEqual(read_file(self.mounted("orders.img", "latest.raw")), read_file(volume))
        self.assertEqual(read_file(self.mounted("odd size.img", "latest.raw")), read_file(other))

        # A new one appears by itself, and latest.raw is it.
        write_file(volume, b"later", 60 * CHUNK)
        later = self.snapshot(volume)["snapshotId"]
        latest = self.mounted("orders.img", "latest.raw")
        wait_until(lambda: os.getxattr(latest, "user.varve.id").decode() == later,
                   "the new snapshot to be the latest")
        self.assertEqual(read_file(latest), read_file(volume))
        self.umount()
        self.assertFalse(is_mounted(self.mountpoint))

    def test_one_snapshot_with_its_facts_and_holes(self):
        volume = self.path("sparse.img")
        with open(volume, "wb") as file:
            file.write(varve_command.random_bytes(1, 4 * CHUNK))
            file.truncate(256 * CHUNK)
            file.seek(200 * CHUNK)
            file.write(b"x" * CHUNK)
        snapshot = self.snapshot(volume)
        process = self.mount("latest")
        path = self.mounted("volume.raw")
        self.assert_same_bytes(path, volume)
        self.assertEqual(os.getxattr(path, "user.varve.id").decode(), snapshot["snapshotId"])
        self.assertEqual(set(os.listxattr(path)), {
            "user.varve.id", "user.varve.volume", "user.varve.root", "user.varve.time",
            "user.varve.consistency"})
        self.assertEqual(os.getxattr(self.mountpoint, "user.varve.process").decode(),
                         str(process))
        with open(path, "rb") as file:
            self.assertEqual(os.lseek(file.fileno(), 0, os.SEEK_HOLE), 4 * CHUNK)
            self.assertEqual(os.lseek(file.fileno(), 4 * CHUNK, os.SEEK_DATA), 200 * CHUNK)
        self.assertEqual(os.stat(path).st_blocks * 512, 5 * CHUNK)
        with self.assertRaises(OSError) as refused:
            os.close(os.open(path, os.O_WRONLY))
        self.assertEqual(refused.exception.errno, errno.EROFS)
        self.assertEqual(len(os.listdir(os.path.join(self.repository, "sessions"))), 1)
        self.umount()
        self.assertEqual(os.listdir(os.path.join(self.repository, "sessions")), [])

    def test_a_damaged_chunk_is_an_error_for_its_range_alone_and_is_logged(self):
        volume = self.make_volume(chunks=40)
        original = read_file(volume)
        snapshot = self.snapshot(volume)["snapshotId"]
        chunk_id = self.damage_chunk(snapshot, 11)
        self.mount(snapshot)
        for _ in range(2):
            with open(self.mounted("volume.raw"), "rb", buffering=0) as file:
                for chunk in range(40):
                    if chunk == 11:
                        with self.assertRaises(OSError) as failed:
                            os.pread(file.fileno(), CHUNK, chunk * CHUNK)
                        self.assertEqual(failed.exception.errno, errno.EIO)
                        continue
                    self.assertEqual(os.pread(file.fileno(), CHUNK, chunk * CHUNK),
                                     original[chunk * CHUNK:(chunk + 1) * CHUNK], chunk)
        log = read_file(self.log).decode()
        self.assertIn(f"range {11 * CHUNK}+{CHUNK}", log)
        self.assertIn("pack ", log)
        self.assertEqual(len(chunk_id), 64)
        self.umount()


class MountEndsTest(MountTest):

    def setUp(self):
        super().setUp()
        self.volume = self.make_volume(chunks=64)
        self.snapshot(self.volume)

    def test_sigterm_ends_it_cleanly_also_with_open_files(self):
        process = self.mount("latest")
        file = os.open(self.mounted("volume.raw"), os.O_RDONLY)
        os.pread(file, 100, 0)
        self.kill(process, signal.SIGTERM)
        self.assertFalse(is_mounted(self.mountpoint))
        with self.assertRaises(OSError):
            os.pread(file, CHUNK, 50 * CHUNK)
        with self.assertRaises(OSError):  # closing tells the file system, which is gone
            os.close(file)
        self.assertEqual(os.listdir(os.path.join(self.repository, "sessions")), [])

    def test_umount_says_that_files_are_open_and_lazily_does_it_anyway(self):
        process = self.mount("latest")
        with open(self.mounted("volume.raw"), "rb", buffering=0) as file:
            self.umount(expect=varve_command.BUSY, says="open")
            self.umount("--lazy")
            self.assertFalse(is_mounted(self.mountpoint))
            self.assertEqual(os.pread(file.fileno(), CHUNK, 5 * CHUNK),
                             read_file(self.volume)[5 * CHUNK:6 * CHUNK])
        wait_until(lambda: process_state(process) in (None, "Z"), "the process to end")
        self.umount(expect=NOT_FOUND)

    def test_foreground_says_when_it_is_mounted_and_ends_with_0(self):
        self.addCleanup(self.take_away)
        process = varve_command.start("mount", "-r", self.repository, "latest", self.mountpoint,
                                      "--foreground")
        try:
            self.assertIn(b"mounted at", process.stdout.readline())
            self.assert_same_bytes(self.mounted("volume.raw"), self.volume)
        finally:
            process.terminate()
            process.communicate(timeout=varve_command.DEADLINE_SECONDS)
        self.assertEqual(process.returncode, OK)
        self.assertFalse(is_mounted(self.mountpoint))

    def test_bad_mountpoints_are_refused_with_their_reason(self):
        self.repo("mount", self.path("missing"), expect=NOT_FOUND, says="missing")
        write_file(self.path("file"), b"")
        self.repo("mount", self.path("file"), expect=USAGE, says="not a directory")
        os.mkdir(self.path("full"))
        write_file(self.path("full/file"), b"")
        self.repo("mount", self.path("full"), expect=USAGE, says="not empty")
        self.repo("mount", "feedbeef", self.mountpoint, expect=NOT_FOUND, says="feedbeef")
        self.varve("mount", "-r", self.path("none"), self.mountpoint, expect=NO_REPOSITORY)
        self.mount("latest")
        self.repo("mount", self.mountpoint, expect=WRONG_STATE, says="already")
        self.umount()
        self.umount(expect=NOT_FOUND)

    def test_a_killed_mount_hangs_nobody_and_the_next_one_cleans_up(self):
        rounds = int(os.environ.get("VARVE_KILL_ROUNDS", "5"))
        for number in range(rounds):
            process = self.mount("latest")
            readers = [subprocess.Popen(
                ["dd", f"if={self.mounted('volume.raw')}", "of=/dev/null", "bs=64K",
                 "iflag=direct" if i % 2 else "iflag=fullblock"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for i in range(4)]
            stop = threading.Event()

            def keep_reading():
                while not stop.is_set():
                    try:
                        read_file(self.mounted("volume.raw"))
                    except OSError:
                        return

            thread = threading.Thread(target=keep_reading)
            thread.start()
            self.kill(process)
            stop.set()
            thread.join()
            for reader in readers:
                reader.wait(timeout=varve_command.DEADLINE_SECONDS)
            self.assertTrue(is_mounted(self.mountpoint), number)
            with self.assertRaises(OSError) as dead:
                os.statvfs(self.mountpoint)
            self.assertEqual(dead.exception.errno, errno.ENOTCONN)
        self.repo("mount", "latest", self.mountpoint, says="took away")
        self.assert_same_bytes(self.mounted("volume.raw"), self.volume)
        self.umount()
        self.assertFalse(is_mounted(self.mountpoint))

    def test_umount_takes_a_killed_mount_away(self):
        self.kill(self.mount("latest"))
        self.umount()
        self.assertFalse(is_mounted(self.mountpoint))


if __name__ == "__main__":
    skip_without_fuse()
    unittest.main()

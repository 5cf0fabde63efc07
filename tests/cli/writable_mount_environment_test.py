"""Snapshots that are written through a mount: overlays that continue, that belong to one snapshot,
that survive a kill, that become snapshots, and random operations against a model."""

import json
import os
import subprocess

import loop_mounts
from loop_mounts import MountTest, command, wait_for
from varve_command import BUSY, CHUNK, USAGE, WRONG_STATE, read_file, start, write_file

FSX_SECONDS = os.environ.get("VARVE_FSX_SECONDS", "10")


class WritableMountTest(MountTest):

    def setUp(self):
        super().setUp()
        self.init()
        self.volume = self.make_volume(chunks=100)
        self.first = self.snapshot(self.volume)["snapshotId"]
        self.mountpoint = self.directory_at("mnt")
        self.overlay = self.path("overlay")
        self.model = bytearray(read_file(self.volume))

    def mount(self, *words, **options):
        return self.mount_snapshot(self.first, self.mountpoint, "--writable", *words, **options)

    def write(self, file, content, offset, sync=True):
        with open(file, "r+b", buffering=0) as opened:
            os.pwrite(opened.fileno(), content, offset)
            if sync:
                os.fsync(opened.fileno())
        self.model[offset:offset + len(content)] = content

    def test_what_is_written_is_there_the_next_time_and_the_snapshot_is_as_it_was(self):
        before = read_file(self.volume)
        file = self.mount("--overlay", self.overlay)
        self.assertEqual(read_file(file), before)
        self.write(file, b"over a seam" * 100, 3 * CHUNK - 500)
        self.write(file, b"not synced", len(before) - 10, sync=False)
        self.assertEqual(read_file(file), self.model)
        self.unmount_snapshot(self.mountpoint)
        file = self.mount("--overlay", self.overlay)
        self.assertEqual(read_file(file), self.model)
        self.write(file, b"again", 50 * CHUNK)
        self.unmount_snapshot(self.mountpoint)
        self.repo("restore", self.first, self.path("restored"))
        self.assertEqual(read_file(self.path("restored")), before)
        # The same with nowhere to keep it: it is gone with the mount.
        self.write(self.mount(), b"for a while", 0)
        self.unmount_snapshot(self.mountpoint)
        self.assertEqual(read_file(self.mount("--overlay", self.overlay))[:5], before[:5])

    def test_a_killed_mount_keeps_what_was_synced(self):
        file = self.mount("--overlay", self.overlay)
        for i in range(40):
            self.write(file, b"%04d" % i * 300, i * CHUNK + 100 * i)
        self.kill_process(self.process_of(self.mountpoint))
        file = self.mount("--overlay", self.overlay)
        self.assertEqual(read_file(file), self.model)

    def test_an_overlay_belongs_to_one_snapshot_and_one_writer(self):
        self.mount("--overlay", self.overlay)
        other = self.directory_at("other")
        busy = self.repo("mount", self.first, other, "--writable", "--overlay", self.overlay,
                         expect=BUSY)
        self.assertIn(f"mounted at {self.mountpoint}", busy.err)
        self.repo("commit-overlay", self.overlay, expect=BUSY, says="mounted at")
        self.unmount_snapshot(self.mountpoint)
        write_file(self.volume, b"changed", 0)
        second = self.snapshot(self.volume)["snapshotId"]
        self.repo("mount", second, self.mountpoint, "--writable", "--overlay", self.overlay,
                  expect=USAGE, says=[self.first, second])
        self.repo("mount", self.first, other, "--writable", "--overlay", self.repository,
                  expect=WRONG_STATE, says="is no overlay")
        self.repo("mount", self.first, other, "--overlay", self.overlay, expect=USAGE,
                  says="--writable")

    def test_an_overlay_becomes_a_snapshot_for_the_price_of_what_was_written(self):
        file = self.mount("--overlay", self.overlay)
        self.write(file, b"x" * 10, 7 * CHUNK)
        self.write(file, b"y" * 5000, 9 * CHUNK - 100)
        self.unmount_snapshot(self.mountpoint)
        # The volume went on; the overlay's parent is the snapshot below it all the same.
        write_file(self.volume, b"changed", 0)
        self.snapshot(self.volume)
        summary = self.repo("commit-overlay", self.overlay, "--tag", "from=overlay",
                            "--json").json()
        self.assertEqual(summary["parentId"], self.first)
        self.assertEqual(summary["changeSource"], "overlay")
        self.assertEqual(summary["volume"], "orders.img")
        self.assertEqual(summary["chunksChanged"], 3)
        self.assertEqual(summary["bytesRead"], 3 * CHUNK)
        self.repo("restore", "latest", self.path("restored"))
        self.assertEqual(read_file(self.path("restored")), self.model)
        self.repo("check", says="all is well")

    def test_random_operations_show_no_difference(self):
        saved = self.path("model")
        write_file(saved, bytes(self.model))
        for _ in range(2):
            file = self.mount("--overlay", self.overlay)
            seconds = str(float(FSX_SECONDS) / 2)
            done = subprocess.run([os.environ["VARVE_FSX"], file, "--seconds", seconds, "--model",
                                   saved], capture_output=True, check=False)
            print(done.stdout.decode())
            self.assertEqual(done.returncode, 0, (done.stdout + done.stderr).decode())
            self.unmount_snapshot(self.mountpoint)
        self.repo("commit-overlay", self.overlay)
        self.repo("restore", "latest", self.path("restored"))
        self.assert_same_bytes(self.path("restored"), saved)

    def test_an_instant_restore_is_usable_at_once_and_survives_a_kill(self):
        target = self.path("target")
        words = ["restore", "-r", self.repository, self.first, target, "--instant",
                 self.mountpoint]
        self.unmount_at_end(self.mountpoint)
        file = os.path.join(self.mountpoint, "volume.raw")
        # So slow that it never gets there.
        process = start(*words, "--rate", "64K")
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        wait_for("the mount", lambda: os.path.exists(file))
        self.write(file, b"early" * 1000, 20 * CHUNK + 77)
        with open(file, "rb") as opened:  # not all of it: what is read is filled at once
            self.assertEqual(opened.read(CHUNK), self.model[:CHUNK])
            opened.seek(20 * CHUNK)
            self.assertEqual(opened.read(CHUNK), self.model[20 * CHUNK:21 * CHUNK])
        self.assertFalse(os.path.exists(target))
        self.kill_process(process.pid)
        self.assertFalse(os.path.exists(target))

        process = start(*words, "--json")
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        loop_mounts.wait_for_states(process, "mounted", "filled")
        self.assertFalse(os.path.exists(target))
        self.write(file, b"late" * 10, 99 * CHUNK, sync=False)
        self.assertEqual(read_file(file), self.model)
        self.unmount_snapshot(self.mountpoint)
        summary = json.loads(process.stdout.read().decode().splitlines()[-1])
        self.assertEqual(process.wait(), 0)
        self.assertTrue(summary["resumed"])
        self.assertEqual(read_file(target), self.model)
        self.assertEqual([name for name in os.listdir(self.directory) if "filling" in name], [])
        self.repo("restore", self.first, target, "--instant", self.mountpoint, expect=WRONG_STATE,
                  says="exists")

    def test_an_interrupted_instant_restore_goes_on(self):
        target = self.path("target")
        words = ["restore", "-r", self.repository, self.first, target, "--instant",
                 self.mountpoint]
        self.unmount_at_end(self.mountpoint)
        process = start(*words, "--rate", "64K")
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        file = os.path.join(self.mountpoint, "volume.raw")
        wait_for("the mount", lambda: os.path.exists(file))
        self.write(file, b"kept", 5, sync=False)
        process.terminate()
        self.assertEqual(process.wait(), 130)
        self.assertFalse(os.path.exists(target))
        process = start(*words)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        wait_for("the mount", lambda: os.path.exists(file))
        # Unmounted before it is done, it goes on to its end.
        self.unmount_snapshot(self.mountpoint)
        self.assertEqual(process.wait(), 0)
        self.assertEqual(read_file(target), self.model)


class FullDiskTest(MountTest):

    def test_a_full_disk_below_the_overlay_is_the_writers_enospc(self):
        self.init()
        volume = self.make_volume(chunks=64)
        self.snapshot(volume)
        small = self.directory_at("small")
        self.unmount_at_end(small)
        command("mount", "-t", "tmpfs", "-o", "size=1m", "none", small)
        file = self.mount_snapshot("latest", self.directory_at("mnt"), "--writable", "--overlay",
                                   os.path.join(small, "overlay"))
        with open(file, "r+b", buffering=0) as opened:
            written = 0
            with self.assertRaises(OSError) as failed:
                for _ in range(64):
                    written += os.pwrite(opened.fileno(), b"z" * CHUNK, written)
            self.assertEqual(failed.exception.errno, 28)
            # Everything that was accepted, and everything that was not, reads as it should.
            whole = written // CHUNK * CHUNK
            self.assertEqual(os.pread(opened.fileno(), whole, 0), b"z" * whole)
            self.assertEqual(os.pread(opened.fileno(), CHUNK, 63 * CHUNK),
                             read_file(volume)[63 * CHUNK:])
        self.unmount_snapshot(self.path("mnt"))


if __name__ == "__main__":
    loop_mounts.require_mounts()
    loop_mounts.main()

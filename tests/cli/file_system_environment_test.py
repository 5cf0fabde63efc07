"""File systems of three kinds on a writable mount of their snapshot, through a loop device."""

import os
import shutil
import subprocess

import loop_mounts
from loop_mounts import MountTest, command
from varve_command import read_file

MIB = 1 << 20
# What makes it, what checks it, and the least it wants.
KINDS = {
    "ext4": (["mkfs.ext4", "-q", "-F"], ["fsck.ext4", "-f", "-n"], 64 * MIB),
    "xfs": (["mkfs.xfs", "-q"], ["xfs_repair", "-n"], 320 * MIB),
    "btrfs": (["mkfs.btrfs", "-q"], ["btrfs", "check"], 128 * MIB),
}


class FileSystemTest(MountTest):

    def setUp(self):
        super().setUp()
        self.init()
        self.files = self.directory_at("files")
        self.mountpoint = self.directory_at("mnt")
        self.overlay = self.path("overlay")

    def make_volume_with(self, kind):
        make, _, size = KINDS[kind]
        volume = self.path(f"{kind}.img")
        with open(volume, "wb") as file:
            file.truncate(size)
        command(*make, volume)
        device = self.attach(volume)
        self.mount_file_system(device, self.files)
        self.write("old", b"from before the snapshot" * 5000)
        command("umount", self.files)
        self.detach(device)
        self.snapshot(volume)
        return volume

    def write(self, name, content):
        with open(os.path.join(self.files, name), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def read(self, name):
        return read_file(os.path.join(self.files, name))

    def open_overlay(self):
        file = self.mount_snapshot("latest", self.mountpoint, "--writable", "--overlay",
                                   self.overlay)
        device = self.attach(file)
        self.mount_file_system(device, self.files)
        return device

    def close_overlay(self, device):
        command("umount", self.files)
        self.detach(device)
        self.unmount_snapshot(self.mountpoint)

    def check_kind(self, kind):
        make, check, _ = KINDS[kind]
        for tool in (make[0], check[0]):
            if shutil.which(tool) is None:
                self.skipTest(f"there is no {tool}")
        try:
            volume = self.make_volume_with(kind)
        except AssertionError as failure:
            if "unknown filesystem type" in str(failure):
                self.skipTest(f"this kernel has no {kind}")
            raise
        contents = {f"new{i}": os.urandom(20_000 + i * 7777) for i in range(20)}
        device = self.open_overlay()
        self.assertEqual(self.read("old"), b"from before the snapshot" * 5000)
        for name, content in contents.items():
            self.write(name, content)
        os.remove(os.path.join(self.files, "old"))
        self.close_overlay(device)

        device = self.open_overlay()
        self.assertFalse(os.path.exists(os.path.join(self.files, "old")))
        for name, content in contents.items():
            self.assertEqual(self.read(name), content, name)
        command("umount", self.files)
        command(*check, device)
        self.detach(device)
        self.unmount_snapshot(self.mountpoint)
        self.repo("restore", "latest", self.path("restored"))
        self.assert_same_bytes(self.path("restored"), volume)

    def test_ext4(self):
        self.check_kind("ext4")

    def test_xfs(self):
        self.check_kind("xfs")

    def test_btrfs(self):
        self.check_kind("btrfs")

    def test_a_journal_is_replayed_after_the_mount_was_killed(self):
        self.make_volume_with("ext4")
        device = self.open_overlay()
        contents = {f"synced{i}": os.urandom(30_000) for i in range(10)}
        for name, content in contents.items():
            self.write(name, content)
        with open(os.path.join(self.files, "open"), "wb") as file:
            file.write(b"on its way")
        self.kill_process(self.process_of(self.mountpoint))
        command("umount", "-l", self.files, check=False)
        self.detach(device, check=False)
        device = self.open_overlay()
        for name, content in contents.items():
            self.assertEqual(self.read(name), content, name)
        command("umount", self.files)
        checked = subprocess.run(["fsck.ext4", "-f", "-n", device], capture_output=True,
                                 check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout.decode())
        self.detach(device)
        self.unmount_snapshot(self.mountpoint)


if __name__ == "__main__":
    loop_mounts.require_loop_devices()
    loop_mounts.main()

"""Volumes and targets that are not what the command takes them for."""

import fcntl
import os
import socket
import stat
import subprocess
import unittest

import varve_command
from varve_command import (BUSY, CHUNK, DENIED, NOT_FOUND, USAGE, WRONG_STATE, VarveTest,
                           read_file, write_file)


class VolumesTest(VarveTest):

    def setUp(self):
        super().setUp()
        self.init()

    def test_what_is_no_volume_is_refused_by_name(self):
        os.mkfifo(self.path("fifo"))
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(self.path("socket"))
        os.symlink(self.path("missing"), self.path("dangling"))
        for name, code, sentence in [
            ("missing", NOT_FOUND, "No such file or directory"),
            ("dangling", NOT_FOUND, "No such file or directory"),
            ("fifo", USAGE, "is neither a regular file nor a block device"),
            ("socket", varve_command.FAILURE, "No such device or address"),
            (".", USAGE, "is neither a regular file nor a block device"),
            ("/dev/zero", USAGE, "is neither a regular file nor a block device"),
        ]:
            path = os.path.join(self.directory, name)
            self.repo("snapshot", path, expect=code, says=["volume " + path, sentence])
        self.repo("snapshot", self.inside("config"), expect=USAGE,
                  says="lies inside the repository")
        self.assertEqual(self.repo("list", "--json").json(), [])
        self.assertEqual(os.listdir(self.inside("sessions")), [])

    def test_every_size_comes_back(self):
        for size in (0, 1, 511, 4095, 4097, CHUNK - 1, CHUNK, CHUNK + 1, 64 * CHUNK + 3):
            volume = self.path(f"v{size}")
            write_file(volume, varve_command.random_bytes(size, size))
            summary = self.snapshot(volume)
            self.assertEqual(summary["bytesTotal"], size)
            self.repo("restore", summary["snapshotId"], volume + ".back")
            self.assertEqual(read_file(volume + ".back"), read_file(volume))
        self.repo("check", says="all is well")

    def test_a_volume_that_grows_and_shrinks_between_snapshots(self):
        volume = self.make_volume(chunks=10)
        states = {}
        for size in (10 * CHUNK, 3 * CHUNK + 5, 200 * CHUNK + 9, 0, CHUNK):
            with open(volume, "r+b") as file:
                file.truncate(size)
            states[self.snapshot(volume)["snapshotId"]] = read_file(volume)
        for index, (snapshot, content) in enumerate(states.items()):
            self.repo("restore", snapshot, self.path(f"back{index}"))
            self.assertEqual(read_file(self.path(f"back{index}")), content)

    def test_a_sparse_terabyte_takes_no_room_and_no_time(self):
        volume = self.path("sparse")
        with open(volume, "wb") as file:
            file.truncate(1 << 40)
            file.seek((1 << 39) + 12345)
            file.write(b"an island")
        summary = self.snapshot(volume)
        self.assertEqual(summary["chunksNew"], 1)
        self.assertLess(summary["bytesStored"], 64 * 1024)
        self.assertLess(summary["bytesRead"], 1 << 20)
        self.repo("restore", "latest", self.path("back"))
        info = os.stat(self.path("back"))
        self.assertEqual(info.st_size, 1 << 40)
        self.assertLess(info.st_blocks * 512, 1 << 20, "holes were filled")
        self.repo("restore", "latest", self.path("island"), "--offset", (1 << 39) + 12345,
                  "--length", 9)
        self.assertEqual(read_file(self.path("island")), b"an island")


class TargetsTest(VarveTest):

    def setUp(self):
        super().setUp()
        self.init()
        self.volume = self.make_volume(chunks=5)
        self.content = read_file(self.volume)
        self.snapshot_id = self.snapshot(self.volume)["snapshotId"]

    def refused(self, *words, code, says):
        before = sorted(os.listdir(self.directory))
        self.repo("restore", "latest", *words, expect=code, says=says)
        self.assertEqual(sorted(os.listdir(self.directory)), before, "something was left behind")
        self.assertEqual(read_file(self.volume), self.content)

    def test_an_existing_target_is_not_touched_unasked(self):
        target = self.path("precious")
        write_file(target, b"precious")
        self.refused(target, code=WRONG_STATE, says=["target " + target + " exists", "--force"])
        self.assertEqual(read_file(target), b"precious")

    def test_the_source_itself_is_restored_only_in_place(self):
        write_file(self.volume, b"changed")
        self.content = read_file(self.volume)
        self.refused(self.volume, "--force", code=USAGE,
                     says="is the volume that the snapshot was taken of; --in-place")
        self.repo("restore", "latest", self.volume, "--in-place")
        self.assertEqual(self.repo("snapshot", self.volume, "--json").json()["chunksChanged"], 0)

    def test_targets_that_cannot_be_are_named(self):
        os.mkdir(self.path("folder"))
        os.mkfifo(self.path("fifo"))
        self.refused(self.path("folder"), code=USAGE, says=["target", "neither a regular file"])
        self.refused(self.path("fifo"), "--force", code=USAGE, says="neither a regular file")
        self.refused(self.path("no/where"), code=NOT_FOUND,
                     says=[self.path("no/where"), "No such file or directory"])
        self.refused(self.path("absent"), "--in-place", code=NOT_FOUND,
                     says="does not exist; --in-place needs one")
        self.refused(self.inside("config"), "--force", code=USAGE,
                     says="lies inside the repository")
        self.refused(self.path("x"), "--in-place", "--force", code=USAGE, says="give one of them")

    def test_a_file_restored_in_place_gets_the_size_it_had(self):
        target = self.path("other-size")
        for content in (b"small", b"", self.content + b"tail"):
            write_file(target, content)
            self.repo("restore", "latest", target, "--in-place")
            self.assertEqual(read_file(target), self.content)

    def test_a_target_that_another_process_restores_is_busy(self):
        target = self.path("shared")
        write_file(target, self.content)
        with open(target, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.refused(target, "--in-place", code=BUSY,
                         says=[target, "is being restored by another process"])

    def test_an_interrupted_restore_is_finished_by_the_same_command(self):
        target = self.path("target")
        unfinished = f"{target}.varve-{self.snapshot_id[:8]}"
        write_file(unfinished, self.content[:100000])
        summary = self.repo("restore", "latest", target, "--json").json()
        self.assertTrue(summary["resumed"])
        self.assertEqual(read_file(target), self.content)
        self.assertFalse(os.path.exists(unfinished))

    def test_a_restored_file_is_its_owners_alone(self):
        self.repo("restore", "latest", self.path("target"))
        self.assertEqual(stat.S_IMODE(os.stat(self.path("target")).st_mode), 0o600)

    def test_names_of_snapshots_that_name_none_or_several(self):
        self.repo("restore", "ffffffff", self.path("t"), expect=NOT_FOUND,
                  says="no snapshot begins with ffffffff")
        self.repo("show", "nobody@latest", expect=NOT_FOUND, says="volume nobody has no snapshots")
        self.repo("show", "no such", expect=USAGE, says="'no such' is no snapshot")
        self.repo("show", "", expect=USAGE, says="'' is no snapshot")
        ids = [self.snapshot_id]
        tiny = self.path("tiny")
        write_file(tiny, b"x")
        while len({name[0] for name in ids}) == len(ids):  # at most 17
            ids.append(self.snapshot(tiny)["snapshotId"])
        twins = [name for name in ids if name[0] == ids[-1][0]]
        self.repo("show", ids[-1][0], expect=USAGE,
                  says=[f"{ids[-1][0]} is ambiguous: 2 snapshots begin with it", *twins])


class PermissionTest(VarveTest):
    """As a user who may not; root may everything, so these run as somebody else."""

    def setUp(self):
        super().setUp()
        self.init()
        self.volume = self.make_volume(chunks=2)
        self.snapshot(self.volume)
        os.chmod(self.directory, 0o755)
        self.user = {}
        if os.geteuid() == 0:
            self.user = {"user": 65534, "group": 65534, "extra_groups": []}
        try:
            subprocess.run([varve_command.binary(), "--version"], check=True,
                           capture_output=True, **self.user)
        except (OSError, subprocess.SubprocessError) as error:
            self.skipTest(f"SKIPPED: varve cannot be run as an unprivileged user here: {error}")

    def test_a_repository_that_may_not_be_read(self):
        os.chmod(self.repository, 0)
        self.repo("list", expect=DENIED, says=[self.repository, "Permission denied"],
                  **self.user)

    def test_a_volume_that_may_not_be_read(self):
        os.chmod(self.volume, 0)
        home = self.path("home")
        os.mkdir(home)
        if self.user:
            os.chown(home, 65534, 65534)
        mine = os.path.join(home, "repository")
        self.varve("init", mine, **self.user)
        self.varve("snapshot", self.volume, "-r", mine, expect=DENIED,
                   says=["volume " + self.volume, "Permission denied"], **self.user)
        self.varve("snapshot", "/nowhere/x", "-r", mine, expect=NOT_FOUND, **self.user)

    def test_a_target_that_may_not_be_written(self):
        if self.user:
            os.chmod(self.directory, 0o755)
            for directory, _, names in os.walk(self.repository):
                os.chown(directory, 65534, 65534)
                for name in names:
                    os.chown(os.path.join(directory, name), 65534, 65534)
        locked = self.path("locked")
        os.mkdir(locked, 0o555)
        self.repo("restore", "latest", os.path.join(locked, "target"), expect=DENIED,
                  says=["target " + locked, "Permission denied"], **self.user)
        write_file(self.path("theirs"), read_file(self.volume))
        os.chmod(self.path("theirs"), 0o444)
        self.repo("restore", "latest", self.path("theirs"), "--in-place", expect=DENIED,
                  says=["target " + self.path("theirs"), "Permission denied"], **self.user)


if __name__ == "__main__":
    unittest.main()

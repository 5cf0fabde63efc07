"""What is no repository, somebody else's, or written by a newer varve."""

import os
import shutil
import struct
import unittest

from varve_command import (DAMAGED, FAILURE, NO_REPOSITORY, NOT_FOUND, WARNINGS, WRONG_STATE,
                           VarveTest, decoder_module, read_file, write_file)

READING = [["list"], ["show", "latest"], ["diff", "latest", "latest"], ["verify"], ["check"],
           ["stats"], ["inspect", "config"], ["restore", "latest", "/tmp/varve-never"],
           ["recover", "latest", "/tmp/varve-never"]]
WRITING = [["snapshot", "/dev/null"], ["rebuild-index"]]


class NoRepositoryTest(VarveTest):

    def test_every_verb_says_that_there_is_none(self):
        os.mkdir(self.path("empty"))
        write_file(self.path("file"), b"text")
        for words in READING + WRITING:
            self.varve(*words, "-r", self.path("missing"), expect=NO_REPOSITORY,
                       says=[self.path("missing"), "No such file or directory"])
            self.varve(*words, "-r", self.path("file"), expect=NO_REPOSITORY,
                       says=[self.path("file"), "Not a directory"])
            self.varve(*words, "-r", self.path("empty"), expect=NO_REPOSITORY,
                       says=self.path("empty") + " is not a varve repository")
        self.assertEqual(os.listdir(self.path("empty")), [], "a look must not leave traces")

    def test_init_takes_nothing_over(self):
        os.mkdir(self.path("full"))
        write_file(self.path("full/letter"), b"text")
        self.varve("init", self.path("full"), expect=WRONG_STATE,
                   says="is not empty (it holds letter) and is not a repository")
        self.assertEqual(os.listdir(self.path("full")), ["letter"])
        self.init()
        before = read_file(self.inside("config"))
        self.varve("init", self.repository, expect=WRONG_STATE, says="is a repository already")
        self.assertEqual(read_file(self.inside("config")), before)
        self.varve("init", self.path("no/where"), expect=NOT_FOUND,
                   says=[self.path("no/where"), "No such file or directory"])

    def test_an_interrupted_init_can_be_repeated(self):
        self.init()
        os.remove(self.inside("config"))  # it is the last thing that init makes
        self.repo("list", says="the other copy is good")
        os.remove(self.inside("config.copy"))
        self.repo("list", expect=NO_REPOSITORY, says="is not a varve repository")
        self.init()
        self.repo("list", says="no snapshots")


class ForeignTest(VarveTest):

    def setUp(self):
        super().setUp()
        self.init()
        self.volume = self.make_volume(chunks=3)
        self.snapshot_id = self.snapshot(self.volume)["snapshotId"]
        self.mine = self.objects()
        self.varve("init", self.path("other"))
        self.varve("snapshot", self.volume, "-r", self.path("other"))

    def test_another_repositorys_configuration_makes_every_object_foreign(self):
        for name in ("config", "config.copy"):
            shutil.copy(os.path.join(self.path("other"), name), self.inside(name))
        self.repo("list", expect=WARNINGS,
                  says=["warning: damaged and left out", self.snapshot_id, "repository"])
        self.repo("check", expect=DAMAGED, says=[
            "snapshots/" + self.snapshot_id,
            *(os.path.basename(path) for path in self.mine["chunks"] + self.mine["nodes"])])

    def test_two_configurations_that_differ_are_damage(self):
        shutil.copy(self.path("other/config"), self.inside("config.copy"))
        self.repo("check", expect=DAMAGED,
                  says="config.copy: is not the configuration of this repository")
        self.repo("restore", "latest", self.path("target"))
        self.assert_same_bytes(self.path("target"), self.volume)

    def test_foreign_objects_are_named_and_nothing_of_them_is_used(self):
        other = os.listdir(self.path("other/snapshots"))[0]
        shutil.copy(self.path("other/snapshots/" + other), self.inside("snapshots", other))
        self.repo("list", expect=WARNINGS, says=other)
        self.repo("show", other, expect=NOT_FOUND, says="no snapshot begins with " + other)
        self.repo("check", expect=DAMAGED, says="snapshots/" + other)
        os.remove(self.inside("snapshots", other))
        self.repo("check", says="all is well")
        for directory, _, names in os.walk(self.path("other/packs")):
            for name in names:
                shard = self.inside("packs", name[:2])
                shutil.copy(os.path.join(directory, name), shard)
        report = self.repo("check", "--json", expect=DAMAGED).json()
        self.assertEqual(len({finding["object"] for finding in report["findings"]
                              if finding["object"].startswith("pack ")}), 2)
        self.assertEqual(report["hurtSnapshots"], [])
        self.repo("verify", says=self.snapshot_id + " of orders.img is good")


class NewerFormatTest(VarveTest):
    """Version 2 with right checksums: not damage, but nothing that this varve may read."""

    def setUp(self):
        super().setUp()
        self.init()
        self.volume = self.make_volume(chunks=3)
        self.snapshot_id = self.snapshot(self.volume)["snapshotId"]

    def make_newer(self, path, checksum_at):
        content = bytearray(read_file(path))
        content[8:10] = struct.pack("<H", 99)
        checksum = decoder_module("xxh3").xxh3_64(bytes(content[:checksum_at]))
        content[checksum_at:checksum_at + 8] = struct.pack("<Q", checksum)
        write_file(path, content)

    def test_a_newer_repository_is_refused_by_every_verb(self):
        for path in self.objects()["config"]:
            self.make_newer(path, 56)
        for words in READING + WRITING:
            self.repo(*words, expect=FAILURE, says=["config", "version 99"])

    def test_a_newer_snapshot_is_left_out_and_named(self):
        self.make_newer(self.objects()["snapshot"][0], 56)
        self.repo("list", expect=WARNINGS, says=["snapshots/" + self.snapshot_id, "version 99"])
        self.repo("check", expect=DAMAGED, says=["snapshots/" + self.snapshot_id, "version 99"])

    def test_a_newer_pack_is_named(self):
        pack = self.objects()["chunks"][0]
        self.make_newer(pack, 88)
        self.repo("check", expect=DAMAGED,
                  says=["pack " + os.path.basename(pack), "version 99"])


if __name__ == "__main__":
    unittest.main()

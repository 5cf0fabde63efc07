"""index/ deleted, emptied, mixed up: every verb works as before."""

import os
import shutil
import unittest

from varve_command import CHUNK, DAMAGED, VarveTest, read_file, write_file


class IndexIsACacheTest(VarveTest):

    def setUp(self):
        super().setUp()
        self.init()
        self.volume = self.make_volume(chunks=70)  # two leaves
        self.first = self.snapshot(self.volume)["snapshotId"]
        self.first_content = read_file(self.volume)
        write_file(self.volume, b"changed", 66 * CHUNK)
        self.second = self.snapshot(self.volume)["snapshotId"]
        shutil.copytree(self.inside("index"), self.path("good-index"))

    def every_verb(self, spoil):
        """Runs every verb with the index spoilt before each."""
        target = self.path("target")
        for words, says in [
            (["list"], self.first[:8]),
            (["show", self.first], self.first),
            (["diff", self.first, "latest"], "1 extent"),
            (["stats"], "2 snapshots"),
            (["inspect", "latest"], self.second),
            (["verify"], "is good (full): 70 chunks"),
            (["restore", "latest", target], "restored"),
            (["restore", self.first, target, "--in-place"], "restored"),
            (["recover", "latest", target, "--force"], "restored"),
            (["rebuild-index"], "rebuilt"),
            (["snapshot", self.volume, "--volume", "orders.img"], "changed 0 B in 0 chunks"),
        ]:
            spoil()
            with self.subTest(verb=words[0]):
                self.repo(*words, says=says)
        self.assert_same_bytes(target, self.volume)
        self.repo("check", says="all is well")

    def delete_index(self):
        shutil.rmtree(self.inside("index"), ignore_errors=True)

    def test_every_verb_works_without_it(self):
        self.every_verb(self.delete_index)

    def test_every_verb_works_with_files_of_it_cut_off(self):
        def spoil():
            for name in os.listdir(self.inside("index")):
                path = self.inside("index", name)
                write_file(path, read_file(path)[: os.path.getsize(path) // 2])
        self.every_verb(spoil)

    def test_every_verb_works_with_garbage_in_its_place(self):
        def spoil():
            self.delete_index()
            os.mkdir(self.inside("index"))
            write_file(self.inside("index", "CURRENT"), b"garbage\n")
            write_file(self.inside("index", "000042.sst"), b"\xff" * 5000)
        self.every_verb(spoil)

    def test_every_verb_works_with_an_older_index(self):
        older = self.path("older")
        self.varve("init", self.path("other"))
        self.varve("snapshot", self.volume, "-r", self.path("other"))
        shutil.copytree(self.path("other/index"), older)

        def spoil():  # another repository's
            self.delete_index()
            shutil.copytree(older, self.inside("index"))
        self.every_verb(spoil)

    def test_check_finds_a_damaged_index_and_rebuilding_heals_it(self):
        table = next(name for name in os.listdir(self.inside("index")) if name.endswith(".sst"))
        content = bytearray(read_file(self.inside("index", table)))
        content[len(content) // 3] ^= 1
        write_file(self.inside("index", table), content)
        self.repo("check", expect=DAMAGED,
                  says=["damage: index", "hurts no snapshot; rebuild-index makes it anew"])
        self.repo("rebuild-index")
        self.repo("check", says="all is well")

    def test_a_read_only_repository_can_be_read_without_its_index(self):
        self.delete_index()
        before = sorted(os.walk(self.repository))
        self.repo("restore", self.first, self.path("target"), says="made anew in memory")
        self.assertEqual(read_file(self.path("target")), self.first_content)
        self.assertEqual(sorted(os.walk(self.repository)), before, "a reader wrote")


if __name__ == "__main__":
    unittest.main()

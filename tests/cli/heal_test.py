"""scrub, repair and copy: damage is found, told, and healed from a second repository or the volume."""

import glob
import hashlib
import os
import shutil
import signal
import unittest

import varve_command
from varve_command import CHUNK, DAMAGED, NOT_FOUND, USAGE, VarveTest, read_file, write_file


def tree_hash(repository):
    """Of every file, without the index and the locks, which are not the repository's objects."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(repository):
        folders.sort()
        if folder == repository:
            folders[:] = [name for name in folders if name not in ("index", "locks")]
        for name in sorted(files):
            if folder == repository and name == "lock":
                continue
            path = os.path.join(folder, name)
            digest.update(os.path.relpath(path, repository).encode() + b"\0" + read_file(path))
    return digest.hexdigest()


class HealTest(VarveTest):

    def setUp(self):
        super().setUp()
        self.init()
        self.volume = self.make_volume()
        self.first_content = read_file(self.volume)
        self.first = self.snapshot(self.volume)["snapshotId"]
        write_file(self.volume, b"changed", 5 * CHUNK + 100)
        self.second = self.snapshot(self.volume)["snapshotId"]
        self.second_content = read_file(self.volume)

    def twin(self, *words):
        path = self.path("twin")
        self.varve("init", path, *words)
        self.repo("copy", "--all", "--to", path)
        return path

    def damage_largest_pack(self):
        """One byte in the stored bytes of a chunk; the pack's id."""
        path = max(glob.glob(os.path.join(self.repository, "packs", "*", "*")), key=os.path.getsize)
        offset = 96 + 64 + 1000
        write_file(path, bytes([read_file(path)[offset] ^ 0x41]), offset)
        return os.path.basename(path)

    def assert_restores(self, repository=None):
        for snapshot, content in ((self.first, self.first_content),
                                  (self.second, self.second_content)):
            target = self.path("restored-" + snapshot)
            if os.path.exists(target):
                os.remove(target)
            self.varve("restore", "-r", repository or self.repository, snapshot, target)
            self.assertEqual(read_file(target), content)

    def test_scrub_of_a_whole_repository_says_so_and_goes_on_later(self):
        before = tree_hash(self.repository)
        report = self.repo("scrub", "--json", "--max-bytes", "1").json()
        self.assertTrue(report["clean"])
        self.assertFalse(report["complete"])
        self.assertEqual(report["packsVerified"], 1)
        report = self.repo("scrub", "--json").json()
        self.assertTrue(report["resumed"])
        self.assertTrue(report["complete"])
        self.assertEqual(report["packsLeft"], 0)
        self.repo("scrub", "--stored", "--restart", "--rate", "1G", says="all is well")
        shutil.rmtree(f"{self.repository}/scrub")
        self.assertEqual(tree_hash(self.repository), before)

    def test_repair_of_a_whole_repository_changes_nothing(self):
        twin = self.twin("--like", self.repository)
        before = tree_hash(self.repository)
        self.repo("repair", says="all is well")
        self.repo("repair", "--execute", "--full", "--from", twin, "--volume", self.volume,
                  says="all is well")
        self.assertEqual(tree_hash(self.repository), before)

    def test_damage_is_found_kept_in_mind_and_healed_from_the_copy(self):
        twin = self.twin("--like", self.repository)
        pack = self.damage_largest_pack()
        self.repo("scrub", expect=DAMAGED, says=["pack " + pack, "is hurt", "varve repair"])
        report = self.repo("scrub", "--json", expect=DAMAGED).json()
        self.assertEqual({finding["object"] for finding in report["findings"]}, {"pack " + pack})
        self.assertEqual({hurt["snapshotId"] for hurt in report["hurtSnapshots"]},
                         {self.first, self.second})
        before = tree_hash(self.repository)
        plan = self.repo("repair", "--from", twin, "--json", expect=DAMAGED).json()
        self.assertFalse(plan["executed"])
        self.assertTrue(plan["healed"])
        self.assertEqual(tree_hash(self.repository), before, "a dry run changed something")
        done = self.repo("repair", "--from", twin, "--known", "--execute", "--json").json()
        self.assertTrue(done["healed"])
        self.assertEqual(done["framesHealed"], 1)
        self.assertEqual(list(done["healedBySource"].values()), [1])
        kept = glob.glob(os.path.join(self.repository, "quarantine", f"packs-*-{pack}*"))
        self.assertEqual(len(kept), 2, "the pack and its reason")
        self.repo("check", says="all is well")
        self.repo("scrub", says="all is well")
        self.assert_restores()

    def test_what_no_source_has_is_named_exactly_and_stored_again_later(self):
        self.damage_largest_pack()
        self.repo("repair", "--execute", expect=DAMAGED,
                  says=["SOME OF IT IS LOST", "lost of snapshot " + self.first])
        target = self.path("target")
        lost = varve_command.run("restore", "-r", self.repository, self.second, target)
        self.assertEqual(lost.code, DAMAGED, str(lost))
        self.assertFalse(os.path.exists(target))
        # The volume has it still: the next snapshot heals all that share it.
        self.snapshot(self.volume)
        self.repo("check", says="all is well")
        self.assert_restores()

    def test_the_live_volume_heals_without_a_copy(self):
        self.damage_largest_pack()
        self.repo("repair", "--execute", "--volume", self.volume, says="nothing is lost")
        self.assert_restores()
        self.repo("check", says="all is well")

    def test_repositories_with_keys_of_their_own_heal_each_other_too(self):
        twin = self.twin()
        self.assert_restores(twin)
        self.damage_largest_pack()
        self.repo("repair", "--execute", "--from", twin, says="nothing is lost")
        self.assert_restores()

    def test_copy_sends_only_what_is_missing(self):
        twin = self.path("twin")
        self.varve("init", twin, "--like", self.repository)
        first = self.repo("copy", self.first, "--to", twin, "--json").json()["copies"][0]
        self.assertTrue(first["sharedKeys"])
        self.assertEqual(first["chunksSent"], 40)
        second = self.repo("copy", "latest", "--to", twin, "--json").json()["copies"][0]
        self.assertEqual(second["chunksSent"], 1)
        self.assertLess(second["bytesStored"], 8192)
        again = self.repo("copy", "--all", "--to", twin, "--json").json()["copies"]
        self.assertEqual([copy["wasThere"] for copy in again], [True, True])
        self.assert_restores(twin)
        shown = self.varve("show", "-r", twin, self.first, "--json").json()
        self.assertEqual(shown["snapshotId"], self.first)

    def test_a_killed_copy_goes_on(self):
        twin = self.path("twin")
        self.varve("init", twin, "--like", self.repository)
        process = varve_command.start("copy", "-r", self.repository, "--all", "--to", twin)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.repo("copy", "--all", "--to", twin)
        self.assert_restores(twin)
        self.varve("check", "-r", twin, says="all is well")

    def test_wrong_uses_are_told(self):
        self.repo("copy", "latest", expect=USAGE, says="--to")
        self.repo("copy", "--to", self.path("nowhere"), expect=USAGE, says="--all")
        self.repo("copy", "ffffffff", "--to", self.path("nowhere"), expect=NOT_FOUND)
        self.repo("copy", "latest", "--to", self.repository,
                  expect=varve_command.USAGE, says="same repository")
        self.repo("repair", "--volume-name", "x", expect=USAGE, says="--volume")
        self.repo("repair", "--from", self.repository, expect=USAGE)
        self.repo("scrub", "--rate", "fast", expect=USAGE)


if __name__ == "__main__":
    unittest.main()

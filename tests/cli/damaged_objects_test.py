"""Every kind of object, hurt in every coarse way: named, located, and nothing else is harmed."""

import os
import unittest

from varve_command import CHUNK, DAMAGED, WARNINGS, VarveTest, read_file, write_file


def truncated(content):
    return content[: len(content) // 2]


def emptied(_):
    return b""


def zeroed(content):
    return bytes(len(content))


def grown(content):
    return content + b"\0"


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0x10]) + content[middle + 1:]


DAMAGES = [truncated, emptied, zeroed, grown, flipped]


class DamagedObjectsTest(VarveTest):
    """Two volumes that share nothing: what hurts one must not touch the other."""

    def setUp(self):
        super().setUp()
        self.init()
        self.volumes = [self.make_volume("a.img", 6, seed=1), self.make_volume("b.img", 6, seed=2)]
        self.ids = [self.snapshot(volume)["snapshotId"] for volume in self.volumes]
        found = self.objects()
        # The packs of the first snapshot are those that the second did not add; told by `inspect`.
        self.owner = {}
        for path in found["chunks"] + found["nodes"]:
            self.owner[path] = self.owner_of(path)

    def owner_of(self, pack):
        content = read_file(pack)
        os.rename(pack, pack + ".away")
        hurt = self.repo("verify", "--level", "structure", "--json", expect=DAMAGED).json()
        write_file(pack, content)
        os.remove(pack + ".away")
        bad = [entry["snapshotId"] for entry in hurt["snapshots"] if not entry["good"]]
        self.assertEqual(len(bad), 1)
        return self.ids.index(bad[0])

    def damage_each(self, paths, expectation):
        for path in paths:
            original = read_file(path)
            for damage in DAMAGES:
                with self.subTest(object=path, damage=damage.__name__):
                    write_file(path, damage(original))
                    expectation(path)
            write_file(path, original)
        self.repo("check", says="all is well")

    def test_one_copy_of_the_configuration_is_enough(self):
        def expectation(path):
            name = os.path.basename(path)
            self.repo("check", expect=DAMAGED, says="damage: " + name + ":")
            # Said, but all is there: the other copy is good.
            self.repo("verify", says=[name + ":", "(the other copy is good)"])
        self.damage_each(self.objects()["config"], expectation)

    def test_both_copies_damaged_is_an_integrity_failure(self):
        for path in self.objects()["config"]:
            write_file(path, flipped(read_file(path)))
        for verb in (["list"], ["check"], ["snapshot", self.volumes[0]]):
            self.repo(*verb, expect=DAMAGED, says=["repository " + self.repository, "config"])

    def test_a_damaged_record_is_named_and_the_others_live(self):
        def expectation(path):
            name = "snapshots/" + os.path.basename(path)
            other = self.ids[1 - self.ids.index(os.path.basename(path))]
            self.repo("list", expect=WARNINGS, says=[name, other[:8]])
            self.repo("check", expect=DAMAGED, says=["damage: " + name])
            self.repo("verify", "--level", "structure", other, says="is good")
        self.damage_each(self.objects()["snapshot"], expectation)

    def test_a_damaged_pack_is_named_with_exactly_whom_it_hurts(self):
        def expectation(path):
            hurt_one = self.owner[path]
            report = self.repo("check", "--json", expect=DAMAGED).json()
            name = "pack " + os.path.basename(path)
            self.assertIn(name, {finding["object"] for finding in report["findings"]})
            hurt = {entry["snapshotId"] for entry in report["hurtSnapshots"]}
            self.assertLessEqual(hurt, {self.ids[hurt_one]})
            target = self.path("target")
            self.repo("restore", self.ids[1 - hurt_one], target, "--force")
            self.assert_same_bytes(target, self.volumes[1 - hurt_one])
        found = self.objects()
        self.damage_each(found["chunks"] + found["nodes"], expectation)

    def test_swapped_objects_are_both_named(self):
        found = self.objects()
        for kind in ("snapshot", "chunks", "nodes"):
            a, b = found[kind]
            with self.subTest(kind=kind):
                content = read_file(a), read_file(b)
                write_file(a, content[1])
                write_file(b, content[0])
                self.repo("check", expect=DAMAGED,
                          says=[os.path.basename(a), os.path.basename(b)])
                write_file(a, content[0])
                write_file(b, content[1])
        self.repo("check", says="all is well")

    def test_a_lost_pack_hurts_the_ranges_of_its_chunks(self):
        pack = next(path for path in self.objects()["chunks"] if self.owner[path] == 0)
        os.remove(pack)
        report = self.repo("check", "--json", expect=DAMAGED).json()
        self.assertEqual([entry["snapshotId"] for entry in report["hurtSnapshots"]],
                         [self.ids[0]])
        ranges = report["hurtSnapshots"][0]["ranges"]
        self.assertEqual(sum(entry["length"] for entry in ranges), 6 * CHUNK)
        # The snapshot can be taken anew: what is lost is stored again.
        again = self.snapshot(self.volumes[0])
        self.repo("verify", again["snapshotId"], says="is good")
        self.repo("restore", again["snapshotId"], self.path("target"))
        self.assert_same_bytes(self.path("target"), self.volumes[0])

    def test_leftovers_and_strangers_are_notes_and_no_damage(self):
        write_file(self.inside("letter"), b"text")
        write_file(self.inside("packs/00/readme"), b"text")
        write_file(self.inside("snapshots/half.tmp"), b"text")
        self.repo("check", says=["note: letter is not varve's", "packs/00/readme", "all is well"])


if __name__ == "__main__":
    unittest.main()

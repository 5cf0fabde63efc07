"""Snapshots that read only what a map file names, and what happens to maps that lie."""

import os
import unittest

from varve_command import CHUNK, VarveTest, read_file, write_file


class ChangeMapTest(VarveTest):

    def setUp(self):
        super().setUp()
        self.init()
        self.volume = self.make_volume(chunks=40)
        self.first = self.snapshot(self.volume)

    def make_map(self, extents, **changes):
        facts = {"parent": self.first["snapshotId"], "volume": "orders.img",
                 "size": os.path.getsize(self.volume), **changes}
        lines = ["varve-changed-extents 1", *(f"{key} {value}" for key, value in facts.items()),
                 *(f"extent {offset} {length}" for offset, length in extents),
                 f"end {len(extents)}"]
        path = self.path("map")
        write_file(path, "".join(line + "\n" for line in lines).encode())
        return path

    def mapped(self, path):
        summary = self.repo("snapshot", self.volume, "--changed-extents", path, "--json").json()
        restored = self.path("restored")
        self.repo("restore", "latest", restored, "--force")
        return summary, read_file(restored)

    def test_only_what_the_map_names_is_read(self):
        write_file(self.volume, b"changed", 5 * CHUNK + 100)
        write_file(self.volume, b"changed", 39 * CHUNK)
        summary, restored = self.mapped(self.make_map([(5 * CHUNK + 100, 7), (39 * CHUNK, 7)]))
        self.assertEqual(summary["changeSource"], "map file")
        self.assertIsNone(summary["fallbackReason"])
        self.assertEqual(summary["chunksChanged"], 2)
        self.assertEqual(summary["chunksSampled"], 16)
        self.assertEqual(summary["bytesRead"], 18 * CHUNK)
        self.assertEqual(restored, read_file(self.volume))

    def test_a_map_of_something_else_is_refused_and_the_volume_scanned(self):
        write_file(self.volume, b"changed", 5 * CHUNK)
        for changes, why in [({"parent": "0" * 32}, "of changes since snapshot 0000"),
                             ({"volume": "other.img"}, "of volume 'other.img'"),
                             ({"size": 12345}, "of 12345 bytes")]:
            run = self.repo("snapshot", self.volume, "--json", "--changed-extents",
                            self.make_map([], **changes))
            self.assertIn(why, run.err)
            self.assertIn("whole volume is scanned", run.err)
            summary = run.json()
            self.assertEqual(summary["changeSource"], "scan")
            self.assertIn(why, summary["fallbackReason"])
            self.repo("show", "latest", says=why)
            self.first = summary
        self.repo("diff", "latest", "latest", says="nothing differs")

    def test_a_map_that_was_cut_off_or_is_missing_means_a_scan(self):
        whole = self.make_map([(0, 10)])
        write_file(whole, read_file(whole)[:-1])
        for path, why in [(whole, "cut off"), (self.path("nowhere"), "No such file")]:
            write_file(self.volume, why.encode(), 7 * CHUNK)
            summary, restored = self.mapped(path)
            self.assertEqual(summary["changeSource"], "scan")
            self.assertIn(why, summary["fallbackReason"])
            self.assertEqual(restored, read_file(self.volume))

    def test_a_lie_that_the_sample_finds_means_a_scan(self):
        # All but 16 chunks are named, so that the sample holds every other one.
        extents = [(0, 24 * CHUNK)]
        write_file(self.volume, b"forgotten", 30 * CHUNK)
        summary, restored = self.mapped(self.make_map(extents))
        self.assertEqual(summary["changeSource"], "scan")
        self.assertIn("called chunks unchanged", summary["fallbackReason"])
        self.assertEqual(restored, read_file(self.volume))


if __name__ == "__main__":
    unittest.main()

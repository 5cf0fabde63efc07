"""One flipped bit anywhere in the repository: found, located, and not one wrong byte comes out."""

import os
import random
import shutil
import unittest

from varve_command import CHUNK, DAMAGED, OK, VarveTest, read_file, run, write_file

FLIPS_PER_FILE = 6
# Text of a process that holds the lock; nobody reads it as data.
NOT_DATA = {"lock", "LOCK"}


class FlipAnyByteTest(VarveTest):

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("VARVE_SEED", "20260131"))
        self.random = random.Random(self.seed)
        self.init("--chunk-size", "4K")
        # 300 chunks: five leaves below an inner node; the second state has deltas.
        self.volume = self.make_volume(chunks=19)
        self.states = {}
        self.keep(self.snapshot(self.volume))
        for at in range(0, 19, 3):
            write_file(self.volume, b"changed " + str(at).encode(), at * CHUNK + 17)
        self.keep(self.snapshot(self.volume))
        shutil.copytree(self.repository, self.path("whole"))

    def keep(self, summary):
        self.states[summary["snapshotId"]] = read_file(self.volume)

    def places(self):
        """Offsets in every file of the repository: both ends, and some between."""
        for directory, _, names in sorted(os.walk(self.repository)):
            for name in sorted(names):
                path = os.path.join(directory, name)
                size = os.path.getsize(path)
                if name in NOT_DATA or size == 0:
                    continue
                offsets = {0, size - 1}
                offsets |= {self.random.randrange(size) for _ in range(FLIPS_PER_FILE - 2)}
                for offset in sorted(offsets):
                    yield path, offset, 1 << self.random.randrange(8)

    def test_every_flip_is_found_and_located(self):
        print(f"seed {self.seed}")
        for path, offset, bit in list(self.places()):
            with self.subTest(file=os.path.relpath(path, self.repository), offset=offset, bit=bit):
                good = read_file(path)
                write_file(path, bytes([good[offset] ^ bit]), offset)
                self.examine(path)
                # Nothing that was read may have been written anywhere: only the flip is undone.
                write_file(path, good)
        self.repo("check", says="all is well")

    def examine(self, path):
        report = self.repo("check", "--json", expect=DAMAGED).json()
        objects = {finding["object"] for finding in report["findings"]}
        relative = os.path.relpath(path, self.repository)
        name = {"packs": "pack " + os.path.basename(path), "snapshots": relative,
                "index": "index"}.get(relative.split("/")[0], relative)
        self.assertEqual(objects, {name})
        hurt = {entry["snapshotId"]: entry["ranges"] for entry in report["hurtSnapshots"]}
        for snapshot, content in self.states.items():
            if relative == "snapshots/" + snapshot:
                continue
            if snapshot in hurt:
                self.restore_unhurt_range(snapshot, content, hurt[snapshot])
            self.restore_all(snapshot, content, hurt=snapshot in hurt)

    def restore_all(self, snapshot, content, hurt):
        target = self.path("target")
        result = run("restore", "-r", self.repository, snapshot, target)
        if hurt:
            self.assertEqual(result.code, DAMAGED, str(result))
            self.assertFalse(os.path.exists(target), "half a restore got its name")
            os.remove(f"{target}.varve-{snapshot[:8]}")
        else:
            self.assertEqual(result.code, OK, str(result))
            self.assertEqual(read_file(target), content)
            os.remove(target)

    def restore_unhurt_range(self, snapshot, content, ranges):
        """The longest range between those that are hurt comes back as it was."""
        edges = [0] + [edge for entry in ranges
                       for edge in (entry["offset"], entry["offset"] + entry["length"])]
        edges.append(len(content))
        begin, end = max(zip(edges[0::2], edges[1::2]), key=lambda gap: gap[1] - gap[0])
        if begin == end:
            return  # all of it is hurt
        target = self.path("range")
        self.repo("restore", snapshot, target, "--offset", begin, "--length", end - begin)
        self.assertEqual(read_file(target), content[begin:end])
        os.remove(target)


if __name__ == "__main__":
    unittest.main()

"""Deleting snapshots and giving their space back, as a user does it."""

import os
import signal
import unittest

from varve_command import (CHUNK, DENIED, NOT_FOUND, USAGE, VarveTest, random_bytes, read_file,
                           start, write_file)


def bytes_of_packs(repository):
    return sum(os.path.getsize(os.path.join(folder, name))
               for folder, _, names in os.walk(os.path.join(repository, "packs"))
               for name in names)


class ForgetGcTest(VarveTest):

    def history(self, count):
        """Snapshots of a volume of which two chunks change each time: ids and contents."""
        self.init()
        self.volume = self.make_volume()
        taken = []
        for i in range(count):
            write_file(self.volume, random_bytes(i, 2 * CHUNK), (3 * i % 36) * CHUNK)
            taken.append((self.snapshot(self.volume)["snapshotId"], read_file(self.volume)))
        return taken

    def assert_restores(self, snapshot, content):
        target = self.path("target-" + snapshot[:8])
        self.repo("restore", snapshot, target, "--force")
        self.assertEqual(read_file(target), content)

    def test_half_is_forgotten_and_the_rest_is_as_it_was(self):
        taken = self.history(8)
        before = bytes_of_packs(self.repository)
        plan = self.repo("forget", *(name for name, _ in taken[::2]), "--dry-run", "--json").json()
        self.assertEqual((plan["deleted"], plan["dryRun"]), (4, True))
        self.assertEqual(len(self.repo("list", "--json").json()), 8)
        self.repo("forget", *(name for name, _ in taken[::2]), says="4 snapshots deleted")
        self.assertEqual([entry["snapshotId"] for entry in self.repo("list", "--json").json()],
                         [name for name, _ in taken[1::2]])
        self.repo("restore", taken[0][0], self.path("gone"), expect=NOT_FOUND)
        dry = self.repo("gc", "--dry-run", "--json").json()
        self.assertGreater(dry["plan"]["bytesFreed"], 0)
        self.assertEqual(bytes_of_packs(self.repository), before)
        report = self.repo("gc", "--force", "--json").json()
        self.assertEqual(report["snapshotsRemoved"], 4)
        self.assertLess(bytes_of_packs(self.repository), before)
        for name, content in taken[1::2]:
            self.assert_restores(name, content)
        self.repo("check")
        self.assertEqual(self.repo("gc", "--json").json()["packsUnlinked"], 0)

    def test_a_policy_says_what_and_why(self):
        taken = self.history(4)
        self.repo("forget", says="0 snapshots deleted")  # no rule: everything stays
        self.repo("hold", taken[0][0], "before the migration", says="is held")
        plan = self.repo("forget", "--keep-last", "2", "--dry-run", "--json").json()
        self.assertEqual([entry["keep"] for entry in plan["snapshots"]], [True, False, True, True])
        self.assertEqual(plan["snapshots"][0]["reason"], "held: before the migration")
        self.assertIn("last 1", plan["snapshots"][3]["reason"])
        self.repo("forget", taken[0][0], expect=DENIED, says="before the migration")
        self.repo("unhold", taken[0][0])
        self.repo("forget", "--keep-last", "1", expect=DENIED, says="more than half")
        self.repo("forget", "--keep-last", "1", "--force", says="3 snapshots deleted")
        self.repo("forget", "--volume", "nobody", "--keep-last", "1", says="0 snapshots deleted")
        self.repo("forget", "latest", "--keep-last", "1", expect=USAGE)
        self.repo("forget", "--keep-within", "soon", expect=USAGE)
        self.assert_restores(*taken[3])

    def test_append_only_repositories_refuse(self):
        self.init("--append-only")
        self.volume = self.make_volume()
        self.snapshot(self.volume)
        self.repo("forget", "latest", expect=DENIED, says="append-only")
        self.repo("gc", expect=DENIED, says="append-only")

    def test_the_unique_size_is_shown(self):
        taken = self.history(3)
        listed = self.repo("list", "--unique", "--json").json()
        sizes = {entry["snapshotId"]: entry["uniqueSize"] for entry in listed}
        shown = self.repo("show", taken[1][0], "--unique", "--json").json()
        self.assertEqual(shown["uniqueSize"], sizes[taken[1][0]])
        self.assertGreater(sizes[taken[1][0]], 0)

    def test_a_killed_gc_loses_nothing_and_the_next_one_finishes(self):
        taken = self.history(8)
        self.repo("forget", *(name for name, _ in taken[:7]), "--force")
        for _ in range(12):
            process = start("gc", "-r", self.repository, "--force")
            process.stdout.read(1)  # the plan is made; from here on it changes things
            process.send_signal(signal.SIGKILL)
            process.communicate()
        self.repo("gc", "--force")
        self.assert_restores(*taken[7])
        self.repo("check")
        self.assertFalse(os.listdir(os.path.join(self.repository, "gc")))


if __name__ == "__main__":
    unittest.main()

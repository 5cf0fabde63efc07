"""Quotas of volumes, as a user sets and meets them."""

import os
import unittest

from varve_command import (CHUNK, NOT_FOUND, NO_SPACE, USAGE, VarveTest, random_bytes, write_file)


class QuotaTest(VarveTest):

    def test_a_full_volume_is_refused_until_it_is_collected(self):
        self.init()
        self.repo("quota", says="no volume has a quota")
        volume = self.path("orders.img")
        write_file(volume, random_bytes(1, 64 * CHUNK))
        first = self.snapshot(volume)["snapshotId"]
        state = self.repo("quota", "orders.img", "--max-bytes", "5M", "--json").json()
        self.assertEqual(state["bytesMax"], 5 << 20)
        self.assertGreater(state["bytesUsed"], 4 << 20)
        self.repo("quota", says=["orders.img", "5.0 MiB", "80 %"])

        write_file(volume, random_bytes(2, 64 * CHUNK))
        self.repo("snapshot", volume, expect=NO_SPACE,
                  says=["volume orders.img: its quota is 5242880 bytes", "it is not taken"])
        self.assertEqual(len(self.repo("list", "--json").json()), 1)

        self.repo("quota", "orders.img", "--max-bytes", "1M", says="no snapshot of it is taken")
        refused = self.repo("snapshot", volume, "--json", expect=NO_SPACE)
        self.assertIn(f"{1 << 20} bytes, {state['bytesUsed']} are in use",
                      refused.json()["error"]["message"])
        other = self.make_volume("other.img")
        self.snapshot(other)

        self.repo("forget", first)
        self.repo("snapshot", volume, expect=NO_SPACE)
        self.repo("gc", "--force")
        self.assertEqual(self.repo("quota", "orders.img", "--json").json()[0]["bytesUsed"], 0)
        self.repo("quota", "orders.img", "--max-bytes", "10M")
        self.snapshot(volume)
        self.repo("check")

        self.repo("quota", "orders.img", "--remove", says="no quota any more")
        self.repo("quota", "orders.img", "--remove", expect=NOT_FOUND)
        self.repo("quota", "orders.img", expect=NOT_FOUND)

    def test_it_says_what_makes_no_sense(self):
        self.init()
        self.repo("quota", "--max-bytes", "1M", expect=USAGE, says="name the volume")
        self.repo("quota", "v", "--max-bytes", "1M", "--remove", expect=USAGE, says="not both")
        self.repo("quota", "v", "--max-bytes", "much", expect=USAGE)

    def test_a_damaged_table_is_found_and_healed_and_never_taken_for_none(self):
        self.init()
        volume = self.make_volume()
        self.snapshot(volume)
        self.repo("quota", "orders.img", "--max-bytes", "1G")
        files = sorted(self.inside("quotas", name) for name in os.listdir(self.inside("quotas")))
        self.assertEqual(len(files), 2)
        write_file(files[0], b"\xff", 90)
        self.repo("check", expect=8, says=os.path.basename(files[0]))
        self.repo("repair", "--execute", says="made anew from")
        self.repo("check")
        for path in files:
            write_file(path, bytes(40), 80)
        self.repo("snapshot", volume, expect=8, says="the quotas cannot be known")
        self.repo("repair", "--execute", expect=8, says="set the quotas anew")
        self.snapshot(volume)


if __name__ == "__main__":
    unittest.main()

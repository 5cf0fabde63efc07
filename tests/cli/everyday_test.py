"""The way through varve that everybody goes, with everything that the verbs say on it."""

import os
import shutil
import unittest

import varve_command
from varve_command import CHUNK, NOT_FOUND, USAGE, VarveTest, read_file, write_file

SUMMARY_KEYS = {
    "snapshotId", "parentId", "volume", "bytesTotal", "bytesRead", "bytesChanged", "bytesStored",
    "bytesMetadata", "chunksTotal", "chunksChanged", "chunksNew", "chunksDelta",
    "chunksDeduplicated", "changeSource", "fallbackReason", "consistency", "seconds",
    "peakMemoryBytes",
}


class EverydayTest(VarveTest):

    def setUp(self):
        super().setUp()
        self.init()
        self.volume = self.make_volume()
        self.first_content = read_file(self.volume)
        self.first = self.snapshot(self.volume, "--tag", "reason=first", "--tag", "who=test")
        write_file(self.volume, b"changed", 5 * CHUNK + 100)
        write_file(self.volume, b"changed", 6 * CHUNK)
        write_file(self.volume, b"changed", 20 * CHUNK)
        self.second = self.snapshot(self.volume, "--volume", "orders.img")

    def test_the_summary_of_a_snapshot_says_what_was_stored(self):
        self.assertLessEqual(SUMMARY_KEYS, set(self.first))
        self.assertEqual(self.first["message_type"], "summary")
        self.assertIsNone(self.first["parentId"])
        self.assertEqual(self.first["volume"], "orders.img")
        self.assertEqual(self.first["bytesTotal"], 40 * CHUNK)
        self.assertEqual(self.first["chunksNew"], 40)
        self.assertEqual(self.first["tags"], {"reason": "first", "who": "test"})
        self.assertEqual(self.second["parentId"], self.first["snapshotId"])
        self.assertEqual(self.second["chunksChanged"], 3)
        self.assertEqual(self.second["chunksDelta"], 3)
        self.assertLess(self.second["bytesStored"], 3 * 4096)
        self.assertGreater(self.second["peakMemoryBytes"], 0)

    def test_list_and_show_know_both_snapshots(self):
        listed = self.repo("list", "--json").json()
        self.assertEqual([entry["snapshotId"] for entry in listed],
                         [self.first["snapshotId"], self.second["snapshotId"]])
        self.assertEqual(self.repo("list", "--volume", "other", "--json").json(), [])
        table = self.repo("list").out
        self.assertIn(self.first["snapshotId"][:8], table)
        self.assertIn("reason=first who=test", table)
        shown = self.repo("show", self.first["snapshotId"][:10], "--json").json()
        self.assertEqual(shown["snapshotId"], self.first["snapshotId"])
        self.repo("show", "latest", says=[self.second["snapshotId"], "orders.img"])
        self.repo("show", "orders.img@latest", says=self.second["snapshotId"])

    def test_diff_lists_the_changed_ranges(self):
        diff = self.repo("diff", self.first["snapshotId"], "latest", "--json").json()
        self.assertEqual(diff["extents"], [{"offset": 5 * CHUNK, "length": 2 * CHUNK},
                                           {"offset": 20 * CHUNK, "length": CHUNK}])
        self.assertEqual(diff["bytesChanged"], 3 * CHUNK)
        self.repo("diff", "latest", "latest", says="nothing differs")

    def test_restores_give_back_each_state(self):
        target = self.path("target")
        self.repo("restore", self.first["snapshotId"], target, says="restored snapshot")
        self.assertEqual(read_file(target), self.first_content)
        summary = self.repo("restore", "latest", target, "--in-place", "--json").json()
        self.assert_same_bytes(target, self.volume)
        # Written by blocks, not chunks, at the most.
        self.assertLessEqual(summary["bytesWritten"], 3 * CHUNK)
        self.repo("restore", self.first["snapshotId"], target, "--force")
        self.assertEqual(read_file(target), self.first_content)

    def test_a_range_is_restored_alone(self):
        target = self.path("range")
        self.repo("restore", "latest", target, "--offset", "320K", "--length", "100")
        self.assertEqual(read_file(target), read_file(self.volume)[5 * CHUNK:5 * CHUNK + 100])
        self.repo("restore", "latest", self.path("tail"), "--offset", 40 * CHUNK - 7)
        self.assertEqual(read_file(self.path("tail")), read_file(self.volume)[-7:])
        self.repo("restore", "latest", self.path("past"), "--offset", 40 * CHUNK, "--length", 1,
                  expect=USAGE, says="passes the end of the volume at 2621440")

    def test_recover_needs_no_index(self):
        shutil.rmtree(os.path.join(self.repository, "index"))
        self.repo("recover", "latest", self.path("recovered"))
        self.assert_same_bytes(self.path("recovered"), self.volume)
        self.assertFalse(os.path.exists(os.path.join(self.repository, "index")))

    def test_verify_and_check_find_all_well(self):
        for level in ("structure", "stored", "full"):
            result = self.repo("verify", "--level", level, "--json").json()
            self.assertTrue(result["good"])
            self.assertEqual([entry["chunksVerified"] for entry in result["snapshots"]], [40, 40])
        self.repo("verify", "latest", says=["is good (full)", "40 chunks"])
        check = self.repo("check", "--json").json()
        self.assertTrue(check["clean"])
        self.assertEqual(check["snapshots"], 2)
        self.repo("check", says="all is well")

    def test_stats_rebuild_and_inspect_tell_the_truth(self):
        before = self.repo("stats", "--json").json()
        self.assertEqual((before["snapshots"], before["chunks"], before["chunkDeltas"]),
                         (2, 43, 3))
        self.repo("rebuild-index", says="rebuilt")
        after = self.repo("stats", "--json").json()
        self.assertEqual({**before, "bytesIndex": 0}, {**after, "bytesIndex": 0})
        self.repo("stats", says="2 snapshots of 1 volume")
        self.repo("inspect", "config", says="chunkSize")
        record = self.repo("inspect", "latest", "--json").json()
        self.assertEqual(record["kind"], "snapshot")
        root = self.repo("inspect", record["root"], "--json").json()
        self.assertEqual(root["content"], "matches its id")
        chunk = root["entries"][5]["chunk"]
        inspected = self.repo("inspect", chunk, "--json").json()
        self.assertEqual((inspected["kind"], inspected["encoding"]), ("chunk", "delta"))
        self.repo("inspect", inspected["pack"][:12], says=["delta", inspected["base"]])

    def test_the_repository_may_come_from_the_environment(self):
        env = varve_command.environment(VARVE_REPOSITORY=self.repository)
        self.varve("list", env=env, says="orders.img")
        self.varve("-r", self.repository, "list", says="orders.img")
        self.varve(f"--repo={self.repository}", "--json", "list", says="orders.img")


class UsageTest(VarveTest):

    def test_help_is_there_for_everything(self):
        general = self.varve("help").out
        verbs = [line.split()[0] for line in general.split("\n\n")[2].splitlines()]
        self.assertLessEqual({"init", "snapshot", "list", "restore", "check"}, set(verbs))
        nouns = {"agent", "addon", "backup", "schedule"}
        for verb in verbs:
            own = ["Actions:"] if verb in nouns else ["--json"]
            if verb not in nouns | {"jobs"}:
                own.append("--repo REPO")
            self.varve("help", verb, says=[f"usage: varve {verb}", *own])
            self.assertEqual(self.varve(verb, "--help").out, self.varve("help", verb).out)
        self.varve("--version", says="varve 0.")
        self.varve(expect=USAGE, says="usage: varve VERB")

    def test_mistakes_are_named_with_what_was_meant(self):
        for words, sentence in [
            (["snapsot", "x"], "there is no verb 'snapsot'; did you mean snapshot?"),
            (["help", "frobnicate"], "there is no verb 'frobnicate'; see varve help"),
            (["snapshot", "x", "--volum", "y"],
             "unknown option --volum; did you mean --volume?"),
            (["list", "--zzzzzz"], "unknown option --zzzzzz (varve help list)"),
            (["list", "-x"], "unknown option -x"),
            (["list", "extra"], "unexpected argument 'extra'"),
            (["restore", "latest"], "TARGET is missing"),
            (["snapshot"], "VOLUME is missing"),
            (["snapshot", "x", "--level"], "option --level needs a value"),
            (["list", "--volume", "a", "--volume", "b"], "option --volume is given twice"),
            (["list"], "no repository is named: give -r REPO or set VARVE_REPOSITORY"),
            (["--json"], "no verb is given"),
            (["init", self.path("r"), "--chunk-size", "5000"],
             "chunk size '5000' is not a power of two from 4K to 256K"),
            (["init", self.path("r"), "--chunk-size", "64Q"], "chunk size '64Q' is no size"),
        ]:
            self.varve(*words, expect=USAGE, says=sentence)
        self.assertFalse(os.path.exists(self.path("r")))

    def test_values_of_options_are_checked(self):
        self.init("--chunk-size", "4KiB")
        volume = self.make_volume(chunks=1)
        for words, sentence in [
            (["--level", "20"], "compression level '20' is no whole number from -5 to 19"),
            (["--level", "fast"], "compression level 'fast' is no whole number"),
            (["--level", "0"], "compression level 0"),
            (["--tag", "novalue"], "tag 'novalue' is not of the form key=value"),
            (["--tag", "=v"], "tag '=v' is not of the form key=value"),
            (["--consistency", "perfect"], "consistency 'perfect' is none of"),
            (["--volume", "a/b"], "volume name 'a/b' holds '@' or '/'"),
            (["--volume", ""], "the volume's name is empty"),
        ]:
            self.repo("snapshot", volume, *words, expect=USAGE, says=sentence)
        self.assertEqual(self.repo("list", "--json").json(), [])
        self.assertEqual(self.snapshot(volume, "--level", "-5")["chunksTotal"], 16)
        self.repo("verify", "--level", "deep", expect=USAGE, says="level 'deep' is none of")

    def test_a_failure_is_a_json_document_too(self):
        self.init()
        result = self.repo("show", "latest", "--json", expect=NOT_FOUND)
        self.assertEqual(result.json(), {"error": {
            "status": "NotFound", "exitCode": NOT_FOUND,
            "message": "the repository has no snapshots"}})
        self.assertEqual(result.err, "varve: the repository has no snapshots\n")

    def test_output_that_cannot_be_written_is_a_failure(self):
        self.init()
        with open("/dev/full", "wb") as full:
            process = varve_command.subprocess.run(
                [varve_command.binary(), "list", "-r", self.repository], stdout=full,
                stdin=varve_command.subprocess.DEVNULL,
                stderr=varve_command.subprocess.PIPE, check=False)
        self.assertEqual(process.returncode, varve_command.NO_SPACE)
        self.assertIn(b"write to stdout: No space left on device", process.stderr)


if __name__ == "__main__":
    unittest.main()

"""Several processes at once, and processes that end at any moment."""

import os
import shutil
import signal
import subprocess
import unittest

import varve_command
from varve_command import (BUSY, CHUNK, INTERRUPTED, OK, VarveTest, finish, random_bytes,
                           read_file, wait_until, write_file)

# A moment that is met while varve is at work, or else the try does not count.
TRIES = 20
# After so many seconds of CPU time the volume is being read and encoded, and not yet committed.
AT_WORK = 0.6


class ProcessesTest(VarveTest):

    def setUp(self):
        super().setUp()
        self.init()
        self.small = self.make_volume("small.img", chunks=4)
        self.base = self.snapshot(self.small)["snapshotId"]
        # Some seconds of work at level 19, however fast the machine is.
        self.volume = self.make_slow_volume()
        self.slow = ["snapshot", self.volume, "-r", self.repository, "--level", "19", "--json"]

    def make_slow_volume(self):
        words = [random_bytes(i, 7) for i in range(500)]
        picks = random_bytes(7, 96 * CHUNK // 7)
        content = b"".join(words[(pick * 7 + i) % 500] for i, pick in enumerate(picks))
        write_file(self.path("slow.img"), content)
        return self.path("slow.img")

    def start(self, *words):
        process = varve_command.start(*words)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def start_until(self, cpu_seconds):
        """A snapshot of the slow volume, stopped once it has worked for so long, uncommitted."""
        for _ in range(TRIES):
            process = self.start(*self.slow)
            wait_until(lambda: self.worked(process) >= cpu_seconds or process.poll() is not None)
            if process.poll() is None:
                process.send_signal(signal.SIGSTOP)
                wait_until(lambda: self.state_of(process) in "TZX")
                if self.state_of(process) == "T" and self.known() == [self.base]:
                    return process
            process.kill()
            process.wait()
            shutil.rmtree(self.repository)
            self.init()
            self.base = self.snapshot(self.small)["snapshotId"]
        self.fail(f"{TRIES} snapshots were over before the moment came")

    @staticmethod
    def stat_of(process):
        """The fields of /proc/PID/stat from the state on."""
        return read_file(f"/proc/{process.pid}/stat").decode().rsplit(")", 1)[1].split()

    def state_of(self, process):
        return self.stat_of(process)[0]

    def worked(self, process):
        """Seconds of a CPU that the process has used: a clock that load does not hasten."""
        return sum(map(int, self.stat_of(process)[11:13])) / os.sysconf("SC_CLK_TCK")

    def known(self):
        return sorted(name for name in os.listdir(self.inside("snapshots"))
                      if not name.endswith(".tmp"))

    def at_work(self):
        return len(os.listdir(self.inside("sessions"))) > 0

    def unfinished(self):
        return [name for _, _, names in os.walk(self.repository) for name in names
                if name.endswith(".tmp")]

    def test_readers_are_not_blocked_and_a_second_writer_is_told_who_writes(self):
        writer = self.start_until(AT_WORK)
        self.repo("list", says=self.base[:8])
        self.repo("verify", says="is good")
        self.repo("check", says=["all is well", f"by process {writer.pid} on"])
        self.repo("restore", self.base, self.path("target"))
        self.assert_same_bytes(self.path("target"), self.small)
        self.repo("recover", self.base, self.path("recovered"))
        second = varve_command.run("snapshot", "-r", self.repository, self.small)
        self.assertEqual(second.code, BUSY, str(second))
        self.assertIn(f"is being written by process {writer.pid} on", second.err)
        writer.send_signal(signal.SIGCONT)
        self.assertEqual(finish(writer).code, OK)
        self.repo("snapshot", self.small)
        self.repo("check", says="all is well")

    def test_many_writers_at_once_take_turns_or_are_told(self):
        crowd = [self.start("snapshot", self.small, "-r", self.repository, "--volume", f"v{i}",
                            "--json") for i in range(6)]
        readers = [self.start("verify", "-r", self.repository, self.base) for _ in range(3)]
        results = [finish(process) for process in crowd]
        done = [result for result in results if result.code == OK]
        self.assertGreaterEqual(len(done), 1)
        for result in results:
            if result.code != OK:
                self.assertEqual(result.code, BUSY, str(result))
                self.assertIn("is being written by", result.err)
        self.assertEqual([finish(reader).code for reader in readers], [OK] * 3)
        self.assertEqual(self.known(),
                         sorted([self.base] + [result.json()["snapshotId"] for result in done]))
        self.repo("check", says="all is well")

    def test_an_interrupt_leaves_nothing_and_the_next_run_uses_what_is_stored(self):
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=signal_number.name):
                writer = self.start_until(AT_WORK)
                writer.send_signal(signal_number)
                writer.send_signal(signal.SIGCONT)
                result = finish(writer)
                self.assertEqual(result.code, INTERRUPTED, str(result))
                self.assertEqual(result.json()["error"]["status"], "Cancelled")
                self.assertEqual(self.known(), [self.base])
                self.assertEqual(self.unfinished(), [])
                self.assertFalse(self.at_work())
                self.repo("check", says="all is well")
        summary = self.snapshot(self.volume)
        self.assertGreater(summary["chunksDeduplicated"], 0)
        self.repo("restore", summary["snapshotId"], self.path("target"))
        self.assert_same_bytes(self.path("target"), self.volume)

    def test_a_volume_that_shrinks_while_it_is_read_gives_no_snapshot(self):
        writer = self.start_until(AT_WORK)
        with open(self.volume, "r+b") as file:
            file.truncate(CHUNK)
        writer.send_signal(signal.SIGCONT)
        result = finish(writer)
        self.assertNotEqual(result.code, OK, str(result))
        self.assertIn("slow.img", result.err)
        self.assertEqual(self.known(), [self.base])
        self.repo("check", says="all is well")
        self.repo("snapshot", self.volume)

    def test_a_volume_that_is_written_while_it_is_read_gives_only_a_fuzzy_snapshot(self):
        writer = self.start_until(AT_WORK)
        write_file(self.volume, b"written", CHUNK)
        writer.send_signal(signal.SIGCONT)
        result = finish(writer)
        self.assertNotEqual(result.code, OK, str(result))
        self.assertIn("was written while it was read", result.err)
        self.assertEqual(self.known(), [self.base])
        self.slow += ["--consistency", "fuzzy"]
        writer = self.start_until(AT_WORK)
        write_file(self.volume, b"again", CHUNK)
        writer.send_signal(signal.SIGCONT)
        self.assertEqual(finish(writer).json()["consistency"], "fuzzy")

    def test_killed_at_any_moment_nothing_is_lost_and_the_next_snapshot_succeeds(self):
        for cpu_seconds in (0, 0.02, 0.05, 0.1, 0.2, AT_WORK):
            writer = self.start_until(cpu_seconds)
            writer.kill()
            writer.wait()
            self.examine_after_kill()
        # And at moments that only chance finds, the commit among them. One volume for each, so
        # that there is always something to store.
        quick = self.make_volume("quick.img", chunks=64)
        for i in range(12):
            write_file(quick, random_bytes(i, 40 * CHUNK))
            process = self.start("snapshot", quick, "-r", self.repository)
            try:
                process.wait(timeout=0.005 * i)
            except subprocess.TimeoutExpired:
                process.kill()
            process.wait()
            self.examine_after_kill()
        for volume in (quick, self.volume):
            last = self.snapshot(volume)["snapshotId"]
            self.repo("verify", last, says="is good")
            self.decode(last, self.path(last))
            self.assert_same_bytes(self.path(last), volume)

    def examine_after_kill(self):
        self.repo("check", says="all is well")
        self.repo("restore", self.base, self.path("target"), "--force")
        self.assert_same_bytes(self.path("target"), self.small)


if __name__ == "__main__":
    unittest.main()

"""Encrypted repositories on the command line: keys in and out, exit codes, nothing told."""

import glob
import os
import subprocess
import sys
import unittest

import varve_command
from varve_command import (CHUNK, DAMAGED, NOT_FOUND, OK, USAGE, WARNINGS,
                           WRONG_KEY, VarveTest, environment, read_file, write_file)

PASSPHRASE = "open-sesame-CANARY-5d1c"
CANARY = b"CANARY-the-tenant's-own-row-42"
DECODE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "decode",
                      "varve_decode.py")


class EncryptionTest(VarveTest):

    def setUp(self):
        super().setUp()
        self.passphrase = self.secret_file("passphrase", PASSPHRASE + "\n")
        self.key = ("--passphrase-file", self.passphrase)
        # Passphrases are slow on purpose: what is not about them takes the key file.
        self.key_file = self.path("key")
        write_file(self.key_file, varve_command.random_bytes(1, 64))
        self.fast = ("--key-file", self.key_file)
        self.varve("init", self.repository, "--encryption", "--key-label", "office", *self.key,
                   says="one key slot")
        self.volume = self.make_volume()
        write_file(self.volume, CANARY, 3 * CHUNK + 17)

    def secret_file(self, name, text):
        path = self.path(name)
        write_file(path, text.encode())
        return path

    def restore(self, *key, **options):
        target = self.path("restored")
        if os.path.exists(target):
            os.unlink(target)
        self.repo("restore", "latest", target, *key, **options)
        self.assert_same_bytes(target, self.volume)

    def test_what_is_stored_comes_back_and_tells_nothing(self):
        self.repo("key", "add", "--new-key-file", self.key_file, *self.key)
        self.snapshot(self.volume, "--tag", "note=" + CANARY.decode(), *self.fast)
        write_file(self.volume, b"changed", 9 * CHUNK)
        self.snapshot(self.volume, *self.fast)
        self.restore(*self.fast)
        self.repo("check", *self.fast, says="all is well")
        self.repo("verify", *self.fast)
        for path in glob.glob(self.repository + "/**", recursive=True):
            if os.path.isfile(path):
                content = read_file(path)
                for secret in (CANARY, PASSPHRASE.encode(), b"row of text", b"orders.img"):
                    self.assertNotIn(secret, content, path)

    def test_a_wrong_key_is_exit_code_12_and_so_is_none(self):
        wrong = self.secret_file("wrong", "another")
        for verb in (("list",), ("snapshot", self.volume)):
            self.repo(verb[0], *verb[1:], "--passphrase-file", wrong, expect=WRONG_KEY,
                      says="opens none of the 1 key slots")
        for verb in (("stats",), ("snapshot", self.volume), ("restore", "latest", "x")):
            self.repo(verb[0], *verb[1:], expect=WRONG_KEY, says=["needs a passphrase", "'office'"])
        self.repo("list", "--passphrase-file", self.path("none"), expect=WRONG_KEY)
        self.repo("list", "--passphrase-file", wrong, "--key-file", wrong, expect=USAGE)

    def test_every_way_to_give_a_passphrase(self):
        self.snapshot(self.volume, *self.key)
        self.restore("--passphrase-command", f"cat '{self.passphrase}'")
        self.restore(env=environment(VARVE_PASSPHRASE_FILE=self.passphrase))
        reader, writer = os.pipe()
        os.write(writer, PASSPHRASE.encode())
        os.close(writer)
        self.restore("--passphrase-fd", reader, pass_fds=(reader,))
        os.close(reader)
        self.repo("list", "--passphrase-command", "false", expect=USAGE, says="ended with 1")
        self.repo("list", "--passphrase-fd", "x", expect=USAGE)

    def test_nothing_secret_is_in_argv_or_in_what_is_said(self):
        # A command that shows, while varve runs, what everybody on the machine can see of it.
        spy = self.secret_file("spy.py", (
            "import os, sys\n"
            "out = open(sys.argv[1], 'ab')\n"
            "for name in ('cmdline', 'environ'):\n"
            "    out.write(open(f'/proc/{os.getppid()}/{name}', 'rb').read())\n"
            f"print({PASSPHRASE!r})\n"))
        seen = self.path("seen")
        run = self.repo("check", "--passphrase-command", f"{sys.executable} {spy} {seen}")
        self.assertIn(b"check", read_file(seen))
        self.assertNotIn(PASSPHRASE.encode(), read_file(seen))
        self.assertNotIn(PASSPHRASE, run.out + run.err)

    def test_without_the_key_names_and_stored_bytes(self):
        self.repo("key", "add", "--new-key-file", self.key_file, *self.key)
        taken = self.snapshot(self.volume, *self.fast)
        listed = self.repo("list", expect=WARNINGS, says=taken["snapshotId"])
        self.assertNotIn("orders", listed.out + listed.err)
        self.repo("check", expect=WARNINGS, says="all is well")
        self.repo("verify", "--level", "stored", expect=WARNINGS, says="whole as stored")
        self.repo("verify", expect=WRONG_KEY)
        pack = sorted(glob.glob(self.repository + "/packs/*/*"), key=os.path.getsize)[-1]
        write_file(pack, b"\xff\x00\xff", 5000)
        self.repo("check", expect=DAMAGED)
        self.repo("verify", "--level", "stored", expect=DAMAGED)

    def test_keys_come_and_go_but_the_last(self):
        self.snapshot(self.volume, *self.key)
        old = self.repo("key", "list", "--json").json()["slots"][0]["slotId"]
        self.repo("key", "remove", old, *self.key, expect=USAGE, says="is the last one")
        new = self.repo("key", "add", "--new-key-file", self.key_file, "--label", "safe", "--json",
                        *self.key).json()["slotId"]
        self.repo("key", "check", "--key-file", self.key_file, says=[old, new, "opened", "safe"])
        self.restore("--key-file", self.key_file)
        self.restore(*self.key)
        self.repo("key", "remove", old[:12], "--key-file", self.key_file, says=old)
        self.repo("stats", *self.key, expect=WRONG_KEY)
        self.restore("--key-file", self.key_file)
        self.repo("key", "remove", "0000", "--key-file", self.key_file, expect=NOT_FOUND)
        self.repo("key", "turn", "--key-file", self.key_file, expect=USAGE)
        self.repo("key", "add", "--key-file", self.key_file, expect=USAGE, says="no new key")

    def test_a_damaged_slot_is_found_and_an_exported_one_brings_it_back(self):
        slot = self.repo("key", "list", "--json").json()["slots"][0]["slotId"]
        exported = self.path("exported")
        self.repo("key", "export", slot, "--to", exported)
        self.assertEqual(os.stat(exported).st_mode & 0o777, 0o600)
        files = [f"{self.repository}/keys/{slot}{end}" for end in ("", ".copy")]
        write_file(files[0], b"\xff\x00\xff", 100)
        self.repo("key", "check", *self.key, expect=DAMAGED, says="checksum")
        self.repo("stats", *self.key, says="other file is good")
        write_file(files[1], b"\xff\x00\xff", 100)
        self.repo("stats", *self.key, expect=DAMAGED, says="no key slot is whole")
        for path in files:
            write_file(path, read_file(exported))
        self.repo("key", "check", *self.key)

    def test_keys_and_repositories_in_the_clear_do_not_mix(self):
        plain = self.path("plain")
        self.varve("init", plain, *self.key, expect=USAGE, says="not --encryption")
        self.varve("init", plain, "--encryption", expect=USAGE, says="needs a key")
        self.varve("init", plain)
        self.varve("list", "-r", plain, *self.key, expect=USAGE, says="is not encrypted")
        self.varve("list", "-r", plain, env=environment(VARVE_PASSPHRASE_FILE=self.passphrase))
        self.varve("key", "list", "-r", plain, expect=USAGE, says="is not encrypted")

    def test_the_independent_reader_restores_it(self):
        self.snapshot(self.volume, *self.key)
        write_file(self.volume, b"changed", 9 * CHUNK)
        self.snapshot(self.volume, *self.key)
        decode = [sys.executable, DECODE]
        target = self.path("decoded")
        done = subprocess.run([*decode, *self.key, self.repository, "restore", "latest", target,
                               "--checksums"], capture_output=True, text=True, check=False)
        if "python3-cryptography is needed" in done.stderr:
            self.skipTest("python3-cryptography is not installed")
        self.assertEqual((done.returncode, done.stderr), (OK, ""))
        self.assert_same_bytes(target, self.volume)
        for key in ((), ("--passphrase-file", self.secret_file("wrong", "wrong"))):
            done = subprocess.run([*decode, *key, self.repository, "list"], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.returncode, WRONG_KEY, done.stderr)
        pack = sorted(glob.glob(self.repository + "/packs/*/*"), key=os.path.getsize)[-1]
        write_file(pack, b"\xff", 60)  # its salt: the footer has another
        done = subprocess.run([*decode, *self.key, self.repository, "verify", "latest"],
                              capture_output=True, text=True, check=False)
        self.assertIn("verified", done.stdout, done.stderr)


if __name__ == "__main__":
    unittest.main()

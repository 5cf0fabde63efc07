"""Looking inside snapshots: ls and cp on ext4 images made without root, good, damaged, hostile."""

import os
import random
import re
import shutil
import subprocess
import sys
import unittest

import varve_command
from varve_command import (FAILURE, NOT_FOUND, OK, USAGE, WARNINGS, WRONG_STATE, VarveTest,
                           read_file, write_file)

MIB = 1 << 20
NEWLINE_NAME = "new\nline\x1b[31m"
BLOCK = 4096


def tool(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        print(f"SKIPPED: {name} is not installed", file=sys.stderr)
        sys.exit(77)
    return found


def file_tree(path):
    """Names below a directory with what they are and hold; links are not followed."""
    tree = {}
    for directory, directories, files in os.walk(path):
        for name in directories + files:
            full = os.path.join(directory, name)
            key = os.path.relpath(full, path)
            if os.path.islink(full):
                tree[key] = ("link", os.readlink(full))
            elif os.path.isdir(full):
                tree[key] = ("directory", os.stat(full).st_mode)
            else:
                state = os.stat(full)
                tree[key] = ("file", state.st_mode, int(state.st_mtime), read_file(full))
    return tree


class ImageTest(VarveTest):
    """Makes ext images of a tree with everything strange in it."""

    def setUp(self):
        super().setUp()
        self.init()

    def make_tree(self):
        root = self.path("tree")
        os.makedirs(os.path.join(root, "dir", "deep"))
        write_file(os.path.join(root, "a.txt"), b"hello\n")
        write_file(os.path.join(root, NEWLINE_NAME), b"strange")
        write_file(os.path.join(root, "dir", "big"), varve_command.random_bytes(5, 3 * MIB + 7))
        write_file(os.path.join(root, "dir", "empty"), b"")
        os.symlink("/etc/passwd", os.path.join(root, "leads-out"))
        os.symlink("dir/big", os.path.join(root, "leads-in"))
        os.symlink("loop", os.path.join(root, "loop"))
        os.link(os.path.join(root, "a.txt"), os.path.join(root, "dir", "second-name"))
        with open(os.path.join(root, "sparse"), "wb") as file:
            file.truncate(40 * MIB)
            file.seek(20 * MIB)
            file.write(b"in the middle")
        os.chmod(os.path.join(root, "a.txt"), 0o640)
        os.utime(os.path.join(root, "a.txt"), (1_600_000_000, 1_600_000_000))
        os.chmod(os.path.join(root, "dir", "deep"), 0o500)
        return root

    def make_image(self, name, tree=None, size=64 * MIB, options=()):
        path = self.path(name)
        write_file(path, b"")
        os.truncate(path, size)
        words = [tool("mkfs.ext4"), "-q", "-F", "-b", str(BLOCK), *options]
        subprocess.run([*words, *(["-d", tree] if tree else []), path], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return path

    def debugfs(self, image, *commands):
        for command in commands:
            subprocess.run([tool("debugfs"), "-w", "-R", command, image], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class InsideTest(ImageTest):

    def test_ls_shows_what_is_there(self):
        self.snapshot(self.make_image("good.img", self.make_tree()))
        entries = {entry["name"]: entry
                   for entry in self.repo("ls", "latest", "--json").json()["entries"]}
        self.assertLessEqual({"a.txt", "dir", "leads-out", "sparse", NEWLINE_NAME}, set(entries))
        self.assertEqual(entries["a.txt"]["bytes"], 6)
        self.assertEqual(entries["a.txt"]["mode"], 0o640)
        self.assertEqual(entries["a.txt"]["modified"], "2020-09-13T12:26:40.000Z")
        self.assertEqual(entries["leads-out"]["target"], "/etc/passwd")
        text = self.repo("ls", "latest", "/").out
        self.assertIn("new\\nline\\x1b[31m", text)
        self.assertNotIn("\x1b", text)
        self.assertIn("leads-out -> /etc/passwd", text)
        self.repo("ls", "latest", "/dir/./deep/../big", says=str(3 * MIB + 7))
        self.repo("ls", "latest", "/leads-in", says=str(3 * MIB + 7))
        self.repo("ls", "latest", "/nothing", expect=NOT_FOUND, says="/nothing")
        self.repo("ls", "latest", "/a.txt/below", expect=NOT_FOUND)
        self.repo("ls", "latest", "/leads-out", expect=NOT_FOUND)
        self.repo("ls", "latest", "/loop", expect=USAGE, says="too many links")

    def test_cp_copies_a_whole_tree_as_it_was(self):
        tree = self.make_tree()
        self.snapshot(self.make_image("good.img", tree))
        target = self.path("out")
        self.repo("cp", "latest:/", target, expect=USAGE, says="--recursive")
        self.assertFalse(os.path.exists(target))
        self.repo("cp", "latest:/", target, "--recursive")
        copied = file_tree(target)
        self.assertEqual(copied.pop("lost+found")[0], "directory")
        self.assertEqual(set(copied), set(file_tree(tree)))
        self.assertTrue(copied == file_tree(tree))
        self.assertEqual(os.stat(os.path.join(target, "a.txt")).st_nlink, 2)
        self.assertLess(os.stat(os.path.join(target, "sparse")).st_blocks * 512, MIB)

    def test_cp_replaces_nothing_and_names_things_like_cp(self):
        tree = self.make_tree()
        self.snapshot(self.make_image("good.img", tree))
        big = os.path.join(tree, "dir", "big")
        self.repo("cp", "latest:/dir/big", self.path("copy"))
        self.assert_same_bytes(self.path("copy"), big)
        self.repo("cp", "latest:/dir/big", self.path("copy"), expect=WRONG_STATE, says="exists")
        os.mkdir(self.path("into"))
        self.repo("cp", "latest:/leads-in", self.path("into"))
        self.assert_same_bytes(self.path("into/leads-in"), big)
        self.repo("cp", "latest:/nothing", self.path("copy2"), expect=NOT_FOUND)
        self.repo("cp", "latest:/a.txt", self.path("no/such/directory"), expect=NOT_FOUND)
        self.repo("cp", "latest", self.path("copy2"), expect=USAGE, says="SNAPSHOT:/PATH")
        os.symlink(self.path("elsewhere"), self.path("dangling"))
        self.repo("cp", "latest:/a.txt", self.path("dangling"), expect=WRONG_STATE)
        self.assertFalse(os.path.exists(self.path("elsewhere")))

    def test_old_and_small_kinds_of_ext_are_read_too(self):
        tree = self.make_tree()
        for name, options in (("ext2", ["-t", "ext2"]), ("ext3", ["-t", "ext3"]),
                              ("inline", ["-O", "inline_data", "-I", "256"])):
            with self.subTest(name):
                self.snapshot(self.make_image(f"{name}.img", tree, options=options))
                self.repo("cp", f"{name}.img@latest:/", self.path(name), "--recursive")
                copied, original = file_tree(self.path(name)), file_tree(tree)
                copied.pop("lost+found")
                if name == "inline":  # mkfs makes a hole at the end of a file shorter there
                    copied.pop("sparse"), original.pop("sparse")
                self.assertTrue(copied == original)

    def test_partitions_are_listed_and_picked(self):
        image = self.make_image("part.img", self.make_tree())
        disk = self.path("disk.img")
        with open(disk, "wb") as file:
            file.truncate(80 * MIB)
            file.seek(MIB)
            file.write(read_file(image))
        subprocess.run([tool("sfdisk"), "-q", disk], check=True, stdout=subprocess.DEVNULL,
                       input=b"label: gpt\nstart=1MiB, size=64MiB\nstart=66MiB, size=8MiB\n")
        self.snapshot(disk)
        listed = self.repo("ls", "latest", "--json").json()
        self.assertEqual(listed["partitionTable"], "gpt")
        self.assertEqual([(part["partition"], part["offset"], part["fileSystem"])
                          for part in listed["partitions"]],
                         [(1, MIB, "ext4"), (2, 66 * MIB, "")])
        self.repo("ls", "latest", "/", expect=USAGE, says="--partition")
        self.repo("cp", "latest:/a.txt", self.path("x"), expect=USAGE, says="ext4")
        self.repo("cp", "latest:/a.txt", self.path("x"), "--partition", "1")
        self.assertEqual(read_file(self.path("x")), b"hello\n")
        self.repo("ls", "latest", "--partition", "7", expect=NOT_FOUND)
        self.repo("ls", "latest", "--partition", "2", expect=FAILURE, says="varve mount")

    def test_logical_partitions_of_an_old_table_are_found(self):
        image = self.make_image("part.img", self.make_tree())
        disk = self.path("disk.img")
        write_file(disk, b"")
        os.truncate(disk, 90 * MIB)
        subprocess.run([tool("sfdisk"), "-q", disk], check=True, stdout=subprocess.DEVNULL,
                       input=b"label: dos\nstart=1MiB, size=8MiB\nstart=10MiB, type=5\n"
                             b"start=11MiB, size=4MiB\nstart=17MiB, size=64MiB\n")
        write_file(disk, read_file(image), 17 * MIB)
        self.snapshot(disk)
        listed = self.repo("ls", "latest", "--json").json()
        self.assertEqual([part["partition"] for part in listed["partitions"]], [1, 5, 6])
        self.repo("ls", "latest", "/a.txt", "--partition", "6", says="a.txt")

    def test_other_file_systems_name_the_way_through_a_mount(self):
        volume = self.path("xfs.img")
        write_file(volume, b"")
        os.truncate(volume, 320 * MIB)
        subprocess.run([tool("mkfs.xfs"), "-q", "-f", volume], check=True)
        self.snapshot(volume)
        self.repo("ls", "latest", expect=FAILURE, says=("xfs", "varve mount"))
        random_volume = self.make_volume("random.img")
        self.snapshot(random_volume)
        self.repo("ls", "random.img@latest", expect=FAILURE, says="no file system")

    def test_a_journal_that_waits_is_warned_about(self):
        image = self.make_image("dirty.img", self.make_tree())
        self.debugfs(image, "feature needs_recovery")
        self.snapshot(image)
        self.repo("ls", "latest", expect=WARNINGS, says=("a.txt", "journal"))
        self.repo("cp", "latest:/a.txt", self.path("x"), expect=WARNINGS, says="journal")
        self.assertEqual(read_file(self.path("x")), b"hello\n")


class HostileTest(ImageTest):
    """What a file system may say when somebody made it to hurt the reader."""

    def copy_all(self, image):
        """Copies everything into a directory of its own; nothing may appear beside it."""
        self.snapshot(image)
        cage = self.path("cage")
        os.mkdir(cage)
        before = set(os.listdir(self.directory))
        result = varve_command.run("cp", "-r", self.repository, "latest:/",
                                   os.path.join(cage, "out"), "--recursive")
        self.assertEqual(set(os.listdir(self.directory)), before)
        self.assertLessEqual(set(os.listdir(cage)), {"out"})
        return result

    def rename_entry(self, image, old, new):
        """Writes another name over a directory entry, as no file system would."""
        self.assertEqual(len(old), len(new))
        content = read_file(image)
        found = re.search(b"%c[\x01\x07]%s" % (len(old), re.escape(old)), content)
        write_file(image, new, found.start() + 2)

    def hostile_image(self, tree=None):
        return self.make_image("hostile.img", tree or self.make_tree(),
                               options=["-O", "^metadata_csum"])

    def test_names_that_would_leave_the_directory_are_refused(self):
        for bad in (b"../out", b"/a/b/c", b"ab\0cde"):
            with self.subTest(bad):
                shutil.rmtree(self.path("tree"), ignore_errors=True)
                shutil.rmtree(self.path("cage"), ignore_errors=True)
                tree = self.make_tree()
                write_file(os.path.join(tree, "victim"), b"content")
                image = self.hostile_image(tree)
                self.rename_entry(image, b"victim", bad)
                result = self.copy_all(image)
                self.assertNotEqual(result.code, OK, str(result))
                self.assertIn("a name that is none", result.err)

    def test_a_link_and_a_directory_of_one_name_do_not_lead_out(self):
        tree = self.path("tree")
        os.makedirs(os.path.join(tree, "victim"))
        write_file(os.path.join(tree, "victim", "payload"), b"x")
        outside = self.path("outside")
        os.mkdir(outside)
        os.symlink(outside, os.path.join(tree, "valley"))
        image = self.hostile_image(tree)
        self.rename_entry(image, b"valley", b"victim")
        # Whichever comes first, the other one finds its name taken.
        content = read_file(image)
        self.assertEqual(content.count(b"\x06\x07victim") + content.count(b"\x06\x02victim"), 2)
        result = self.copy_all(image)
        self.assertEqual(result.code, WARNINGS, str(result))
        self.assertEqual(os.listdir(outside), [])

    def test_directory_loops_end(self):
        image = self.hostile_image()
        self.debugfs(image, "link /dir /dir/deep/again", "link / /dir/top")
        result = self.copy_all(image)
        self.assertEqual(result.code, WARNINGS, str(result))
        self.assertIn("two places", result.err)
        self.assertEqual(read_file(self.path("cage/out/a.txt")), b"hello\n")

    def test_devices_and_set_id_bits_stay_behind(self):
        image = self.hostile_image()
        self.debugfs(image, "mknod device c 1 3", "mknod pipe p",
                     "set_inode_field /a.txt mode 0106755")
        result = self.copy_all(image)
        self.assertEqual(result.code, WARNINGS, str(result))
        self.assertFalse(os.path.lexists(self.path("cage/out/device")))
        self.assertFalse(os.path.lexists(self.path("cage/out/pipe")))
        self.assertEqual(os.stat(self.path("cage/out/a.txt")).st_mode & 0o7777, 0o755)

    def test_huge_sizes_write_no_more_than_there_is(self):
        image = self.hostile_image()
        self.debugfs(image, "set_inode_field /a.txt size 1152921504606846976",
                     "set_inode_field /dir/big size 17592186040320",
                     "set_inode_field /leads-out size 999999")
        result = self.copy_all(image)
        self.assertIn(result.code, (OK, WARNINGS), str(result))
        used = sum(os.lstat(os.path.join(directory, name)).st_blocks * 512
                   for directory, _, names in os.walk(self.path("cage")) for name in names)
        self.assertLess(used, 16 * MIB)

    def test_damaged_metadata_never_crashes_or_escapes(self):
        seed = int(os.environ.get("VARVE_SEED", "1"))
        rounds = int(os.environ.get("VARVE_FUZZ_ROUNDS", "8"))
        tree = self.make_tree()
        good = read_file(self.make_image("good.img", tree, size=12 * MIB,
                                         options=["-O", "^metadata_csum", "-N", "64"]))
        for number in range(rounds):
            chooser = random.Random(seed * 1000 + number)
            content = bytearray(good)
            for _ in range(chooser.choice((1, 4, 40))):
                area = chooser.choice(((1024, 1024 + 264), (BLOCK, 2 * BLOCK),
                                       (2 * BLOCK, 40 * BLOCK)))
                content[chooser.randrange(*area)] = chooser.randrange(256)
            image = self.path(f"fuzzed-{number}.img")
            write_file(image, bytes(content))
            shutil.rmtree(self.path("cage"), ignore_errors=True)
            with self.subTest(seed=seed, number=number):
                result = self.copy_all(image)
                self.assertIn(result.code, range(0, 14), str(result))
            os.remove(image)


if __name__ == "__main__":
    for needed in ("mkfs.ext4", "debugfs", "sfdisk", "mkfs.xfs"):
        tool(needed)
    unittest.main()

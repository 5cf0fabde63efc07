"""The Debian package: built from what is built, looked into, and each of its documents tried."""

import glob
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import varve_command
from varve_command import VarveTest

BUILD = os.path.dirname(os.path.dirname(os.path.realpath(varve_command.binary())))
EXPECTED = {
    "./usr/bin/varve": "-rwxr-xr-x",
    "./usr/share/man/man1/varve.1.gz": "-rw-r--r--",
    "./usr/share/bash-completion/completions/varve": "-rw-r--r--",
    "./usr/share/zsh/vendor-completions/_varve": "-rw-r--r--",
    "./usr/share/fish/vendor_completions.d/varve.fish": "-rw-r--r--",
}


def output(*words, **options):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, timeout=300, **options)
    text = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: exit code {done.returncode}\n{text}")
    return text


class PackageTest(VarveTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.enterClassContext(tempfile.TemporaryDirectory(
            prefix="varve-package-", dir="/tmp"))
        output("cpack", "-G", "DEB", "--config", f"{BUILD}/CPackConfig.cmake", "-B", cls.work)
        packages = glob.glob(f"{cls.work}/*.deb")
        assert len(packages) == 1, packages
        cls.package = packages[0]
        cls.root = os.path.join(cls.work, "root")
        output("dpkg-deb", "-x", cls.package, cls.root)

    def inside(self, path):
        return os.path.join(self.root, path)

    def test_everything_is_in_it_with_its_rights(self):
        listing = {}
        for line in output("dpkg-deb", "-c", self.package).splitlines():
            mode, owner, *_, name = line.split()
            listing[name] = mode
            self.assertEqual(owner, "root/root", line)
        for name, mode in EXPECTED.items():
            self.assertEqual(listing.get(name), mode, f"{name} in {sorted(listing)}")
        outside = [name for name in listing if not name.startswith("./usr/") and name != "./"]
        self.assertEqual(outside, [])

    def test_it_says_what_it_needs(self):
        facts = output("dpkg-deb", "-f", self.package)
        self.assertIn("Package: varve\n", facts)
        for library in ("libc6", "libzstd1", "librocksdb", "libfuse3-3"):
            self.assertIn(library, facts)

    def test_man_pages_have_no_warnings(self):
        if shutil.which("groff") is None:
            self.skipTest("there is no groff to read man pages")
        with gzip.open(self.inside("usr/share/man/man1/varve.1.gz")) as file:
            text = file.read()
        done = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-P-cbou"], input=text,
                              capture_output=True, check=True, timeout=60)
        self.assertEqual(done.stderr.decode(), "")
        self.assertIn("backup create", done.stdout.decode())

    def complete(self, *words):
        """What bash offers for the last of the words."""
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _varve; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        path = self.inside("usr/share/bash-completion/completions/varve")
        return output("bash", "-c", script, "bash", path, "varve", *words).split()

    def test_bash_completes_verbs_actions_and_options(self):
        output("bash", "-n", self.inside("usr/share/bash-completion/completions/varve"))
        self.assertLessEqual({"backup", "snapshot", "help"}, set(self.complete("")))
        self.assertEqual(self.complete("sched"), ["schedule"])
        self.assertEqual(self.complete("backup", "cr"), ["create"])
        self.assertEqual(self.complete("backup", "create", "orders", "--na"), ["--name"])
        self.assertNotIn("--repo", self.complete("backup", "create", "--"))
        self.assertIn("--repo", self.complete("restore", "--"))
        self.assertEqual(self.complete("restore", "x"), [])  # files, by the shell itself

    def test_other_shells_can_read_theirs(self):
        for shell, path in (("zsh", "zsh/vendor-completions/_varve"),
                            ("fish", "fish/vendor_completions.d/varve.fish")):
            file = self.inside(f"usr/share/{path}")
            if shutil.which(shell):
                output(shell, "-n", file)
            with open(file, encoding="utf-8") as text:
                self.assertIn("set-retention", text.read())


if __name__ == "__main__":
    for tool in ("cpack", "dpkg-deb", "dpkg-shlibdeps"):
        if shutil.which(tool) is None:
            print(f"SKIPPED: there is no {tool}", file=sys.stderr)
            sys.exit(77)
    unittest.main()

"""The engines under test behind one face: make a repository, snapshot a volume, restore one."""

import json
import os
import shutil

from bench_step import StepFailed, run

SNAPSHOT_KEYS = ("snapshot", "snapshotId", "snapshot_id", "id")


class Engine:
    """Commands of one program. Its repository and its local cache are below one directory."""

    name = ""
    settings = ""

    def __init__(self, binary, work_dir):
        self.binary = binary
        self.directory = os.path.join(work_dir, self.name)
        self.repository = os.path.join(self.directory, "repository")
        self.cache = os.path.join(self.directory, "cache")
        self.environment = {"PATH": os.environ["PATH"], "HOME": self.directory, "LC_ALL": "C.UTF-8"}

    def version(self):
        return run(self.binary, "--version").strip().splitlines()[0]

    def init_command(self):
        raise NotImplementedError

    def snapshot_command(self, volume, step):
        raise NotImplementedError

    def restore_command(self, target_dir, volume):
        raise NotImplementedError

    def noticed(self, step, output):
        """Sees what a snapshot command printed: an engine may need a name from it to restore."""

    def restored_file(self, target_dir, volume):
        raise NotImplementedError

    def create(self):
        self.remove()
        os.makedirs(self.directory)
        run(*self.init_command(), env=self.environment)

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


class Varve(Engine):
    name = "varve"
    settings = "default settings"

    def __init__(self, binary, work_dir):
        super().__init__(binary, work_dir)
        self.last_snapshot = None

    def init_command(self):
        return [self.binary, "init", self.repository]

    def snapshot_command(self, volume, step):
        return [self.binary, "-r", self.repository, "snapshot", volume, "--volume", "pg", "--json"]

    def noticed(self, step, output):
        self.last_snapshot = find_snapshot(output)

    def restore_command(self, target_dir, volume):
        return [self.binary, "-r", self.repository, "restore", self.last_snapshot,
                self.restored_file(target_dir, volume), "--json"]

    def restored_file(self, target_dir, volume):
        return os.path.join(target_dir, os.path.basename(volume))


def find_snapshot(output):
    """The snapshot's name in what `snapshot --json` printed: one document, or one a line."""
    try:
        documents = [json.loads(output)]
    except ValueError:
        documents = [parsed for line in output.splitlines() if (parsed := parse_line(line))]
    for document in reversed(documents):
        document = document.get("data", document)
        for key in SNAPSHOT_KEYS:
            value = document.get(key)
            if isinstance(value, dict):
                value = value.get("id")
            if isinstance(value, str):
                return value
    raise StepFailed(f"varve snapshot --json names no snapshot: {output[-500:]}")


def parse_line(line):
    try:
        parsed = json.loads(line)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


class Restic(Engine):
    """restic always encrypts. `auto` is the weakest compression that 0.14 has besides none: the
    default level of its Go encoder, which that library's authors place at about zstd's level 3."""

    name = "restic"
    settings = "--compression auto (no level 1; about zstd 3), encrypted (cannot be off)"

    def __init__(self, binary, work_dir):
        super().__init__(binary, work_dir)
        self.environment |= {"RESTIC_PASSWORD": "bench", "RESTIC_REPOSITORY": self.repository,
                             "RESTIC_CACHE_DIR": self.cache}

    def version(self):
        return run(self.binary, "version").strip()

    def init_command(self):
        return [self.binary, "init", "--repository-version", "2"]

    def snapshot_command(self, volume, step):
        return [self.binary, "backup", "--quiet", "--compression", "auto", volume]

    def restore_command(self, target_dir, volume):
        return [self.binary, "restore", "latest", "--quiet", "--target", target_dir]

    def restored_file(self, target_dir, volume):
        return target_dir + volume


class Borg(Engine):
    name = "borg"

    def __init__(self, binary, work_dir, level, chunker):
        super().__init__(binary, work_dir)
        self.level = level
        self.chunker = chunker
        self.last_step = None
        self.settings = (f"-C zstd,{level}, --encryption none, chunker "
                         f"{chunker or 'default (buzhash,19,23,21,4095)'}")
        self.environment |= {"BORG_BASE_DIR": self.cache, "BORG_REPO": self.repository,
                             "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
                             "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}

    def init_command(self):
        return [self.binary, "init", "--encryption", "none"]

    def snapshot_command(self, volume, step):
        chunker = ["--chunker-params", self.chunker] if self.chunker else []
        return [self.binary, "create", "-C", f"zstd,{self.level}", *chunker, f"::{step}", volume]

    def noticed(self, step, output):
        self.last_step = step

    def restore_command(self, target_dir, volume):
        # --sparse spares it the zeros, which helps it; extract writes into the working directory.
        return [self.binary, "extract", "--sparse", f"::{self.last_step}"]

    def restored_file(self, target_dir, volume):
        return target_dir + volume

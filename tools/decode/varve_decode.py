#!/usr/bin/python3
"""Reads a varve repository without varve and without an index, after FORMAT.md alone.

Exit codes: 0 ok, 1 failure, 2 usage, 3 done but damage was met on the way, 4 not found,
8 damage, 10 not a repository, 12 wrong or no key.
"""

import argparse
import datetime
import json
import os
import sys

import sealing
from frame_store import FrameStore
from small_objects import (Damage, DecodeError, NotARepository, NotFound, open_configuration,
                           read_snapshots)
from tree_walk import TreeWalk

OK, FAILURE, WARNINGS, NOT_FOUND, DAMAGE, NO_REPOSITORY, WRONG_KEY = 0, 1, 3, 4, 8, 10, 12


class Warnings:
    """Says each thing once and remembers that it did."""

    def __init__(self):
        self._seen = set()

    def __call__(self, message):
        if message not in self._seen:
            self._seen.add(message)
            print(f"varve_decode: {message}", file=sys.stderr)

    def __bool__(self):
        return bool(self._seen)


class Losses:
    """Ranges of the volume that could not be read, for people."""

    _SHOWN = 100

    def __init__(self):
        self.count = 0
        self.length = 0

    def __call__(self, offset, length, message):
        self.count += 1
        self.length += length
        if self.count <= self._SHOWN:
            print(f"varve_decode: [{offset}, {offset + length}): {message}", file=sys.stderr)
        if self.count == self._SHOWN + 1:
            print("varve_decode: further damaged ranges are only counted", file=sys.stderr)


def find_snapshot(snapshots, wanted):
    """By full id, `latest`, or a prefix of at least four digits that names one alone."""
    if wanted == "latest" and snapshots:
        return snapshots[-1]
    matching = [snapshot for snapshot in snapshots if snapshot.id.hex().startswith(wanted)]
    if len(matching) > 1:
        raise NotFound(f"snapshot {wanted}: {len(matching)} snapshots begin so")
    if not matching or len(wanted) < 4:
        raise NotFound(f"snapshot {wanted}: not found")
    return matching[0]


def time_text(nanoseconds):
    try:
        moment = datetime.datetime.fromtimestamp(nanoseconds // 10**9, datetime.timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return f"{nanoseconds} ns"


def list_snapshots(arguments, configuration, snapshots, warnings):
    if arguments.json:
        print(json.dumps({"repository": configuration.repository_id.hex(),
                          "snapshots": [snapshot.as_json() for snapshot in snapshots]}, indent=2))
    else:
        for snapshot in snapshots:
            print(f"{snapshot.id.hex()}  {snapshot.sequence:>6}  {time_text(snapshot.end_ns)}  "
                  f"{snapshot.size:>15}  {snapshot.consistency:<11}  {snapshot.volume}")
    return DAMAGE if warnings else OK


def verify(arguments, configuration, snapshots, warnings):
    snapshot = find_snapshot(snapshots, arguments.snapshot)
    losses = Losses()
    store = FrameStore(arguments.repository, configuration, warnings, arguments.checksums)
    data_bytes = sum(len(data) for _, data in TreeWalk(store, snapshot, losses).chunks())
    return finish(snapshot, "verified", data_bytes, losses, DAMAGE if warnings else OK)


def restore(arguments, configuration, snapshots, warnings):
    snapshot = find_snapshot(snapshots, arguments.snapshot)
    if os.path.lexists(arguments.target):
        raise DecodeError(f"{arguments.target}: exists already")
    losses = Losses()
    store = FrameStore(arguments.repository, configuration, warnings, arguments.checksums)
    partial = arguments.target + ".partial"
    data_bytes = 0
    target = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(target, snapshot.size)
        for offset, data in TreeWalk(store, snapshot, losses).chunks():
            write_at(target, offset, data)
            data_bytes += len(data)
        os.fsync(target)
    finally:
        os.close(target)
    if losses.count:
        print(f"varve_decode: what could be read is in {partial}; damaged ranges are zeros in it",
              file=sys.stderr)
    else:
        os.rename(partial, arguments.target)
        sync_folder(os.path.dirname(arguments.target) or ".")
    return finish(snapshot, "restored", data_bytes, losses, WARNINGS if warnings else OK)


def write_at(descriptor, offset, data):
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def sync_folder(path):
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def finish(snapshot, verb, data_bytes, losses, code):
    if losses.count:
        print(f"snapshot {snapshot.id.hex()}: DAMAGED, {losses.count} ranges of together "
              f"{losses.length} bytes cannot be read")
        return DAMAGE
    print(f"snapshot {snapshot.id.hex()}: {verb}, {snapshot.size} bytes, "
          f"{data_bytes} of them not zero")
    return code


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository")
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument("--passphrase-file", help="holds the passphrase of an encrypted repository")
    keys.add_argument("--key-file", help="is a key of an encrypted repository")
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", help="the snapshots, by sequence")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=list_snapshots)
    restoring = verbs.add_parser("restore", help="a snapshot into a new sparse file")
    restoring.set_defaults(run=restore)
    verifying = verbs.add_parser("verify", help="read everything of a snapshot")
    verifying.set_defaults(run=verify)
    for verb in (restoring, verifying):
        verb.add_argument("snapshot", help="an id, its beginning, or `latest`")
        verb.add_argument("--checksums", action="store_true",
                          help="check the checksums of frames too, not only ids (slow)")
    restoring.add_argument("target", help="a file that does not exist yet")
    return parser.parse_args()


def read_key(arguments):
    """The key that was given, if one was."""
    if arguments.passphrase_file:
        with open(arguments.passphrase_file, "rb") as file:
            return sealing.Key(sealing.PASSPHRASE, file.read().removesuffix(b"\n"))
    if arguments.key_file:
        with open(arguments.key_file, "rb") as file:
            return sealing.Key(sealing.KEY_FILE, file.read())
    return None


def main():
    arguments = parse_arguments()
    warnings = Warnings()
    try:
        configuration = open_configuration(
            arguments.repository, warnings,
            lambda repository_id: sealing.Sealing(arguments.repository, repository_id,
                                                  read_key(arguments), warnings))
        snapshots = read_snapshots(arguments.repository, configuration, warnings)
        return arguments.run(arguments, configuration, snapshots, warnings)
    except DecodeError as error:
        print(f"varve_decode: {error}", file=sys.stderr)
        for kind, code in ((NotFound, NOT_FOUND), (NotARepository, NO_REPOSITORY),
                           (Damage, DAMAGE), (sealing.WrongKey, WRONG_KEY)):
            if isinstance(error, kind):
                return code
        return FAILURE
    except OSError as error:
        print(f"varve_decode: {error}", file=sys.stderr)
        return FAILURE


if __name__ == "__main__":
    sys.exit(main())

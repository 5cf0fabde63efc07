#!/usr/bin/python3
"""Tests of the independent reader on repositories that a small writer makes here, itself after
FORMAT.md. Run: tools/decode/test_decode.py"""

import hmac
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "..", "tests", "golden")
sys.path.insert(0, HERE)

import zstandard  # noqa: E402
import pack_scan  # noqa: E402
import small_objects  # noqa: E402
import zstd_frame  # noqa: E402
from small_objects import Damage  # noqa: E402
from xxh3 import xxh3_64  # noqa: E402

CHUNK_SIZE = 4096
REPOSITORY_ID = bytes(range(16))
ID_KEY = bytes(range(100, 132))


def u64(value):
    return value.to_bytes(8, "little")


def envelope(kind, object_id, fields, repository_id=REPOSITORY_ID):
    payload = b"".join(struct.pack("<HHI", tag, 0, len(value)) + value for tag, value in fields)
    header = struct.pack("<8sHBBI16s16sQ", b"VARVEOBJ", 1, kind, 0, len(payload), repository_id,
                         object_id, xxh3_64(payload))
    return header + u64(xxh3_64(header)) + payload


def frame_id(kind, data):
    key = hmac.digest(ID_KEY, b"varve id v1 " + bytes([kind]), "sha256")
    return hmac.digest(key, data, "sha256")


def compress(data, base=None):
    dictionary = None
    if base is not None:
        dictionary = zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    return zstandard.ZstdCompressor(level=1, dict_data=dictionary).compress(data)


class Writer:
    """One repository in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.known = {}
        self.sequence = 0
        os.makedirs(os.path.join(folder, "snapshots"))
        os.makedirs(os.path.join(folder, "packs"))
        config = envelope(1, bytes(16), [(1, bytes(8)), (2, struct.pack("<I", CHUNK_SIZE)),
                                         (0x8003, ID_KEY), (0x8004, bytes(192))])
        for name in ("config", "config.copy"):
            self.put(name, config)

    def put(self, name, data):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)

    def pack(self, content, items):
        """items: (kind, raw bytes, base id or None)."""
        pack_id = bytes([len(os.listdir(os.path.join(self.folder, "packs"))) + 1]) + bytes(15)
        head = struct.pack("<8sHBB4s16s16s32s8s", b"VARVEPCK", 1, content, 0, bytes(4),
                           REPOSITORY_ID, pack_id, bytes(32), bytes(8))
        body, footer = bytearray(head + u64(xxh3_64(head))), bytearray()
        for kind, raw, base in items:
            stored = compress(raw, self.known[base]) if base else compress(raw)
            encoding = (2 if base else 1) if len(stored) < len(raw) else 0
            stored, base = (stored, base) if encoding else (raw, None)
            name = frame_id(kind, raw)
            header = struct.pack("<4sBBHII32sQ", b"VFRM", kind, encoding, 96 if base else 64,
                                 len(raw), len(stored), name, xxh3_64(stored)) + (base or b"")
            body += header + u64(xxh3_64(header)) + stored
            footer += struct.pack("<BB2sII32s", kind, encoding, bytes(2), len(raw), len(stored),
                                  name) + (base or b"")
            if not base:
                self.known[name] = raw
        trailer = struct.pack("<8sHBBIQQ16sQ", b"VARVEEND", 1, content, 0, len(items), len(body),
                              len(footer), pack_id, xxh3_64(footer))
        name = f"packs/{pack_id.hex()[:2]}/{pack_id.hex()}"
        self.put(name, body + footer + trailer + u64(xxh3_64(trailer)))
        return os.path.join(self.folder, name)

    def snapshot(self, volume, parent=None):
        """Writes a snapshot; chunks that differ from those of parent become deltas."""
        chunks = [volume[at:at + CHUNK_SIZE] for at in range(0, len(volume), CHUNK_SIZE)]
        items, entries = {}, []
        for number, chunk in enumerate(chunks):
            if not any(chunk):
                entries.append(bytes(48))
                continue
            name = frame_id(1, chunk)
            entries.append(name + b"\1" * 16)
            old = parent[number * CHUNK_SIZE:(number + 1) * CHUNK_SIZE] if parent else b""
            base = frame_id(1, old) if old else None
            if name not in self.known:
                items[name] = (1, chunk, base if base in self.known else None)
        packs = [self.pack(1, items.values())] if items else []
        root, nodes = self.tree(entries)
        if nodes:
            packs.append(self.pack(2, nodes))
        self.sequence += 1
        name = bytes([0xA0, self.sequence]) + bytes(14)
        self.put(f"snapshots/{name.hex()}", envelope(2, name, [
            (1, b"volume"), (2, b"file:volume"), (3, u64(len(volume))),
            (4, struct.pack("<I", CHUNK_SIZE)), (7, u64(self.sequence)), (9, u64(1)), (10, u64(2)),
            (11, b"\3"), (12, b"none"), (13, b"scan"), (15, b"a=b"), (15, b"c=d"),
            (16, bytes(80)), (0x7000, b"from the future"), (0x8005, root)]))
        return name.hex(), packs

    @staticmethod
    def tree(entries):
        nodes, level = [], 0
        counts = [any(entry) for entry in entries]
        while True:
            width, kind = (128, 3) if level else (64, 2)
            above, above_counts = [], []
            for at in range(0, len(entries), width):
                part, count = entries[at:at + width], sum(counts[at:at + width])
                raw = struct.pack("<BBH4s", level, 1, len(part), bytes(4)) + b"".join(part)
                if count:
                    nodes.append((kind, raw, None))
                above.append(frame_id(kind, raw) + u64(count) if count else bytes(40))
                above_counts.append(count)
            if len(above) <= 1:
                return (above[0][:32] if above else bytes(32)), nodes
            entries, counts, level = above, above_counts, level + 1


def make_volume(seed, chunks, tail=100):
    source = random.Random(seed)
    volume = bytearray()
    for _ in range(chunks):
        kind = source.randrange(4)
        volume += (bytes(CHUNK_SIZE) if kind == 0 else source.randbytes(CHUNK_SIZE) if kind == 1
                   else source.randbytes(64) * (CHUNK_SIZE // 64))
    return bytes(volume + source.randbytes(tail))


def change(volume, seed):
    source = random.Random(seed)
    changed = bytearray(volume)
    for _ in range(len(volume) // CHUNK_SIZE // 5 + 1):
        at = source.randrange(len(volume) - 8)
        changed[at:at + 8] = source.randbytes(8)
    return bytes(changed)


def counting(first, size=16):
    """The ids of the golden files: bytes that count up."""
    return bytes(range(first, first + size))


def golden_volume():
    first = bytes((i * 2654435761 & 0xFFFFFFFF) >> 21 & 255 for i in range(4096))
    changed = first[:1000] + b"varve" + first[1005:]
    return first + changed + bytes(61 * 4096) + b"\xab" * 4096 + b"V"


class GoldenTest(unittest.TestCase):
    """The files that the engine wrote once, and the broken ones it refuses."""

    PACKS = (("pack_smallest", 0xC0), ("pack_chunks", 0xC1), ("pack_nodes", 0xC2))

    def golden(self, name):
        with open(os.path.join(GOLDEN, name + ".bin"), "rb") as file:
            return file.read()

    def test_the_good_files_restore(self):
        with tempfile.TemporaryDirectory() as folder:
            names = [("config", "config"), ("config.copy", "config"),
                     ("snapshots/" + counting(0x40).hex(), "snapshot"),
                     ("snapshots/" + counting(0x60).hex(), "snapshot_minimal"),
                     ("tombstones/" + counting(0x42).hex(), "tombstone"),
                     ("holds/" + counting(0x40).hex(), "hold"),
                     ("gc/" + counting(0xD0).hex(), "condemned"),
                     ("quotas/" + counting(0x90).hex(), "quotas"),
                     ("sessions/" + counting(0xB0).hex(), "reader_session")]
            names += [(f"packs/{first:02x}/{counting(first).hex()}", name)
                      for name, first in self.PACKS]
            for path, name in names:
                path = os.path.join(folder, path)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(self.golden("good/" + name))
            for snapshot, volume in (("latest", golden_volume()), ("6061", bytes(10000))):
                target = os.path.join(folder, "target" + snapshot)
                done = subprocess.run([os.path.join(HERE, "varve_decode.py"), folder, "restore",
                                       snapshot, target, "--checksums"],
                                      capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                with open(target, "rb") as file:
                    self.assertEqual(file.read(), volume)

    def test_damage_and_origin_are_understood(self):
        damage = small_objects.DamageRecord(self.golden("good/damage"), counting(0xE0),
                                            counting(0x10))
        self.assertEqual((damage.pack, damage.offsets), (counting(0xC0), (96, 70000)))
        copied = small_objects.SnapshotRecord(self.golden("good/snapshot_copied"), counting(0x40),
                                              counting(0x10))
        self.assertEqual(copied.origin, {
            "repository": counting(0x11).hex(), "sequence": 7,
            "parent": counting(0x43).hex(), "predecessor": counting(0x44).hex()})

    def test_every_bad_file_is_refused(self):
        repository_id = counting(0x10)
        small_objects.Configuration(self.golden("good/config_unknown_field"), "config")
        for file in sorted(os.listdir(os.path.join(GOLDEN, "bad"))):
            name = file.removesuffix(".bin")
            data = self.golden("bad/" + name)
            with self.subTest(name=name):
                refused = []
                try:
                    if name.startswith("config"):
                        small_objects.Configuration(data, name)
                    elif name.startswith("snapshot"):
                        small_objects.SnapshotRecord(data, counting(0x40), repository_id)
                    elif name.startswith("damage"):
                        small_objects.DamageRecord(data, counting(0xE0), repository_id)
                    elif name.startswith("tombstone"):
                        small_objects.Tombstone(data, counting(0x42), repository_id)
                    elif name.startswith(("session", "reader_session", "hold", "condemned", "quotas")):
                        continue  # nothing that this reader honours
                    else:
                        self.scan_pack(data, repository_id, refused.append)
                except small_objects.DecodeError as error:
                    refused.append(str(error))
                self.assertTrue(refused)

    def scan_pack(self, data, repository_id, warn):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            pack = pack_scan.Pack(file.name, counting(0xC0), repository_id, warn)
            try:
                for frame in pack.scan():
                    header, checksum = pack_scan.parse_frame_header(
                        data[frame.offset:frame.offset + 96], frame.offset, 1, "pack")
                    stored = frame.offset + pack_scan.header_length(frame.encoding)
                    if header != frame:
                        warn("frame header differs")
                    if xxh3_64(data[stored:stored + frame.stored_length]) != checksum:
                        warn("stored bytes differ")
            finally:
                pack.close()


class DecodeTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.repository = os.path.join(self.folder, "repository")
        self.writer = Writer(self.repository)

    def run_decode(self, *arguments):
        return subprocess.run([os.path.join(HERE, "varve_decode.py"), self.repository, *arguments],
                              capture_output=True, text=True, check=False)

    def restore(self, snapshot, code=0):
        target = os.path.join(self.folder, "target")
        if os.path.exists(target):
            os.unlink(target)
        done = self.run_decode("restore", snapshot, target, "--checksums")
        self.assertEqual(done.returncode, code, done.stderr)
        if code in (0, 3):
            with open(target, "rb") as file:
                return file.read()
        return done.stderr

    def damage(self, path, offset, data=None):
        with open(path, "r+b") as file:
            file.seek(offset, 0 if offset >= 0 else 2)
            old = file.read(1)
            file.seek(offset, 0 if offset >= 0 else 2)
            file.write(data or bytes([old[0] ^ 1]))

    def test_histories_restore_byte_for_byte(self):
        for chunks in (0, 1, 64, 65, 64 * 128, 64 * 128 + 1):
            with self.subTest(chunks=chunks):
                shutil.rmtree(self.repository)
                self.writer = Writer(self.repository)
                first = make_volume(chunks, chunks)
                second = change(first, 7)
                name_one, _ = self.writer.snapshot(first)
                name_two, _ = self.writer.snapshot(second, first)
                self.assertEqual(self.restore(name_one), first)
                self.assertEqual(self.restore("latest"), second)
                self.assertEqual(self.run_decode("verify", name_two).returncode, 0)

    def test_empty_and_zero_volumes(self):
        for volume in (b"", bytes(10000)):
            name, packs = self.writer.snapshot(volume)
            self.assertEqual(packs, [])
            self.assertEqual(self.restore(name), volume)

    def test_list_is_by_sequence(self):
        for seed in range(3):
            self.writer.snapshot(make_volume(seed, 3))
        done = self.run_decode("list", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        listed = json.loads(done.stdout)["snapshots"]
        self.assertEqual([entry["sequence"] for entry in listed], [1, 2, 3])
        self.assertEqual(listed[0]["tags"], ["a=b", "c=d"])
        self.assertEqual(len(self.run_decode("list").stdout.splitlines()), 3)

    def test_a_deleted_snapshot_is_not_there_and_a_damaged_tombstone_deletes_nothing(self):
        volume = make_volume(1, 3)
        names = [self.writer.snapshot(volume)[0] for _ in range(2)]
        self.writer.put("tombstones/" + names[1],
                        envelope(4, bytes.fromhex(names[1]), [(1, bytes(8)), (2, b"why")]))
        done = self.run_decode("list", "--json")
        self.assertEqual([entry["id"] for entry in json.loads(done.stdout)["snapshots"]],
                         names[:1])
        self.assertEqual(self.run_decode("verify", names[1]).returncode, 4)
        self.assertEqual(self.restore("latest"), volume)
        self.damage(os.path.join(self.repository, "tombstones", names[1]), 70)
        self.assertEqual(self.run_decode("verify", names[1]).returncode, 8)
        self.assertEqual(len(self.run_decode("list").stdout.splitlines()), 2)

    def test_damaged_footer_trailer_or_frame_header_costs_nothing(self):
        volume = make_volume(1, 100)
        name, packs = self.writer.snapshot(volume)
        for offset in (-1, -30, -70, 96 + 20):
            for pack in packs:
                with self.subTest(offset=offset, pack=pack):
                    shutil.copy(pack, pack + ".tmp")
                    self.damage(pack, offset)
                    self.assertEqual(self.restore(name, 3), volume)
                    os.replace(pack + ".tmp", pack)

    def test_truncated_pack_gives_what_is_left(self):
        volume = make_volume(1, 100)
        name, packs = self.writer.snapshot(volume)
        os.truncate(packs[0], os.path.getsize(packs[0]) // 2)
        message = self.restore(name, 8)
        self.assertIn("in no pack", message)
        with open(os.path.join(self.folder, "target.partial"), "rb") as file:
            partial = file.read()
        same = sum(partial[at:at + 4096] == volume[at:at + 4096]
                   for at in range(0, len(volume), 4096))
        self.assertGreater(same, 30)

    def test_damaged_bytes_are_never_restored(self):
        name, packs = self.writer.snapshot(make_volume(1, 100))
        self.damage(packs[0], 96 + 64 + 10)
        done = self.run_decode("verify", name)
        self.assertEqual(done.returncode, 8)
        self.assertIn("frame at 96", done.stderr)

    def test_either_copy_of_the_configuration_suffices(self):
        volume = make_volume(1, 10)
        name, _ = self.writer.snapshot(volume)
        self.damage(os.path.join(self.repository, "config"), 100)
        self.assertEqual(self.restore(name, 3), volume)
        self.damage(os.path.join(self.repository, "config.copy"), 3)
        self.assertEqual(self.run_decode("list").returncode, 8)
        for copy in ("config", "config.copy"):
            os.unlink(os.path.join(self.repository, copy))
        self.assertEqual(self.run_decode("list").returncode, 10)

    def test_damaged_foreign_newer_and_unfinished_objects(self):
        name, _ = self.writer.snapshot(make_volume(1, 10))
        path = os.path.join(self.repository, "snapshots", name)
        with open(path, "rb") as file:
            whole = file.read()
        newer = whole[:8] + b"\2" + whole[9:56]
        critical = [(0x9000, b"")]
        for data, text in ((whole[:-1], "payload of"), (whole[:30], "shorter"),
                           (newer + u64(xxh3_64(newer)) + whole[64:], "newer"),
                           (envelope(2, bytes.fromhex(name), critical), "critical"),
                           (envelope(2, bytes.fromhex(name), []), "missing"),
                           (envelope(2, bytes(16), []), "holds object"),
                           (envelope(3, bytes.fromhex(name), []), "kind 3"),
                           (envelope(2, bytes.fromhex(name), [], b"f" * 16), "belongs to")):
            self.writer.put("snapshots/" + name, data)
            done = self.run_decode("list")
            self.assertEqual(done.returncode, 8)
            self.assertIn(text, done.stderr)
            self.assertEqual(self.run_decode("verify", name).returncode, 4)
        os.rename(path, path + ".tmp")
        self.assertEqual(self.run_decode("list").returncode, 0)

    def test_the_command_decodes_as_the_module_does(self):
        base, data = make_volume(5, 4), change(make_volume(5, 4), 6)
        module = zstd_frame.zstandard
        for given in (None, base):
            for zstd_frame.zstandard in (module, None):
                self.assertEqual(zstd_frame.decode_zstd(compress(data, given), len(data), given),
                                 data)
        zstd_frame.zstandard = module
        whole = compress(data)
        for bad in (whole + b"x", whole[:-1], whole * 2, b"", b"abcdefg"):
            with self.assertRaises(Damage):
                zstd_frame.decode_zstd(bad, len(data))

    def test_xxh3_vectors(self):
        data = bytes((i * 131 + 7 ^ i >> 3) & 255 for i in range(5000))
        for size, value in ((0, 0x2d06800538d394c2), (1, 0x4c5cca45d0f4811f),
                            (3, 0x6e3e2670e61106ac), (4, 0x5c4c63133443d03f),
                            (8, 0xf9fd4dd0b04d78f5), (9, 0xd366b661d7117290),
                            (16, 0x56b3a067e7b10ce6), (17, 0x588b39e11135884f),
                            (56, 0xcdd8af8f6e5107bf), (128, 0x9667723002e5081b),
                            (129, 0x2e6e2ec2125d828d), (240, 0x96220c5de8b65169),
                            (241, 0x74c78117e21dc518), (1024, 0x593b79c5f7e7abcb),
                            (1025, 0x1b40bb3e101aead4), (4999, 0x415e7116494ce3ca)):
            self.assertEqual(xxh3_64(data[:size]), value, size)


if __name__ == "__main__":
    unittest.main()

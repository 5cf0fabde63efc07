"""Frames by id: an index made by scanning packs, and verified bytes."""

import os
import sqlite3
from collections import OrderedDict, namedtuple

import pack_scan
from pack_scan import DELTA, RAW, Pack, header_length
from small_objects import Damage, DecodeError
from xxh3 import xxh3_64
from zstd_frame import decode_zstd

_OPEN_PACKS = 64
_BASE_CACHE_BYTES = 128 << 20

Place = namedtuple("Place", "pack offset encoding raw_length stored_length base")


class FrameStore:
    """Every byte that Read answers has the id it was asked for. Memory does not grow with the
    repository: the index is a temporary SQLite database that spills to disk."""

    def __init__(self, repository, configuration, warn, checksums=False):
        self._configuration, self._warn, self._checksums = configuration, warn, checksums
        self._packs = pack_scan.list_packs(repository, warn)
        self._salts, self._keys = {}, {}
        self._open = OrderedDict()
        self._bases, self._base_bytes = OrderedDict(), 0
        self._index = sqlite3.connect("")
        self._index.execute("CREATE TABLE frames (id BLOB, kind INTEGER, pack INTEGER, "
                            "offset INTEGER, encoding INTEGER, raw INTEGER, stored INTEGER, "
                            "base BLOB)")
        for number in range(len(self._packs)):
            self._index_pack(number)
        self._index.execute("CREATE INDEX by_id ON frames (id)")

    def _index_pack(self, number):
        path, pack_id = self._packs[number]
        try:
            pack = Pack(path, pack_id, self._configuration.repository_id, self._warn,
                        self._configuration.sealing is not None)
            try:
                self._index.executemany(
                    "INSERT INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    ((frame.id, frame.kind, number, frame.offset, frame.encoding,
                      frame.raw_length, frame.stored_length, frame.base)
                     for frame in pack.scan()))
                self._salts[number] = pack.salt
            finally:
                pack.close()
        except (DecodeError, OSError) as error:
            self._warn(f"{error}; nothing of this pack is used")

    def places(self, kind, frame_id):
        """Where frames of this id are, those that need no base first."""
        rows = self._index.execute(
            "SELECT pack, offset, encoding, raw, stored, base FROM frames "
            "WHERE id = ? AND kind = ? ORDER BY encoding, pack, offset", (frame_id, kind))
        return [Place(*row) for row in rows]

    def read(self, kind, frame_id, places=None):
        """The verified bytes of an id from the first of its frames that is whole."""
        failures = []
        for place in self.places(kind, frame_id) if places is None else places:
            try:
                return self._decode(kind, frame_id, place)
            except (DecodeError, OSError) as error:
                failures.append(str(error))
        if not failures:
            raise Damage(f"frame {frame_id.hex()}: in no pack")
        raise Damage("; ".join(failures))

    def _decode(self, kind, frame_id, place):
        where = f"{self.pack_name(place.pack)}: frame at {place.offset}"
        stored = self._read_stored(kind, frame_id, place, where)
        try:
            if place.encoding == RAW:
                raw = stored
            else:
                base = self._base(kind, place.base) if place.encoding == DELTA else None
                raw = decode_zstd(stored, place.raw_length, base)
        except Damage as error:
            raise Damage(f"{where}: {error}") from error
        if self._configuration.id_of(kind, raw) != frame_id:
            raise Damage(f"{where}: bytes do not have the id {frame_id.hex()}")
        return raw

    def _read_stored(self, kind, frame_id, place, where):
        """The stored bytes. The frame's header should say what the index says; if it does not, it
        is damaged, which is worth a warning and no more: the id decides."""
        length = header_length(place.encoding)
        data = os.pread(self._descriptor(place.pack), length + place.stored_length, place.offset)
        if len(data) != length + place.stored_length:
            raise Damage(f"{where}: cut off")
        frame = pack_scan.Frame(place.offset, kind, place.encoding, place.raw_length,
                                place.stored_length, frame_id, place.base,
                                self._configuration.sealing is not None)
        stored = data[length:]
        expected = pack_scan.encode_frame_header(frame)
        if data[:48] != expected[:48] or data[56:length - 8] != expected[56:length - 8]:
            self._warn(f"{where}: header differs from the footer")
        elif self._checksums:
            pack_scan.parse_frame_header(data, place.offset, None, self.pack_name(place.pack))
            if xxh3_64(stored) != int.from_bytes(data[48:56], "little"):
                raise Damage(f"{where}: checksum of the stored bytes differs")
        if not frame.sealed:
            return stored
        return self._configuration.sealing.open_frame(
            self._pack_key(place.pack, where), self._packs[place.pack][1], place.offset,
            expected[:48], place.base, stored, where)

    def _pack_key(self, number, where):
        if number not in self._keys:
            if not self._salts.get(number):
                raise Damage(f"{where}: the salt of its pack is lost")
            self._keys[number] = self._configuration.sealing.pack_key(self._packs[number][1],
                                                                      self._salts[number])
        return self._keys[number]

    def _base(self, kind, base_id):
        raw = self._bases.get((kind, base_id))
        if raw is not None:
            self._bases.move_to_end((kind, base_id))
            return raw
        places = [place for place in self.places(kind, base_id) if place.encoding != DELTA]
        if not places:
            raise Damage(f"base {base_id.hex()}: not stored whole in any pack")
        raw = self.read(kind, base_id, places)
        self._bases[(kind, base_id)] = raw
        self._base_bytes += len(raw)
        while self._base_bytes > _BASE_CACHE_BYTES:
            self._base_bytes -= len(self._bases.popitem(last=False)[1])
        return raw

    def _descriptor(self, number):
        descriptor = self._open.get(number)
        if descriptor is None:
            descriptor = os.open(self._packs[number][0], os.O_RDONLY | os.O_CLOEXEC)
            self._open[number] = descriptor
            if len(self._open) > _OPEN_PACKS:
                os.close(self._open.popitem(last=False)[1])
        return descriptor

    def pack_name(self, number):
        return f"pack {self._packs[number][1].hex()}"

"""The tree of a snapshot (FORMAT.md, section 7): from its root to the ids of its chunks."""

import struct

from small_objects import CHUNK, INNER, LEAF, Damage, DecodeError, Unsupported

_LEAF_CHUNKS, _FAN_OUT = 64, 128
_NODE_HEADER = struct.Struct("<BBH4s")
_ENTRY_SIZE = {LEAF: 48, INNER: 40}
_NO_ID = bytes(32)
_WINDOW_CHUNKS = 1 << 16


class TreeWalk:
    """Walks one snapshot. What cannot be read goes to damage(offset, length, message)."""

    def __init__(self, store, snapshot, damage):
        self._store, self._snapshot, self._damage = store, snapshot, damage
        self._chunks = -(-snapshot.size // snapshot.chunk_size)

    def _below(self, level):
        """How many chunks a full node of this level covers."""
        return _LEAF_CHUNKS * _FAN_OUT ** level

    def _chunk_length(self, chunk):
        start = chunk * self._snapshot.chunk_size
        return min(self._snapshot.chunk_size, self._snapshot.size - start)

    def _lose(self, first, last, message):
        start = first * self._snapshot.chunk_size
        self._damage(start, min(last * self._snapshot.chunk_size, self._snapshot.size) - start,
                     message)

    def entries(self):
        """Yields (chunk, id) of every chunk that is not zero, in volume order."""
        if self._snapshot.root == _NO_ID:
            return
        level = 0
        while self._below(level) < self._chunks:
            level += 1
        yield from self._node(level, 0, self._snapshot.root, None)

    def _node(self, level, first, node_id, expected_count):
        last = min(first + self._below(level), self._chunks)
        try:
            below = self._read_node(level, last - first, node_id)
        except (Damage, Unsupported) as error:
            self._lose(first, last, f"node of level {level}: {error}")
            return
        count = sum(entry[1] for entry in below) if level else \
            sum(entry[0] != _NO_ID for entry in below)
        if count == 0 or expected_count not in (None, count):
            self._lose(first, last, f"node {node_id.hex()}: {count} non-zero chunks below it, "
                                    f"its parent says {expected_count}")
            return
        step = self._below(level - 1) if level else 1
        for position, (entry_id, entry_count) in enumerate(below):
            if entry_id == _NO_ID:
                continue
            if level:
                yield from self._node(level - 1, first + position * step, entry_id, entry_count)
            else:
                yield first + position, entry_id

    def _read_node(self, level, chunks, node_id):
        """[(id, count or fingerprint)] of one node after every check that needs no other node."""
        kind = INNER if level else LEAF
        data = self._store.read(kind, node_id)
        what = f"node {node_id.hex()}"
        if len(data) < _NODE_HEADER.size:
            raise Damage(f"{what}: {len(data)} bytes")
        stored_level, version, entries, reserved = _NODE_HEADER.unpack_from(data)
        if version > 1:
            raise Unsupported(f"{what}: node version {version}, newer than 1")
        step = self._below(level - 1) if level else 1
        expected = -(-chunks // step)
        if (stored_level, version, entries, reserved) != (level, 1, expected, b"\0\0\0\0"):
            raise Damage(f"{what}: level {stored_level}, {entries} entries; "
                         f"expected level {level}, {expected} entries")
        size = _ENTRY_SIZE[kind]
        if len(data) != _NODE_HEADER.size + size * entries:
            raise Damage(f"{what}: {len(data)} bytes for {entries} entries")
        below = []
        for position in range(entries):
            at = _NODE_HEADER.size + position * size
            entry_id, value = data[at:at + 32], data[at + 32:at + size]
            if any(entry_id) != any(value):
                raise Damage(f"{what}: entry {position} is zero only by half")
            number = int.from_bytes(value, "little")
            if level and number > min(step, chunks - position * step):
                raise Damage(f"{what}: entry {position} counts {number} chunks")
            below.append((entry_id, number))
        return below

    def chunks(self):
        """Yields (offset, bytes), verified. Chunks come window by window of the volume and within
        one in the order of packs, so that packs are read forward and memory stays bounded."""
        window = {}
        count = 0
        for chunk, chunk_id in self.entries():
            window.setdefault(chunk_id, []).append(chunk)
            count += 1
            if count == _WINDOW_CHUNKS:
                yield from self._window(window)
                window, count = {}, 0
        yield from self._window(window)

    def _window(self, window):
        ordered = []
        for chunk_id, chunks in window.items():
            places = self._store.places(CHUNK, chunk_id)
            order = (places[0].pack, places[0].offset) if places else (-1, 0)
            ordered.append((order, chunk_id, places, chunks))
        ordered.sort(key=lambda item: item[0])
        for _, chunk_id, places, chunks in ordered:
            try:
                data = self._store.read(CHUNK, chunk_id, places)
            except DecodeError as error:
                for chunk in chunks:
                    self._lose(chunk, chunk + 1, f"chunk {chunk_id.hex()}: {error}")
                continue
            for chunk in chunks:
                if len(data) != self._chunk_length(chunk):
                    self._lose(chunk, chunk + 1, f"chunk {chunk_id.hex()}: {len(data)} bytes, "
                                                 f"not {self._chunk_length(chunk)}")
                    continue
                yield chunk * self._snapshot.chunk_size, data

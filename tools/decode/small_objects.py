"""Configuration and snapshot records (FORMAT.md, sections 2 to 4): bytes to values or refusal."""

import hmac
import os
import struct

from xxh3 import xxh3_64

KIND_CONFIG, KIND_SNAPSHOT, KIND_TOMBSTONE, KIND_DAMAGE = 1, 2, 4, 16
CHUNK, LEAF, INNER = 1, 2, 3

_MAGIC = b"VARVEOBJ"
_HEADER = struct.Struct("<8sHBBI16s16sQQ")
_FIELD = struct.Struct("<HHI")
_MAX_OBJECT = 1 << 20
_MAX_VOLUME = 1 << 56
_MAX_TAGS = 64
_NO_ID = bytes(16)
_CONSISTENCY = {1: "application", 2: "filesystem", 3: "crash", 4: "fuzzy"}
_STATISTICS = ("bytesTotal", "bytesRead", "bytesChanged", "bytesStored", "bytesMetadata",
               "chunksTotal", "chunksChanged", "chunksNew", "chunksDelta", "chunksDeduplicated")


class DecodeError(Exception):
    """Any refusal; the subclasses say which."""


class Damage(DecodeError):
    """The bytes are not what a writer may have written."""


class Unsupported(DecodeError):
    """Written by a newer version, or with an option this reader lacks."""


class NotFound(DecodeError):
    """What was asked for is not there."""


class NotARepository(DecodeError):
    """No configuration."""


def sealed_parts(data, what):
    """Checks the envelope of a sealed object; answers what its seal binds, and its payload."""
    if len(data) < _HEADER.size + 48 or data[:8] != _MAGIC:
        raise Damage(f"{what}: not a sealed object")
    if xxh3_64(data[:56]) != int.from_bytes(data[56:64], "little"):
        raise Damage(f"{what}: header checksum differs")
    if data[11] != 1:
        raise Damage(f"{what}: in the clear, but the repository is encrypted")
    if xxh3_64(data[64:]) != int.from_bytes(data[48:56], "little"):
        raise Damage(f"{what}: payload checksum differs")
    return data[:48], data[64:]


def is_sealed(data):
    """True if a whole header says so."""
    return (len(data) >= _HEADER.size and data[:8] == _MAGIC and data[11] == 1
            and xxh3_64(data[:56]) == int.from_bytes(data[56:64], "little"))


def object_bytes(sealed, payload):
    """The sealed object as it is with its payload opened."""
    head = sealed[:11] + b"\0" + struct.pack("<I", len(payload)) + sealed[16:48]
    head += struct.pack("<Q", xxh3_64(payload))
    return head + struct.pack("<Q", xxh3_64(head)) + payload


def open_envelope(data, what, kind, object_id, repository_id=None):
    """Checks the envelope of a small object; answers (repository id, payload)."""
    if len(data) < _HEADER.size:
        raise Damage(f"{what}: {len(data)} bytes, shorter than a header")
    (magic, version, stored_kind, seal, payload_length, stored_repository, stored_id,
     payload_checksum, header_checksum) = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise Damage(f"{what}: no magic")
    if xxh3_64(data[:56]) != header_checksum:
        raise Damage(f"{what}: header checksum differs")
    if version > 1:
        raise Unsupported(f"{what}: format version {version}, newer than 1")
    if version != 1:
        raise Damage(f"{what}: format version {version}")
    if seal != 0:
        raise Unsupported(f"{what}: seal {seal}")
    if stored_kind != kind:
        raise Damage(f"{what}: kind {stored_kind}, expected {kind}")
    if len(data) > _MAX_OBJECT or _HEADER.size + payload_length != len(data):
        raise Damage(f"{what}: payload of {payload_length} in a file of {len(data)} bytes")
    if stored_id != object_id:
        raise Damage(f"{what}: holds object {stored_id.hex()}")
    if repository_id is not None and stored_repository != repository_id:
        raise Damage(f"{what}: belongs to repository {stored_repository.hex()}")
    payload = data[_HEADER.size:]
    if xxh3_64(payload) != payload_checksum:
        raise Damage(f"{what}: payload checksum differs")
    return stored_repository, payload


class Fields:
    """The fields of a payload; Get checks presence and length."""

    def __init__(self, payload, what, known, repeated=()):
        self._what = what
        self._values = {}
        at, last = 0, -1
        while at < len(payload):
            if at + _FIELD.size > len(payload):
                raise Damage(f"{what}: field header cut off at {at}")
            tag, reserved, length = _FIELD.unpack_from(payload, at)
            at += _FIELD.size
            if reserved:
                raise Damage(f"{what}: reserved bytes of field {tag:#06x} are not zero")
            if length > len(payload) - at:
                raise Damage(f"{what}: field {tag:#06x} of {length} bytes passes the end")
            if tag < last or (tag == last and tag in known and tag not in repeated):
                raise Damage(f"{what}: field {tag:#06x} after {last:#06x}")
            if tag & 0x8000 and tag not in known:
                raise Unsupported(f"{what}: unknown critical field {tag:#06x}")
            self._values.setdefault(tag, []).append(payload[at:at + length])
            last = tag
            at += length

    def all(self, tag):
        return self._values.get(tag, [])

    def get(self, tag, length, optional=False):
        values = self.all(tag)
        if not values and optional:
            return None
        if not values:
            raise Damage(f"{self._what}: field {tag:#06x} is missing")
        if len(values[0]) != length:
            raise Damage(f"{self._what}: field {tag:#06x} has {len(values[0])} bytes, not {length}")
        return values[0]

    def integer(self, tag, length, signed=False):
        return int.from_bytes(self.get(tag, length), "little", signed=signed)

    def text(self, tag, limit=255, optional=False):
        if not self.all(tag):
            if optional:
                return None
            raise Damage(f"{self._what}: field {tag:#06x} is missing")
        return self._decode(tag, self.all(tag)[0], limit)

    def texts(self, tag, limit):
        return [self._decode(tag, value, limit) for value in self.all(tag)]

    def _decode(self, tag, value, limit):
        if len(value) > limit or b"\0" in value:
            raise Damage(f"{self._what}: field {tag:#06x} is too long or holds a NUL")
        return value.decode("utf-8", errors="replace")


def _chunk_size(fields, tag, what):
    size = fields.integer(tag, 4)
    if size < 4096 or size > 256 << 10 or size & (size - 1):
        raise Damage(f"{what}: chunk size {size}")
    return size


class Configuration:
    """Repository id and the keys of the three kinds of frame."""

    def __init__(self, data, what):
        self.repository_id, payload = open_envelope(data, what, KIND_CONFIG, _NO_ID)
        if self.repository_id == _NO_ID:
            raise Damage(f"{what}: repository id is zero")
        fields = Fields(payload, what, {1, 2, 3, 0x8003, 0x8004})
        self.created_ns = fields.integer(1, 8, signed=True)
        self.chunk_size = _chunk_size(fields, 2, what)
        id_key = fields.get(0x8003, 32)
        fields.get(0x8004, 192)
        self._keys = {kind: hmac.digest(id_key, b"varve id v1 " + bytes([kind]), "sha256")
                      for kind in (CHUNK, LEAF, INNER)}

    sealing = None  # of an encrypted repository

    def opened(self, data, what):
        """A small object's bytes, opened if the repository is encrypted."""
        return data if self.sealing is None else self.sealing.open_object(data, what)

    def id_of(self, kind, data):
        return hmac.digest(self._keys[kind], data, "sha256")


class Tombstone:
    """Says that a snapshot is deleted, whether its record is still there or not."""

    def __init__(self, data, snapshot_id, repository_id):
        what = f"tombstone {snapshot_id.hex()}"
        _, payload = open_envelope(data, what, KIND_TOMBSTONE, snapshot_id, repository_id)
        fields = Fields(payload, what, {1, 2})
        self.time_ns = fields.integer(1, 8, signed=True)
        self.reason = fields.text(2)


class DamageRecord:
    """Frames of a pack that were found damaged and are not repaired."""

    def __init__(self, data, record_id, repository_id):
        what = f"damage {record_id.hex()}"
        _, payload = open_envelope(data, what, KIND_DAMAGE, record_id, repository_id)
        fields = Fields(payload, what, {1, 2, 0x8003, 0x8004})
        self.time_ns = fields.integer(1, 8, signed=True)
        self.what = fields.text(2, 4096)
        self.pack = fields.get(0x8003, 16)
        offsets = fields.all(0x8004)
        if not offsets or len(offsets[0]) % 8 or len(offsets[0]) > 8 * 65536:
            raise Damage(f"{what}: no list of offsets")
        self.offsets = struct.unpack(f"<{len(offsets[0]) // 8}Q", offsets[0])
        if any(offset >= 256 << 20 for offset in self.offsets) or any(
                first >= second for first, second in zip(self.offsets, self.offsets[1:])):
            raise Damage(f"{what}: offsets that do not ascend or pass the largest pack")


class SnapshotRecord:
    """One snapshot: what `list` shows and where its tree begins."""

    def __init__(self, data, snapshot_id, repository_id):
        what = f"snapshot {snapshot_id.hex()}"
        _, payload = open_envelope(data, what, KIND_SNAPSHOT, snapshot_id, repository_id)
        fields = Fields(payload, what, set(range(1, 0x12)) - {5} | {0x8005}, repeated={0xF})
        self.id = snapshot_id
        self.volume = fields.text(1)
        self.identity = fields.text(2, 4096)
        self.size = fields.integer(3, 8)
        self.chunk_size = _chunk_size(fields, 4, what)
        self.root = fields.get(0x8005, 32)
        self.parent = fields.get(6, 16, optional=True)
        self.sequence = fields.integer(7, 8)
        self.predecessor = fields.get(8, 16, optional=True)
        self.start_ns = fields.integer(9, 8, signed=True)
        self.end_ns = fields.integer(0xA, 8, signed=True)
        self.consistency = _CONSISTENCY.get(fields.integer(0xB, 1))
        self.capture = fields.text(0xC)
        self.change_source = fields.text(0xD)
        self.fallback_reason = fields.text(0xE, 4096, optional=True)
        self.tags = fields.texts(0xF, 1024)
        self.statistics = dict(zip(_STATISTICS, struct.unpack("<10Q", fields.get(0x10, 80))))
        self.origin = self._origin(fields, what)
        if self.size > _MAX_VOLUME:
            raise Damage(f"{what}: volume of {self.size} bytes")
        if self.sequence == 0:
            raise Damage(f"{what}: sequence 0")
        if self.consistency is None:
            raise Damage(f"{what}: consistency {fields.integer(0xB, 1)}")
        if self.size == 0 and any(self.root):
            raise Damage(f"{what}: an empty volume with a root")
        if len(self.tags) > _MAX_TAGS:
            raise Damage(f"{what}: {len(self.tags)} tags")
        for tag in self.tags:
            if tag.find("=") < 1:
                raise Damage(f"{what}: tag '{tag}' is not key=value")

    @staticmethod
    def _origin(fields, what):
        """Of a copy: repository, sequence, parent and predecessor where it was taken."""
        data = fields.get(0x11, 56, optional=True)
        if data is None:
            return None
        repository, sequence, parent, predecessor = struct.unpack("<16sQ16s16s", data)
        if not any(repository) or not sequence:
            raise Damage(f"{what}: an origin without repository or sequence")
        return {"repository": repository.hex(), "sequence": sequence,
                "parent": parent.hex() if any(parent) else None,
                "predecessor": predecessor.hex() if any(predecessor) else None}

    def as_json(self):
        return {
            "id": self.id.hex(), "sequence": self.sequence, "volume": self.volume,
            "volumeIdentity": self.identity, "size": self.size, "chunkSize": self.chunk_size,
            "root": self.root.hex(), "parent": self.parent.hex() if self.parent else None,
            "predecessor": self.predecessor.hex() if self.predecessor else None,
            "startNs": self.start_ns, "endNs": self.end_ns, "consistency": self.consistency,
            "capture": self.capture, "changeSource": self.change_source,
            "fallbackReason": self.fallback_reason, "tags": self.tags,
            "statistics": self.statistics, "origin": self.origin,
        }


def read_small_file(path):
    """The bytes of a small object; one byte more than allowed is read so that too long shows."""
    with open(path, "rb") as file:
        return file.read(_MAX_OBJECT + 1)


def open_configuration(repository, warn, unlock):
    """The configuration from whichever of its two copies is whole. `unlock` makes the sealing of an
    encrypted repository from its id."""
    found, failures, sealing = [], [], None
    for name in ("config", "config.copy"):
        try:
            data = read_small_file(os.path.join(repository, name))
        except (FileNotFoundError, NotADirectoryError):
            failures.append(None)
            warn(f"{name} is missing")
            continue
        except OSError as error:
            failures.append(Damage(f"{name}: {error.strerror}"))
            continue
        try:
            if is_sealed(data):
                sealing = sealing or unlock(data[16:32])
                found.append((Configuration(sealing.open_object(data, name), name), data))
                found[-1][0].sealing = sealing
            else:
                found.append((Configuration(data, name), data))
        except (Damage, Unsupported) as error:
            failures.append(error if data[:8] == _MAGIC else None)
            warn(str(error))
    if not found:
        real = [failure for failure in failures if failure is not None]
        raise real[0] if real else NotARepository(f"{repository} is not a repository: no config")
    if len(found) == 2 and found[0][1] != found[1][1]:
        raise Damage("config and config.copy are both whole and differ")
    if sealing is None and os.path.isdir(os.path.join(repository, "keys")):
        if os.listdir(os.path.join(repository, "keys")):
            raise Damage("the configuration is in the clear, but there are key slots")
    return found[0][0]


def read_objects(repository, folder, kind, configuration, warn):
    """Every readable object of a folder by its id; what is not readable is warned of."""
    objects = {}
    for name in sorted(os.listdir(os.path.join(repository, folder))):
        if name.endswith(".tmp"):
            continue
        object_id = id_of_name(name)
        if object_id is None:
            warn(f"{folder}/{name}: not the name of an object")
            continue
        try:
            data = read_small_file(os.path.join(repository, folder, name))
            data = configuration.opened(data, f"{folder}/{name}")
            objects[object_id] = kind(data, object_id, configuration.repository_id)
        except FileNotFoundError:
            pass  # removed since it was listed
        except DecodeError as error:
            warn(str(error))
        except OSError as error:
            warn(f"{folder}/{name}: {error.strerror}")
    return objects


def read_snapshots(repository, configuration, warn):
    """The records of the snapshots that are not deleted, by ascending sequence."""
    try:  # tombstones first: they outlive the records they speak of
        deleted = read_objects(repository, "tombstones", Tombstone, configuration, warn)
    except FileNotFoundError:
        deleted = {}
    try:
        snapshots = read_objects(repository, "snapshots", SnapshotRecord, configuration, warn)
    except FileNotFoundError:
        warn("the folder snapshots is missing")
        return []
    return sorted((snapshot for key, snapshot in snapshots.items() if key not in deleted),
                  key=lambda snapshot: (snapshot.sequence, snapshot.id))


def id_of_name(name):
    """The 16 bytes of a name of 32 lower-case hexadecimal digits, else None."""
    if len(name) != 32 or any(digit not in "0123456789abcdef" for digit in name):
        return None
    return bytes.fromhex(name)

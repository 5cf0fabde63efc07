"""Packs (FORMAT.md, section 6): the frames of a pack from its footer or, if that is damaged, from
the frame headers."""

import os
import struct
from collections import namedtuple

from small_objects import CHUNK, INNER, LEAF, Damage, DecodeError, Unsupported, id_of_name
from xxh3 import xxh3_64

RAW, ZSTD, DELTA = 0, 1, 2
CONTENT_CHUNKS, CONTENT_NODES = 1, 2

_MAX_PACK = 256 << 20
_MAX_FRAME = 256 << 10
_HEADER = struct.Struct("<8sHBB4s16s16s32s8sQ")
_TRAILER = struct.Struct("<8sHBBIQQ16sQQ")
_FRAME = struct.Struct("<4sBBHII32sQ")
_ENTRY = struct.Struct("<BB2sII32s")
_HEADER_SIZE, _TRAILER_SIZE = 96, 64
_KINDS = {CONTENT_CHUNKS: (CHUNK,), CONTENT_NODES: (LEAF, INNER)}
_NO_SALT = bytes(32)
_NO_ID = bytes(32)
_SEALED, _TAG_SIZE = 0x80, 16

# offset: of the frame's header in the pack. base: None unless encoding is DELTA.
# stored_length: with the tag of a sealed frame.
Frame = namedtuple("Frame", "offset kind encoding raw_length stored_length id base sealed",
                   defaults=(False,))


def header_length(encoding):
    return 96 if encoding == DELTA else 64


def _read_at(descriptor, offset, length, what):
    data = os.pread(descriptor, length, offset)
    if len(data) != length:
        raise Damage(f"{what}: ends at {offset + len(data)}, before {offset + length}")
    return data


def _check_version_and_seal(what, version, seal):
    if version > 1:
        raise Unsupported(f"{what}: format version {version}, newer than 1")
    if version != 1:
        raise Damage(f"{what}: format version {version}")
    if seal > 1:
        raise Unsupported(f"{what}: seal {seal}")


def check_frame(frame, content, what):
    """Refuses what no writer may have written in a frame header or footer entry."""
    where = f"{what}: frame at {frame.offset}"
    if frame.kind not in _KINDS.get(content, (CHUNK, LEAF, INNER)):
        raise Damage(f"{where}: kind {frame.kind} in a pack of content {content}")
    if frame.encoding > DELTA:
        raise Damage(f"{where}: encoding {frame.encoding}")
    if not 1 <= frame.raw_length <= _MAX_FRAME:
        raise Damage(f"{where}: raw length {frame.raw_length}")
    encoded_length = frame.stored_length - (_TAG_SIZE if frame.sealed else 0)
    if frame.encoding == RAW and encoded_length != frame.raw_length:
        raise Damage(f"{where}: raw, but {frame.stored_length} stored for {frame.raw_length}")
    if frame.encoding != RAW and not 1 <= encoded_length < frame.raw_length:
        raise Damage(f"{where}: stored length {frame.stored_length} of {frame.raw_length}")
    if frame.id == _NO_ID:
        raise Damage(f"{where}: id is zero")
    if frame.encoding == DELTA and frame.base in (_NO_ID, frame.id):
        raise Damage(f"{where}: base is zero or the frame itself")


def encode_frame_header(frame):
    """The header a frame should have, both checksums zero."""
    encoding = frame.encoding | (_SEALED if frame.sealed else 0)
    data = _FRAME.pack(b"VFRM", frame.kind, encoding, header_length(frame.encoding),
                       frame.raw_length, frame.stored_length, frame.id, 0)
    return data + (frame.base or b"") + bytes(8)


def parse_frame_header(data, offset, content, what):
    """Answers (frame, checksum of its stored bytes) from up to 96 bytes at a frame's beginning."""
    where = f"{what}: frame header at {offset}"
    if len(data) < 64:
        raise Damage(f"{where}: cut off")
    magic, kind, encoding, length, raw, stored, frame_id, checksum = _FRAME.unpack_from(data)
    if magic != b"VFRM":
        raise Damage(f"{where}: no magic")
    sealed, encoding = encoding & _SEALED != 0, encoding & ~_SEALED
    if encoding > DELTA or length != header_length(encoding) or len(data) < length:
        raise Damage(f"{where}: encoding {encoding} with a header of {length} bytes")
    if xxh3_64(data[:length - 8]) != int.from_bytes(data[length - 8:length], "little"):
        raise Damage(f"{where}: checksum differs")
    base = data[56:88] if encoding == DELTA else None
    frame = Frame(offset, kind, encoding, raw, stored, frame_id, base, sealed)
    check_frame(frame, content, what)
    return frame, checksum


class Pack:
    """One pack file. Scan names its frames; what is damaged goes to warn and is gone around."""

    def __init__(self, path, pack_id, repository_id, warn, encrypted=False):
        self.what = f"pack {pack_id.hex()}"
        self._id, self._repository_id, self._warn = pack_id, repository_id, warn
        self._encrypted = encrypted
        self.salt = None  # of a sealed pack, once scanned
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._size = os.fstat(self.descriptor).st_size

    def close(self):
        os.close(self.descriptor)

    def scan(self):
        """The frames of the pack. Raises only where nothing of the pack may be used."""
        content = None
        if self._size > _MAX_PACK:
            raise Damage(f"{self.what}: {self._size} bytes, larger than {_MAX_PACK}")
        try:
            content = self._read_header()
        except Damage as error:
            self._warn(str(error))
        end = None
        try:
            trailer_content, count, end, length, checksum = self._read_trailer()
            if content is not None and trailer_content != content:
                raise Damage(f"{self.what}: content {content} in the header, "
                             f"{trailer_content} in the trailer")
            return self._read_footer(trailer_content, count, end, length, checksum)
        except Damage as error:
            self._warn(f"{error}; using the frame headers")
        return self._walk_frames(content, end)

    def _read_header(self):
        data = _read_at(self.descriptor, 0, _HEADER_SIZE, self.what)
        (magic, version, content, seal, reserved, repository_id, pack_id, salt, reserved_too,
         checksum) = _HEADER.unpack(data)
        if magic != b"VARVEPCK":
            raise Damage(f"{self.what}: no magic")
        if xxh3_64(data[:88]) != checksum:
            raise Damage(f"{self.what}: header checksum differs")
        _check_version_and_seal(self.what, version, seal)
        if repository_id != self._repository_id:
            raise WrongRepository(f"{self.what}: belongs to repository {repository_id.hex()}")
        if pack_id != self._id:
            raise Damage(f"{self.what}: header names pack {pack_id.hex()}")
        if content not in _KINDS:
            raise Damage(f"{self.what}: content {content}")
        if any(reserved) or any(reserved_too) or (salt != _NO_SALT) != (seal == 1):
            raise Damage(f"{self.what}: reserved bytes of the header are not zero, or the salt is "
                         "not as the seal says")
        self._check_encrypted(seal)
        self.salt = salt
        return content

    def _check_encrypted(self, seal):
        if (seal == 1) != self._encrypted:
            raise WrongSeal(f"{self.what}: seal {seal}, unlike the repository")

    def _read_trailer(self):
        if self._size < _HEADER_SIZE + _TRAILER_SIZE:
            raise Damage(f"{self.what}: {self._size} bytes hold no trailer")
        data = _read_at(self.descriptor, self._size - _TRAILER_SIZE, _TRAILER_SIZE, self.what)
        (magic, version, content, seal, count, offset, length, pack_id, footer_checksum,
         checksum) = _TRAILER.unpack(data)
        if magic != b"VARVEEND":
            raise Damage(f"{self.what}: no trailer magic")
        if xxh3_64(data[:56]) != checksum:
            raise Damage(f"{self.what}: trailer checksum differs")
        _check_version_and_seal(f"{self.what}: trailer", version, seal)
        if pack_id != self._id:
            raise Damage(f"{self.what}: trailer names pack {pack_id.hex()}")
        if content not in _KINDS:
            raise Damage(f"{self.what}: content {content} in the trailer")
        self._check_encrypted(seal)
        if count == 0 or offset < _HEADER_SIZE or offset + length + _TRAILER_SIZE != self._size:
            raise Damage(f"{self.what}: {count} frames, footer at {offset} + {length} "
                         f"in {self._size} bytes")
        return content, count, offset, length, footer_checksum

    def _read_footer(self, content, count, footer_offset, length, checksum):
        data = _read_at(self.descriptor, footer_offset, length, self.what)
        if xxh3_64(data) != checksum:
            raise Damage(f"{self.what}: footer checksum differs")
        frames, at, offset = [], 0, _HEADER_SIZE
        for _ in range(count):
            if at + _ENTRY.size > length:
                raise Damage(f"{self.what}: footer ends before frame {len(frames)} of {count}")
            kind, encoding, reserved, raw, stored, frame_id = _ENTRY.unpack_from(data, at)
            at += _ENTRY.size
            sealed, encoding = encoding & _SEALED != 0, encoding & ~_SEALED
            base = None
            if encoding == DELTA:
                base = data[at:at + 32]
                at += 32
            if reserved != b"\0\0" or at > length:
                raise Damage(f"{self.what}: footer entry {len(frames)} is not well formed")
            frame = Frame(offset, kind, encoding, raw, stored, frame_id, base, sealed)
            check_frame(frame, content, self.what)
            if sealed != self._encrypted:
                raise Damage(f"{self.what}: footer entry {len(frames)} is not sealed as the pack")
            frames.append(frame)
            offset += header_length(encoding) + stored
        if self._encrypted:
            salt = data[at:at + 32]
            if len(salt) != 32:
                raise Damage(f"{self.what}: footer without its salt")
            self.salt = self.salt or salt
            at += 32
        if at != length or offset != footer_offset:
            raise Damage(f"{self.what}: {count} entries end at {at} of {length}, "
                         f"frames at {offset} of {footer_offset}")
        return frames

    def _walk_frames(self, content, end):
        """Frame after frame; over a damaged header to the next whole one. What is found there by
        accident does no harm: a frame is used only if its bytes have the id that is wanted."""
        with open(os.dup(self.descriptor), "rb") as file:
            file.seek(0)
            data = file.read(_MAX_PACK)
        end = len(data) if end is None else end
        frames, offset, lost = [], _HEADER_SIZE, False
        while offset < end:
            try:
                frame, _ = parse_frame_header(data[offset:offset + 96], offset, content, self.what)
                next_offset = offset + header_length(frame.encoding) + frame.stored_length
                if next_offset > end:
                    raise Damage(f"{self.what}: frame at {offset} passes the end {end}")
                frames.append(frame)
                offset, lost = next_offset, False
            except Damage as error:
                following = data.find(b"VFRM", offset + 1, end)
                if not lost and (following >= 0 or end != len(data)):
                    self._warn(str(error))
                lost = True
                offset = following if following >= 0 else end
        return frames


class WrongSeal(DecodeError):
    """In the clear in an encrypted repository, or the other way round: nothing of it is used."""


class WrongRepository(DecodeError):
    """A pack of another repository: nothing of it is used."""


def list_packs(repository, warn):
    """(path, pack id) of every pack, by id."""
    folder = os.path.join(repository, "packs")
    packs = []
    try:
        prefixes = sorted(os.listdir(folder))
    except FileNotFoundError:
        warn("the folder packs is missing")
        return packs
    for prefix in prefixes:
        try:
            names = sorted(os.listdir(os.path.join(folder, prefix)))
        except NotADirectoryError:
            warn(f"packs/{prefix}: not a folder of packs")
            continue
        for name in names:
            if name.endswith(".tmp"):
                continue
            pack_id = id_of_name(name)
            if pack_id is None or not name.startswith(prefix) or len(prefix) != 2:
                warn(f"packs/{prefix}/{name}: not the name of a pack")
                continue
            packs.append((os.path.join(folder, prefix, name), pack_id))
    return packs

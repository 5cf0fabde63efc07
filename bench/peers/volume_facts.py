"""Counts about volume images that do not depend on any engine."""

import os

CHUNK_BYTES = 64 << 10
BLOCK_BYTES = 4 << 10
READ_BYTES = 4 << 20

ZERO_BLOCK = bytes(BLOCK_BYTES)
ZERO_CHUNK = bytes(CHUNK_BYTES)
ZERO_READ = bytes(READ_BYTES)


def pieces(data, size_bytes):
    return (data[at:at + size_bytes] for at in range(0, len(data), size_bytes))


def read_pieces(path):
    with open(path, "rb", buffering=0) as file:
        while data := file.read(READ_BYTES):
            yield data


def data_bytes(path):
    """Bytes in 4 KiB blocks that are not all zero."""
    blocks = 0
    for data in read_pieces(path):
        if data != ZERO_READ[:len(data)]:
            blocks += sum(block != ZERO_BLOCK for block in pieces(data, BLOCK_BYTES))
    return blocks * BLOCK_BYTES


def changed_chunks(before, after):
    """How many aligned 64 KiB chunks of two images of equal size differ."""
    if os.path.getsize(before) != os.path.getsize(after):
        raise ValueError(f"{before} and {after} are not of the same size")
    changed = 0
    for old, new in zip(read_pieces(before), read_pieces(after)):
        if old != new:
            changed += sum(a != b for a, b in zip(pieces(old, CHUNK_BYTES),
                                                  pieces(new, CHUNK_BYTES)))
    return changed

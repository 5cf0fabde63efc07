"""A volume that compresses about 2:1 and whose chunks are all different, like pages of a database."""

import random

PIECE = 1024
MATERIAL_PIECES = 16 * 1024
WORDS = ("order customer shipped pending account invoice total amount created updated product "
         "street city country value status priority null true false description").split()


def material(seed):
    """Pieces of rows: ids in hexadecimal, numbers, words."""
    chooser = random.Random(seed)
    pieces = []
    for number in range(MATERIAL_PIECES):
        row = bytearray()
        while len(row) < PIECE:
            row += b"%d|%s|%s %s|" % (chooser.randrange(10 ** 9),
                                      chooser.randbytes(12).hex().encode(),
                                      chooser.choice(WORDS).encode(),
                                      chooser.choice(WORDS).encode())
        pieces.append(bytes(row[:PIECE]))
    return pieces


def make_volume(path, size_bytes, seed=1):
    """Every 64 KiB are 64 pieces, chosen and ordered at random."""
    pieces = material(seed)
    chooser = random.Random(seed + 1)
    with open(path, "wb") as volume:
        for _ in range(size_bytes // (1024 * PIECE)):
            volume.write(b"".join(chooser.choices(pieces, k=1024)))

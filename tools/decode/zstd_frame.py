"""One Zstandard frame to bytes, with python3-zstandard or, without it, the command `zstd`."""

import subprocess
import tempfile

from small_objects import Damage

try:
    import zstandard
except ImportError:
    zstandard = None

_MAGIC = b"\x28\xb5\x2f\xfd"


def _check_shape(data, raw_length):
    """Exactly one frame (RFC 8878), no dictionary id, content size present and as stated."""
    if data[:4] != _MAGIC or len(data) < 6:
        raise Damage("not a Zstandard frame")
    descriptor = data[4]
    single_segment = descriptor >> 5 & 1
    if descriptor & 8:
        raise Damage("reserved bit of the Zstandard frame is set")
    at = 5 if single_segment else 6
    dictionary_size = (0, 1, 2, 4)[descriptor & 3]
    if any(data[at:at + dictionary_size]):
        raise Damage("Zstandard frame names a dictionary")
    at += dictionary_size
    size_bytes = (single_segment, 2, 4, 8)[descriptor >> 6]
    if size_bytes == 0:
        raise Damage("Zstandard frame without content size")
    content_size = int.from_bytes(data[at:at + size_bytes], "little")
    content_size += 256 if size_bytes == 2 else 0
    at += size_bytes
    if content_size != raw_length:
        raise Damage(f"Zstandard frame of {content_size} bytes, raw length {raw_length}")
    last = 0
    while not last:
        if at + 3 > len(data):
            raise Damage("Zstandard frame is cut off")
        block = int.from_bytes(data[at:at + 3], "little")
        last, kind, size = block & 1, block >> 1 & 3, block >> 3
        if kind == 3:
            raise Damage("Zstandard block of a reserved type")
        at += 3 + (1 if kind == 1 else size)
    at += 4 if descriptor & 4 else 0
    if at != len(data):
        raise Damage(f"Zstandard frame ends at {at} of {len(data)} stored bytes")


def _decode_by_command(data, base):
    command = ["zstd", "-d", "-c", "-q"]
    with tempfile.NamedTemporaryFile() as file, tempfile.NamedTemporaryFile() as base_file:
        file.write(data)
        file.flush()
        if base is not None:
            base_file.write(base)
            base_file.flush()
            command.append(f"--patch-from={base_file.name}")
        # By name and not through stdin: --patch-from takes files.
        done = subprocess.run(command + ["--", file.name], capture_output=True, check=False)
    if done.returncode != 0:
        raise Damage(f"zstd: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def decode_zstd(data, raw_length, base=None):
    """The raw bytes; base is the raw bytes of the base of a delta."""
    _check_shape(data, raw_length)
    if zstandard is None:
        raw = _decode_by_command(data, base)
    else:
        dictionary = None
        if base is not None:
            dictionary = zstandard.ZstdCompressionDict(
                base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        try:
            decoder = zstandard.ZstdDecompressor(dict_data=dictionary)
            raw = decoder.decompress(data, max_output_size=raw_length)
        except zstandard.ZstdError as error:
            raise Damage(f"zstd: {error}") from error
    if len(raw) != raw_length:
        raise Damage(f"zstd: {len(raw)} bytes, raw length {raw_length}")
    return raw

"""XXH3-64 (seed 0, default secret) in pure Python: the checksum of the repository format.

Slow (some MB/s) and meant for headers, footers and small objects. Follows the specification in
https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md; test_decode.py holds known vectors.
"""

import struct

_SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")

_M32 = 0xFFFFFFFF
_M64 = 0xFFFFFFFFFFFFFFFF
_PRIME32_1, _PRIME32_2, _PRIME32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
_PRIME64_1, _PRIME64_2, _PRIME64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_PRIME64_4, _PRIME64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5

_STRIPE = 64
_SECRET_STEP = 8
_STRIPES_PER_BLOCK = (len(_SECRET) - _STRIPE) // _SECRET_STEP
_BLOCK = _STRIPE * _STRIPES_PER_BLOCK

_EIGHT_U64 = struct.Struct("<8Q")
_STRIPE_KEYS = [_EIGHT_U64.unpack_from(_SECRET, i * _SECRET_STEP)
                for i in range(_STRIPES_PER_BLOCK)]
_LAST_STRIPE_KEYS = _EIGHT_U64.unpack_from(_SECRET, len(_SECRET) - _STRIPE - 7)
_SCRAMBLE_KEYS = _EIGHT_U64.unpack_from(_SECRET, len(_SECRET) - _STRIPE)


def _u32(data, at):
    return int.from_bytes(data[at:at + 4], "little")


def _u64(data, at):
    return int.from_bytes(data[at:at + 8], "little")


def _fold(a, b):
    """The 128-bit product of two 64-bit numbers, its halves xored."""
    product = a * b
    return (product & _M64) ^ (product >> 64)


def _avalanche(h):
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & _M64
    return h ^ (h >> 32)


def _avalanche_xxh64(h):
    h ^= h >> 33
    h = h * _PRIME64_2 & _M64
    h ^= h >> 29
    h = h * _PRIME64_3 & _M64
    return h ^ (h >> 32)


def _rotate(h, bits):
    return (h << bits | h >> (64 - bits)) & _M64


def _up_to_16(data):
    size = len(data)
    if size > 8:
        low = _u64(data, 0) ^ _u64(_SECRET, 24) ^ _u64(_SECRET, 32)
        high = _u64(data, size - 8) ^ _u64(_SECRET, 40) ^ _u64(_SECRET, 48)
        swapped = int.from_bytes(low.to_bytes(8, "little"), "big")
        return _avalanche(size + swapped + high + _fold(low, high) & _M64)
    if size >= 4:
        h = _u32(data, size - 4) + (_u32(data, 0) << 32) ^ _u64(_SECRET, 8) ^ _u64(_SECRET, 16)
        h ^= _rotate(h, 49) ^ _rotate(h, 24)
        h = h * 0x9FB21C651E98DF25 & _M64
        h ^= (h >> 35) + size
        h = h * 0x9FB21C651E98DF25 & _M64
        return h ^ (h >> 28)
    if size:
        combined = data[0] << 16 | data[size >> 1] << 24 | data[size - 1] | size << 8
        return _avalanche_xxh64(combined ^ _u32(_SECRET, 0) ^ _u32(_SECRET, 4))
    return _avalanche_xxh64(_u64(_SECRET, 56) ^ _u64(_SECRET, 64))


def _mix16(data, at, secret_at):
    return _fold(_u64(data, at) ^ _u64(_SECRET, secret_at),
                 _u64(data, at + 8) ^ _u64(_SECRET, secret_at + 8))


def _up_to_128(data):
    size = len(data)
    acc = size * _PRIME64_1
    for i in range((size - 1) // 32 + 1):
        acc += _mix16(data, 16 * i, 32 * i) + _mix16(data, size - 16 * (i + 1), 32 * i + 16)
    return _avalanche(acc & _M64)


def _up_to_240(data):
    size = len(data)
    acc = size * _PRIME64_1
    for i in range(8):
        acc += _mix16(data, 16 * i, 16 * i)
    acc = _avalanche(acc & _M64)
    for i in range(8, size // 16):
        acc += _mix16(data, 16 * i, 16 * (i - 8) + 3)
    acc += _mix16(data, size - 16, 136 - 17)
    return _avalanche(acc & _M64)


def _accumulate(acc, stripe, keys):
    """One stripe into the eight lanes; overflow is cut off by the caller."""
    for lane in range(8):
        value = stripe[lane]
        key = value ^ keys[lane]
        acc[lane ^ 1] += value
        acc[lane] += (key & _M32) * (key >> 32)


def _long(data):
    size = len(data)
    acc = [_PRIME32_3, _PRIME64_1, _PRIME64_2, _PRIME64_3,
           _PRIME64_4, _PRIME32_2, _PRIME64_5, _PRIME32_1]
    at = 0
    for _ in range((size - 1) // _BLOCK):
        for keys in _STRIPE_KEYS:
            _accumulate(acc, _EIGHT_U64.unpack_from(data, at), keys)
            at += _STRIPE
        for lane in range(8):
            value = acc[lane] & _M64
            acc[lane] = (value ^ (value >> 47) ^ _SCRAMBLE_KEYS[lane]) * _PRIME32_1 & _M64
    for i in range((size - 1 - at) // _STRIPE):
        _accumulate(acc, _EIGHT_U64.unpack_from(data, at), _STRIPE_KEYS[i])
        at += _STRIPE
    _accumulate(acc, _EIGHT_U64.unpack_from(data, size - _STRIPE), _LAST_STRIPE_KEYS)
    result = size * _PRIME64_1
    for i in range(0, 8, 2):
        result += _fold((acc[i] & _M64) ^ _u64(_SECRET, 11 + 8 * i),
                        (acc[i + 1] & _M64) ^ _u64(_SECRET, 11 + 8 * i + 8))
    return _avalanche(result & _M64)


def xxh3_64(data):
    """The 64-bit hash of bytes, bytearray or memoryview, as an integer."""
    if len(data) <= 16:
        return _up_to_16(data)
    if len(data) <= 128:
        return _up_to_128(data)
    if len(data) <= 240:
        return _up_to_240(data)
    return _long(data)

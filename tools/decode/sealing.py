"""Encryption (FORMAT.md, sections 12 and 13): key slots to the master key, sealed bytes to bytes."""

import hashlib
import os
import struct

from small_objects import (Damage, DecodeError, Fields, Unsupported, id_of_name, object_bytes,
                           open_envelope, read_small_file, sealed_parts)

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError:  # the repositories in the clear can still be read
    AESGCM = None

KIND_KEY_SLOT = 24
PASSPHRASE, KEY_FILE = 1, 2
TAG_SIZE, SALT_SIZE = 16, 32
_NO_NONCE = bytes(12)


class WrongKey(DecodeError):
    """The repository is encrypted, and no key was given, or one that opens no slot."""


def _hkdf(secret, salt, info):
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(secret)


def _open(key, nonce, sealed, associated, what):
    try:
        return AESGCM(key).decrypt(nonce, sealed, associated)
    except InvalidTag:
        raise Damage(f"{what}: its seal does not verify") from None


class KeySlot:
    """One slot. Unlock answers the master key, or None if the key is not the slot's."""

    def __init__(self, data, slot_id, repository_id, what):
        _, payload = open_envelope(data, what, KIND_KEY_SLOT, slot_id, repository_id)
        fields = Fields(payload, what, {1, 2, 0x8003, 0x8004, 0x8005, 0x8006})
        created = fields.get(1, 8)
        fields.text(2)
        label = fields.all(2)[0]
        self.method = fields.integer(0x8003, 1)
        if self.method not in (PASSPHRASE, KEY_FILE):
            raise Damage(f"{what}: method {self.method}")
        cost = fields.get(0x8004, 12, optional=True)
        if (cost is None) == (self.method == PASSPHRASE):
            raise Damage(f"{what}: cost and method do not go together")
        self._cost = struct.unpack("<3I", cost or bytes(12))
        log2_n, r, p = self._cost
        if cost and not (10 <= log2_n <= 20 and 1 <= r <= 32 and 1 <= p <= 16
                         and 128 * r << log2_n <= 1 << 30):
            raise Damage(f"{what}: scrypt cost {self._cost}")
        self._salt = fields.get(0x8005, 32)
        self._wrapped = fields.get(0x8006, 48)
        self._associated = (b"varve key slot v1" + repository_id + slot_id + created
                            + bytes([self.method]) + (cost or bytes(12)) + self._salt + label)

    def unlock(self, secret):
        if self.method == PASSPHRASE:
            log2_n, r, p = self._cost
            key = hashlib.scrypt(secret, salt=self._salt, n=1 << log2_n, r=r, p=p,
                                 maxmem=(1 << 30) + (1 << 24), dklen=32)
        else:
            key = _hkdf(secret, self._salt, b"varve key file v1")
        try:
            return _open(key, _NO_NONCE, self._wrapped, self._associated, "key slot")
        except Damage:
            return None


def read_key_slots(repository, repository_id, warn):
    """Every slot of which one of the two files is whole."""
    slots = {}
    try:
        names = sorted(os.listdir(os.path.join(repository, "keys")))
    except FileNotFoundError:
        return []
    for name in names:
        what = f"keys/{name}"
        slot_id = id_of_name(name.removesuffix(".copy"))
        if name.endswith(".tmp") or slot_id in slots:
            continue
        if slot_id is None:
            warn(f"{what}: not the name of a key slot")
            continue
        try:
            data = read_small_file(os.path.join(repository, what))
            slots[slot_id] = KeySlot(data, slot_id, repository_id, what)
        except (DecodeError, OSError) as error:
            warn(str(error))
    return list(slots.values())


class Key:
    """What the user gave: a passphrase or the bytes of a key file."""

    def __init__(self, method, secret):
        self.method, self.secret = method, secret


class Sealing:
    """Opens what a repository sealed."""

    def __init__(self, repository, repository_id, key, warn):
        if AESGCM is None:
            raise Unsupported("the repository is encrypted; python3-cryptography is needed")
        if key is None:
            raise WrongKey("the repository is encrypted: --passphrase-file or --key-file is needed")
        self._repository_id = repository_id
        slots = read_key_slots(repository, repository_id, warn)
        keys = (slot.unlock(key.secret) for slot in slots if slot.method == key.method)
        self._master_key = next((found for found in keys if found is not None), None)
        if self._master_key is None:
            raise WrongKey(f"the key opens none of the {len(slots)} key slots")

    def open_object(self, data, what):
        """The object as it was before it was sealed."""
        bound, payload = sealed_parts(data, what)
        key = _hkdf(self._master_key, payload[:SALT_SIZE], b"varve object v1" + self._repository_id)
        return object_bytes(data, _open(key, _NO_NONCE, payload[SALT_SIZE:], bound, what))

    def pack_key(self, pack_id, salt):
        return _hkdf(self._master_key, salt, b"varve pack v1" + self._repository_id + pack_id)

    def open_frame(self, pack_key, pack_id, offset, header_start, base, stored, what):
        associated = (header_start + (base or bytes(32)) + self._repository_id + pack_id
                      + struct.pack("<H", 1))
        return _open(pack_key, struct.pack("<QI", offset, 0), stored, associated, what)

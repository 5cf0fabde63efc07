#include "codec/repository_sealing.h"

#include "base/fingerprint.h"

namespace varve {
namespace {

constexpr size_t kSealOverhead = kSealSaltBytes + kSealTagBytes;
// Objects seal once under a key of their own.
constexpr SealNonce kObjectNonce{};

Bytes Info(std::string_view purpose, ByteSpan first, ByteSpan second = {}) {
  Bytes info;
  AppendBytes(info, AsBytes(purpose));
  AppendBytes(info, first);
  AppendBytes(info, second);
  return info;
}

// What tells nothing of any content: which packs were looked at when, why an object was moved.
bool StaysInTheClear(const std::string& path) {
  return path.starts_with("scrub/") ||
         (path.starts_with("quarantine/") && path.ends_with(".reason"));
}

// A pack in the clear must not come into an encrypted repository.
Status CheckPack(const std::string& path, ByteSpan start) {
  const Result<PackHeader> header = DecodePackHeader(path, start);
  if (header.ok() && header->sealed()) return {};
  return InvalidArgument(path + ": only sealed objects may be stored in an encrypted repository");
}

Bytes Join(std::span<const ByteSpan> pieces) {
  Bytes joined;
  for (const ByteSpan piece : pieces)
    AppendBytes(joined, piece);
  return joined;
}

class RepositorySealing : public Sealing {
 public:
  RepositorySealing(const Secret& master_key, const RepositoryId& repository, Random& random)
      : master_key_(master_key), repository_(repository), random_(random) {
    VARVE_CHECK(master_key_.size() == kMasterKeyBytes);
  }

  Result<std::optional<Bytes>> Seal(const std::string& path,
                                    std::span<const ByteSpan> pieces) const override {
    if (pieces.empty() || !IsSmallObject(pieces[0])) {
      if (StaysInTheClear(path)) return std::optional<Bytes>();
      VARVE_RETURN_IF_ERROR(CheckPack(path, pieces.empty() ? ByteSpan() : pieces[0]));
      return std::optional<Bytes>();
    }
    const Bytes object = Join(pieces);
    VARVE_ASSIGN_OR_RETURN(SmallObjectEnvelope envelope, OpenEnvelope(path, object));
    // A key slot holds nothing but the wrapped key and what one needs to unwrap it.
    if (envelope.kind == ObjectKind::kKeySlot) return std::optional<Bytes>();
    if (envelope.sealed) return InvalidArgument(path + ": is sealed already");
    if (object.size() + kSealOverhead > kSmallObjectMax) {
      return InvalidArgument(path + ": " + std::to_string(object.size()) +
                             " bytes are too many to be sealed");
    }
    return std::optional(SealPayload(envelope));
  }

  Result<Bytes> Open(const std::string& path, Bytes stored) const override {
    if (!IsSmallObject(stored)) return stored;
    VARVE_ASSIGN_OR_RETURN(SmallObjectEnvelope envelope, OpenEnvelope(path, stored));
    if (envelope.kind == ObjectKind::kKeySlot) return stored;
    if (!envelope.sealed) {
      return Corruption(path + ": is in the clear, but the repository is encrypted");
    }
    const ByteSpan salt = envelope.payload.first(kSealSaltBytes);
    const ByteSpan sealed = envelope.payload.subspan(kSealSaltBytes);
    Bytes text(sealed.begin(), sealed.end() - kSealTagBytes);
    if (!FrameCipher().Open(ObjectKey(salt), kObjectNonce,
                            ByteSpan(stored).first(kEnvelopeBoundBytes), text,
                            sealed.last(kSealTagBytes).data())) {
      return Corruption(path +
                        ": its seal does not verify: it was changed, or is of another "
                        "repository");
    }
    envelope.sealed = false;
    return WrapPayload(envelope, text);
  }

  const RepositoryId& repository() const override { return repository_; }
  Result<DerivedKey> PackKey(const PackId& pack, ByteSpan salt) const override {
    return DeriveKey(master_key_.span(), salt,
                     Info("varve pack v1", repository_.span(), pack.span()));
  }

 private:
  DerivedKey ObjectKey(ByteSpan salt) const {
    return DeriveKey(master_key_.span(), salt, Info("varve object v1", repository_.span()));
  }

  Bytes SealPayload(SmallObjectEnvelope envelope) const {
    Bytes payload(kSealSaltBytes);
    random_.Fill(payload);
    const DerivedKey key = ObjectKey(payload);
    AppendBytes(payload, envelope.payload);
    payload.resize(payload.size() + kSealTagBytes);
    envelope.sealed = true;
    // The header once without the checksums that only the sealed bytes give: a seal binds what is
    // before them.
    const Bytes bound = WrapPayload(envelope, payload);
    const size_t text_bytes = payload.size() - kSealOverhead;
    FrameCipher().Seal(key, kObjectNonce, ByteSpan(bound).first(kEnvelopeBoundBytes),
                       MutableByteSpan(payload).subspan(kSealSaltBytes, text_bytes),
                       &payload[kSealSaltBytes + text_bytes]);
    return WrapPayload(envelope, payload);
  }

  const Secret& master_key_;
  const RepositoryId repository_;
  Random& random_;
};

class LockedSealing : public Sealing {
 public:
  LockedSealing(const RepositoryId& repository, std::string hint)
      : repository_(repository), hint_(std::move(hint)) {}

  Result<std::optional<Bytes>> Seal(const std::string& path,
                                    std::span<const ByteSpan>) const override {
    return Refuse(path);
  }
  Result<Bytes> Open(const std::string& path, Bytes stored) const override {
    if (!IsSmallObject(stored)) return stored;
    VARVE_ASSIGN_OR_RETURN(const SmallObjectEnvelope envelope, OpenEnvelope(path, stored));
    if (envelope.kind == ObjectKind::kKeySlot) return stored;
    if (!envelope.sealed) {
      return Corruption(path + ": is in the clear, but the repository is encrypted");
    }
    return Refuse(path);
  }
  const RepositoryId& repository() const override { return repository_; }
  Result<DerivedKey> PackKey(const PackId& pack, ByteSpan) const override {
    return Refuse("pack " + pack.Hex());
  }

 private:
  Status Refuse(const std::string& object) const {
    return KeyRequired(object + ": is sealed: " + hint_);
  }

  const RepositoryId repository_;
  const std::string hint_;
};

}  // namespace

std::unique_ptr<Sealing> NewRepositorySealing(const Secret& master_key,
                                              const RepositoryId& repository, Random& random) {
  return std::make_unique<RepositorySealing>(master_key, repository, random);
}

std::unique_ptr<Sealing> NewLockedSealing(const RepositoryId& repository, std::string hint) {
  return std::make_unique<LockedSealing>(repository, std::move(hint));
}

void SealFrame(FrameCipher& cipher, const DerivedKey& key, const RepositoryId& repository,
               const PackId& pack, const PlacedFrame& placed, MutableByteSpan frame) {
  const FrameInfo& info = placed.info;
  VARVE_CHECK(info.sealed && frame.size() == info.FrameBytes());
  const MutableByteSpan stored = frame.subspan(info.HeaderBytes());
  cipher.Seal(key, NumberedNonce(placed.offset), FrameAssociatedData(info, repository, pack),
              stored.first(info.EncodedLength()), &stored[info.EncodedLength()]);
  EncodeFrameHeader(info, ComputeChecksum(stored), frame.data());
}

Result<ByteSpan> OpenFrame(FrameCipher& cipher, const DerivedKey& key,
                           const RepositoryId& repository, const PackId& pack,
                           const PlacedFrame& placed, MutableByteSpan stored) {
  const FrameInfo& info = placed.info;
  VARVE_CHECK(info.sealed && stored.size() == info.stored_length);
  const MutableByteSpan text = stored.first(info.EncodedLength());
  if (!cipher.Open(key, NumberedNonce(placed.offset), FrameAssociatedData(info, repository, pack),
                   text, &stored[text.size()])) {
    return Corruption("pack " + pack.Hex() + ": frame at " + std::to_string(placed.offset) +
                      ": its seal does not verify: it was changed, moved, or is of another "
                      "repository");
  }
  return ByteSpan(text);
}

}  // namespace varve

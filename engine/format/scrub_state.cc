#include "format/scrub_state.h"

#include "base/fingerprint.h"

namespace varve {
namespace {

constexpr char kMagic[] = "VARVESCR";
constexpr size_t kHeaderBytes = 48;
constexpr size_t kEntryBytes = 32;
constexpr size_t kChecksumBytes = 8;

}  // namespace

Bytes EncodeScrubState(const ScrubState& state, const RepositoryId& repository) {
  Bytes bytes;
  bytes.reserve(kHeaderBytes + state.packs.size() * kEntryBytes + kChecksumBytes);
  AppendBytes(bytes, AsBytes(kMagic));
  AppendLe<uint64_t>(bytes, 1);
  AppendBytes(bytes, repository.span());
  AppendLe(bytes, state.pass);
  AppendLe<uint64_t>(bytes, state.packs.size());
  for (const auto& [pack, verified] : state.packs) {
    AppendBytes(bytes, pack.span());
    AppendLe(bytes, verified.pass);
    AppendLe(bytes, verified.unix_ns);
  }
  AppendLe(bytes, ComputeChecksum(bytes));
  return bytes;
}

Result<ScrubState> DecodeScrubState(const std::string& name, ByteSpan bytes,
                                    const RepositoryId& repository) {
  if (bytes.size() < kHeaderBytes + kChecksumBytes) return Corruption(name + ": is cut off");
  const ByteSpan covered = bytes.first(bytes.size() - kChecksumBytes);
  if (ComputeChecksum(covered) != LoadLe<uint64_t>(bytes.data() + covered.size())) {
    return Corruption(name + ": checksum does not match");
  }
  const uint8_t* from = bytes.data();
  if (std::memcmp(from, kMagic, 8) != 0) return Corruption(name + ": has no VARVESCR magic");
  if (LoadLe<uint64_t>(from + 8) != 1) return Corruption(name + ": is of another version");
  if (RepositoryId::FromBytes(from + 16) != repository) {
    return Corruption(name + ": belongs to another repository");
  }
  const auto count = LoadLe<uint64_t>(from + 40);
  if (count != (covered.size() - kHeaderBytes) / kEntryBytes ||
      (covered.size() - kHeaderBytes) % kEntryBytes != 0) {
    return Corruption(name + ": " + std::to_string(count) + " packs announced");
  }
  ScrubState state;
  state.pass = LoadLe<uint64_t>(from + 32);
  for (const uint8_t* entry = from + kHeaderBytes; entry < from + covered.size();
       entry += kEntryBytes) {
    state.packs[PackId::FromBytes(entry)] = {LoadLe<uint64_t>(entry + 16),
                                             LoadLe<int64_t>(entry + 24)};
  }
  return state;
}

}  // namespace varve

#include "format/key_slot_format.h"

#include "format/small_object.h"

namespace varve {
namespace {
constexpr uint16_t kCreated = 0x0001;
constexpr uint16_t kLabel = 0x0002;
constexpr uint16_t kMethod = 0x8003;
constexpr uint16_t kCost = 0x8004;
constexpr uint16_t kSalt = 0x8005;
constexpr uint16_t kWrappedKey = 0x8006;

using CostBytes = std::array<uint8_t, 12>;

CostBytes EncodeCost(const ScryptCost& cost) {
  CostBytes bytes{};
  StoreLe(&bytes[0], cost.log2_n);
  StoreLe(&bytes[4], cost.r);
  StoreLe(&bytes[8], cost.p);
  return bytes;
}

}  // namespace

std::string_view KeyMethodName(KeyMethod method) {
  return method == KeyMethod::kPassphrase ? "passphrase" : "key file";
}

bool IsAllowed(const ScryptCost& cost) {
  return cost.log2_n >= kScryptLog2NMin && cost.log2_n <= kScryptLog2NMax && cost.r >= 1 &&
         cost.r <= kScryptRMax && cost.p >= 1 && cost.p <= kScryptPMax &&
         (uint64_t{128} * cost.r << cost.log2_n) <= kScryptMemoryMax;
}

Bytes EncodeKeySlot(const KeySlot& slot, const RepositoryId& repository) {
  SmallObjectWriter writer;
  writer.Number(kCreated, slot.created_unix_ns);
  writer.Text(kLabel, slot.label);
  writer.Number(kMethod, static_cast<uint8_t>(slot.method));
  if (slot.method == KeyMethod::kPassphrase) writer.Field(kCost, EncodeCost(slot.cost));
  writer.Field(kSalt, slot.salt);
  writer.Field(kWrappedKey, slot.wrapped_key);
  return writer.Finish(ObjectKind::kKeySlot, repository, slot.id.bytes);
}

Result<KeySlot> DecodeKeySlot(const std::string& name, ByteSpan object,
                              const RepositoryId& repository, const KeySlotId& id) {
  VARVE_ASSIGN_OR_RETURN(const SmallObjectReader reader,
                         SmallObjectReader::Open(name, object, ObjectKind::kKeySlot));
  VARVE_RETURN_IF_ERROR(reader.CheckTags({kCreated, kLabel, kMethod, kCost, kSalt, kWrappedKey}));
  if (reader.repository() != repository) {
    return reader.Damaged("belongs to repository " + reader.repository().Short());
  }
  if (reader.id() != id.bytes) return reader.Damaged("holds another slot");
  KeySlot slot;
  slot.id = id;
  uint8_t method = 0;
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kCreated, &slot.created_unix_ns));
  VARVE_RETURN_IF_ERROR(reader.GetText(kLabel, kNameBytesMax, &slot.label));
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kMethod, &method));
  VARVE_RETURN_IF_ERROR(reader.GetBytes(kSalt, slot.salt));
  VARVE_RETURN_IF_ERROR(reader.GetBytes(kWrappedKey, slot.wrapped_key));
  slot.method = static_cast<KeyMethod>(method);
  if (method < 1 || method > 2) return reader.Damaged("method " + std::to_string(method));
  CostBytes cost{};
  VARVE_ASSIGN_OR_RETURN(const bool has_cost, reader.FindBytes(kCost, cost));
  if (has_cost != (slot.method == KeyMethod::kPassphrase)) {
    return reader.Damaged(has_cost ? "a cost for a key file" : "a passphrase without its cost");
  }
  if (!has_cost) return slot;
  slot.cost = {LoadLe<uint32_t>(&cost[0]), LoadLe<uint32_t>(&cost[4]), LoadLe<uint32_t>(&cost[8])};
  if (!IsAllowed(slot.cost)) {
    return reader.Damaged("scrypt with log2 n " + std::to_string(slot.cost.log2_n) + ", r " +
                          std::to_string(slot.cost.r) + ", p " + std::to_string(slot.cost.p));
  }
  return slot;
}

Bytes KeySlotAssociatedData(const KeySlot& slot, const RepositoryId& repository) {
  Bytes data;
  AppendBytes(data, AsBytes("varve key slot v1"));
  AppendBytes(data, repository.span());
  AppendBytes(data, slot.id.span());
  AppendLe<int64_t>(data, slot.created_unix_ns);
  data.push_back(static_cast<uint8_t>(slot.method));
  AppendBytes(data, slot.method == KeyMethod::kPassphrase ? EncodeCost(slot.cost) : CostBytes{});
  AppendBytes(data, slot.salt);
  AppendBytes(data, AsBytes(slot.label));
  return data;
}

}  // namespace varve

#include "format/config_format.h"

#include <bit>

#include "base/limits.h"
#include "format/small_object.h"

namespace varve {
namespace {
constexpr uint16_t kCreated = 0x0001;
constexpr uint16_t kChunkSize = 0x0002;
constexpr uint16_t kAppendOnly = 0x0003;
constexpr uint16_t kIdKey = 0x8003;
constexpr uint16_t kFingerprintSecret = 0x8004;
}  // namespace

bool IsValidChunkSize(uint64_t size_bytes) {
  return std::has_single_bit(size_bytes) && size_bytes >= kChunkSizeMin &&
         size_bytes <= kChunkSizeMax;
}

Bytes EncodeConfig(const RepositoryConfig& config) {
  SmallObjectWriter writer;
  writer.Number(kCreated, config.created_unix_ns);
  writer.Number(kChunkSize, config.chunk_size_bytes);
  if (config.append_only) writer.Number<uint8_t>(kAppendOnly, 1);
  writer.Field(kIdKey, config.id_key);
  writer.Field(kFingerprintSecret, config.fingerprint_secret);
  return writer.Finish(ObjectKind::kConfig, config.id, ObjectId{});
}

Result<RepositoryConfig> DecodeConfig(const std::string& name, ByteSpan object) {
  VARVE_ASSIGN_OR_RETURN(const SmallObjectReader reader,
                         SmallObjectReader::Open(name, object, ObjectKind::kConfig));
  VARVE_RETURN_IF_ERROR(
      reader.CheckTags({kCreated, kChunkSize, kAppendOnly, kIdKey, kFingerprintSecret}));
  RepositoryConfig config;
  config.id = reader.repository();
  if (config.id.IsZero()) return reader.Damaged("repository id is zero");
  if (reader.id() != ObjectId{}) return reader.Damaged("object id is not zero");
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kCreated, &config.created_unix_ns));
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kChunkSize, &config.chunk_size_bytes));
  VARVE_RETURN_IF_ERROR(reader.GetBytes(kIdKey, config.id_key));
  VARVE_RETURN_IF_ERROR(reader.GetBytes(kFingerprintSecret, config.fingerprint_secret));
  uint8_t append_only = 0;
  VARVE_RETURN_IF_ERROR(reader.FindBytes(kAppendOnly, {&append_only, 1}).status());
  if (append_only > 1) return reader.Damaged("append only " + std::to_string(append_only));
  config.append_only = append_only == 1;
  if (!IsValidChunkSize(config.chunk_size_bytes)) {
    return reader.Damaged("chunk size " + std::to_string(config.chunk_size_bytes));
  }
  return config;
}

}  // namespace varve

#include "format/snapshot_record.h"

#include "base/limits.h"
#include "format/config_format.h"
#include "format/small_object.h"

namespace varve {
namespace {

constexpr uint16_t kVolumeName = 0x0001;
constexpr uint16_t kVolumeIdentity = 0x0002;
constexpr uint16_t kSize = 0x0003;
constexpr uint16_t kChunkSize = 0x0004;
constexpr uint16_t kRoot = 0x8005;
constexpr uint16_t kParent = 0x0006;
constexpr uint16_t kSequence = 0x0007;
constexpr uint16_t kPredecessor = 0x0008;
constexpr uint16_t kStart = 0x0009;
constexpr uint16_t kEnd = 0x000a;
constexpr uint16_t kConsistency = 0x000b;
constexpr uint16_t kCapture = 0x000c;
constexpr uint16_t kChangeSource = 0x000d;
constexpr uint16_t kFallbackReason = 0x000e;
constexpr uint16_t kTag = 0x000f;
constexpr uint16_t kStatistics = 0x0010;
constexpr uint16_t kOrigin = 0x0011;
constexpr uint16_t kBytesReused = 0x0012;
constexpr size_t kOriginBytes = 56;
constexpr size_t kLongTextMax = 4096;

// The ten counters in the order of the format.
template <typename Statistics, typename Visit>
void VisitStatistics(Statistics& s, Visit visit) {
  visit(s.bytes_total);
  visit(s.bytes_read);
  visit(s.bytes_changed);
  visit(s.bytes_stored);
  visit(s.bytes_metadata);
  visit(s.chunks_total);
  visit(s.chunks_changed);
  visit(s.chunks_new);
  visit(s.chunks_delta);
  visit(s.chunks_deduplicated);
}

Result<std::optional<SnapshotId>> FindSnapshotId(const SmallObjectReader& reader, uint16_t tag) {
  SnapshotId id;
  VARVE_ASSIGN_OR_RETURN(const bool found, reader.FindBytes(tag, id.bytes));
  return found ? std::optional<SnapshotId>(id) : std::nullopt;
}

Bytes EncodeOrigin(const SnapshotOrigin& origin) {
  Bytes bytes;
  AppendBytes(bytes, origin.repository.span());
  AppendLe(bytes, origin.sequence);
  AppendBytes(bytes, origin.parent.value_or(SnapshotId{}).span());
  AppendBytes(bytes, origin.predecessor.value_or(SnapshotId{}).span());
  return bytes;
}

Status DecodeOrigin(const SmallObjectReader& reader, SnapshotRecord* record) {
  uint8_t bytes[kOriginBytes];
  VARVE_ASSIGN_OR_RETURN(const bool copied, reader.FindBytes(kOrigin, bytes));
  if (!copied) return {};
  SnapshotOrigin origin;
  origin.repository = RepositoryId::FromBytes(bytes);
  origin.sequence = LoadLe<uint64_t>(bytes + 16);
  if (origin.repository.IsZero() || origin.sequence == 0) {
    return reader.Damaged("an origin without repository or sequence");
  }
  const SnapshotId parent = SnapshotId::FromBytes(bytes + 24);
  const SnapshotId predecessor = SnapshotId::FromBytes(bytes + 40);
  if (!parent.IsZero()) origin.parent = parent;
  if (!predecessor.IsZero()) origin.predecessor = predecessor;
  record->origin = origin;
  return {};
}

Status DecodeTags(const SmallObjectReader& reader, SnapshotRecord* record) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<std::string> tags,
                         reader.Texts(kTag, kTagBytesMax, kTagsMax));
  for (const std::string& tag : tags) {
    const size_t equals = tag.find('=');
    if (equals == std::string::npos || equals == 0) return reader.Damaged("tag without a key");
    record->tags.emplace_back(tag.substr(0, equals), tag.substr(equals + 1));
  }
  return {};
}

Status DecodeShape(const SmallObjectReader& reader, SnapshotRecord* record) {
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kSize, &record->size_bytes));
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kChunkSize, &record->chunk_size_bytes));
  VARVE_RETURN_IF_ERROR(reader.GetBytes(kRoot, record->root.bytes));
  if (record->size_bytes > kVolumeSizeMax) {
    return reader.Damaged("volume size " + std::to_string(record->size_bytes));
  }
  if (!IsValidChunkSize(record->chunk_size_bytes)) {
    return reader.Damaged("chunk size " + std::to_string(record->chunk_size_bytes));
  }
  if (record->size_bytes == 0 && !record->root.IsZero()) {
    return reader.Damaged("an empty volume with a root");
  }
  return {};
}

Status DecodeStory(const SmallObjectReader& reader, SnapshotRecord* record) {
  VARVE_ASSIGN_OR_RETURN(record->parent, FindSnapshotId(reader, kParent));
  VARVE_ASSIGN_OR_RETURN(record->predecessor, FindSnapshotId(reader, kPredecessor));
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kSequence, &record->sequence));
  if (record->sequence == 0) return reader.Damaged("sequence 0");
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kStart, &record->start_unix_ns));
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kEnd, &record->end_unix_ns));
  uint8_t consistency = 0;
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kConsistency, &consistency));
  if (consistency < 1 || consistency > 4) {
    return reader.Damaged("consistency class " + std::to_string(consistency));
  }
  record->consistency = static_cast<Consistency>(consistency);
  VARVE_RETURN_IF_ERROR(reader.GetText(kCapture, kNameBytesMax, &record->capture));
  VARVE_RETURN_IF_ERROR(reader.GetText(kChangeSource, kNameBytesMax, &record->change_source));
  std::string reason;
  VARVE_ASSIGN_OR_RETURN(const bool fell_back,
                         reader.FindText(kFallbackReason, kLongTextMax, &reason));
  if (fell_back) record->fallback_reason = reason;
  return {};
}

}  // namespace

std::string_view ConsistencyName(Consistency consistency) {
  switch (consistency) {
    case Consistency::kApplication:
      return "application";
    case Consistency::kFilesystem:
      return "filesystem";
    case Consistency::kCrash:
      return "crash";
    case Consistency::kFuzzy:
      return "fuzzy";
  }
  return "unknown";
}

Bytes EncodeSnapshotRecord(const SnapshotRecord& record, const RepositoryId& repository) {
  SmallObjectWriter writer;
  writer.Text(kVolumeName, record.volume_name);
  writer.Text(kVolumeIdentity, record.volume_identity);
  writer.Number(kSize, record.size_bytes);
  writer.Number(kChunkSize, record.chunk_size_bytes);
  if (record.parent) writer.Field(kParent, record.parent->bytes);
  writer.Number(kSequence, record.sequence);
  if (record.predecessor) writer.Field(kPredecessor, record.predecessor->bytes);
  writer.Number(kStart, record.start_unix_ns);
  writer.Number(kEnd, record.end_unix_ns);
  writer.Number(kConsistency, static_cast<uint8_t>(record.consistency));
  writer.Text(kCapture, record.capture);
  writer.Text(kChangeSource, record.change_source);
  if (record.fallback_reason) writer.Text(kFallbackReason, *record.fallback_reason);
  for (const auto& [key, value] : record.tags)
    writer.Text(kTag, key + "=" + value);
  Bytes counters;
  VisitStatistics(record.statistics, [&](uint64_t value) { AppendLe(counters, value); });
  writer.Field(kStatistics, counters);
  if (record.origin) writer.Field(kOrigin, EncodeOrigin(*record.origin));
  if (record.statistics.bytes_reused != 0) {
    writer.Number(kBytesReused, record.statistics.bytes_reused);
  }
  writer.Field(kRoot, record.root.bytes);  // critical tags sort last
  return writer.Finish(ObjectKind::kSnapshot, repository, record.id.bytes);
}

Result<SnapshotRecord> DecodeSnapshotRecord(const std::string& name, ByteSpan object,
                                            const RepositoryId& repository, const SnapshotId& id) {
  VARVE_ASSIGN_OR_RETURN(const SmallObjectReader reader,
                         SmallObjectReader::Open(name, object, ObjectKind::kSnapshot));
  VARVE_RETURN_IF_ERROR(
      reader.CheckTags({kVolumeName, kVolumeIdentity, kSize, kChunkSize, kRoot, kParent, kSequence,
                        kPredecessor, kStart, kEnd, kConsistency, kCapture, kChangeSource,
                        kFallbackReason, kTag, kStatistics, kOrigin, kBytesReused},
                       kTag));
  if (reader.repository() != repository) {
    return reader.Damaged("belongs to repository " + reader.repository().Short() + ", not to " +
                          repository.Short());
  }
  SnapshotRecord record;
  record.id = SnapshotId{reader.id()};
  if (record.id != id) return reader.Damaged("holds the record of snapshot " + record.id.Hex());
  VARVE_RETURN_IF_ERROR(reader.GetText(kVolumeName, kNameBytesMax, &record.volume_name));
  VARVE_RETURN_IF_ERROR(reader.GetText(kVolumeIdentity, kLongTextMax, &record.volume_identity));
  VARVE_RETURN_IF_ERROR(DecodeShape(reader, &record));
  VARVE_RETURN_IF_ERROR(DecodeStory(reader, &record));
  VARVE_RETURN_IF_ERROR(DecodeTags(reader, &record));
  VARVE_RETURN_IF_ERROR(DecodeOrigin(reader, &record));
  uint8_t counters[80];
  VARVE_RETURN_IF_ERROR(reader.GetBytes(kStatistics, counters));
  const uint8_t* next = counters;
  VisitStatistics(record.statistics, [&](uint64_t& value) {
    value = LoadLe<uint64_t>(next);
    next += 8;
  });
  uint8_t reused[8] = {};
  VARVE_RETURN_IF_ERROR(reader.FindBytes(kBytesReused, reused).status());
  record.statistics.bytes_reused = LoadLe<uint64_t>(reused);
  return record;
}

uint64_t SalvageSequence(ByteSpan object) {
  constexpr size_t kFieldHeaderBytes = 8;
  size_t at = kSmallObjectHeaderBytes;
  while (at + kFieldHeaderBytes <= object.size()) {
    const auto tag = LoadLe<uint16_t>(object.data() + at);
    const auto length = LoadLe<uint32_t>(object.data() + at + 4);
    at += kFieldHeaderBytes;
    if (length > object.size() - at) return 0;
    if (tag == kSequence && length == 8) return LoadLe<uint64_t>(object.data() + at);
    at += length;
  }
  return 0;
}

}  // namespace varve

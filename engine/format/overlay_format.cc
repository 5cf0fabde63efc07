#include "format/overlay_format.h"

#include <cstring>
#include <optional>

#include "base/fingerprint.h"
#include "base/limits.h"
#include "format/small_object.h"

namespace varve {
namespace {

constexpr uint16_t kSize = 0x8001;

constexpr char kLogMagic[] = "VARVEMAP";
constexpr uint16_t kLogVersion = 1;
constexpr char kRecordMagic[] = "VMRC";
constexpr size_t kRecordHeaderBytes = 16;
constexpr size_t kRangeBytes = 16;
constexpr size_t kChecksumBytes = 8;

struct LogRecord {
  uint64_t sequence = 0;
  ByteSpan ranges;
  size_t length = 0;
};

// The record that begins here, if a whole one does.
std::optional<LogRecord> FindRecord(ByteSpan log) {
  if (log.size() < kRecordHeaderBytes + kChecksumBytes) return std::nullopt;
  if (std::memcmp(log.data(), kRecordMagic, 4) != 0) return std::nullopt;
  const uint64_t ranges_bytes = uint64_t{LoadLe<uint32_t>(log.data() + 4)} * kRangeBytes;
  if (ranges_bytes > log.size() - kRecordHeaderBytes - kChecksumBytes) return std::nullopt;
  const size_t checked = kRecordHeaderBytes + static_cast<size_t>(ranges_bytes);
  if (LoadLe<uint64_t>(log.data() + checked) != ComputeChecksum(log.first(checked))) {
    return std::nullopt;
  }
  return LogRecord{LoadLe<uint64_t>(log.data() + 8),
                   log.subspan(kRecordHeaderBytes, static_cast<size_t>(ranges_bytes)),
                   checked + kChecksumBytes};
}

// A whole record somewhere in what follows a damaged one.
bool HoldsRecord(ByteSpan log) {
  for (size_t at = 1; at + kRecordHeaderBytes + kChecksumBytes <= log.size(); ++at) {
    if (FindRecord(log.subspan(at))) return true;
  }
  return false;
}

}  // namespace

Bytes EncodeOverlayBinding(const OverlayBinding& binding) {
  SmallObjectWriter writer;
  writer.Number(kSize, binding.size_bytes);
  return writer.Finish(ObjectKind::kOverlay, binding.repository, binding.snapshot.bytes);
}

Result<OverlayBinding> DecodeOverlayBinding(const std::string& name, ByteSpan object) {
  VARVE_ASSIGN_OR_RETURN(const SmallObjectReader reader,
                         SmallObjectReader::Open(name, object, ObjectKind::kOverlay));
  VARVE_RETURN_IF_ERROR(reader.CheckTags({kSize}));
  OverlayBinding binding;
  binding.repository = reader.repository();
  binding.snapshot = SnapshotId{reader.id()};
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kSize, &binding.size_bytes));
  if (binding.size_bytes > kVolumeSizeMax) {
    return reader.Damaged("volume size " + std::to_string(binding.size_bytes));
  }
  return binding;
}

Bytes EncodeMapLogHeader(const SnapshotId& snapshot, uint64_t generation) {
  Bytes header(kMapLogHeaderBytes);
  std::memcpy(&header[0], kLogMagic, 8);
  StoreLe<uint16_t>(&header[8], kLogVersion);
  std::memcpy(&header[16], snapshot.bytes.data(), 16);
  StoreLe<uint64_t>(&header[32], generation);
  StoreLe<uint64_t>(&header[56], ComputeChecksum(ByteSpan(header).first(56)));
  return header;
}

Bytes EncodeMapLogRecord(uint64_t sequence, const std::vector<MapLogRange>& ranges) {
  const size_t checked = kRecordHeaderBytes + ranges.size() * kRangeBytes;
  Bytes record(checked + kChecksumBytes);
  std::memcpy(record.data(), kRecordMagic, 4);
  StoreLe(&record[4], static_cast<uint32_t>(ranges.size()));
  StoreLe(&record[8], sequence);
  uint8_t* to = &record[kRecordHeaderBytes];
  for (const MapLogRange& range : ranges) {
    StoreLe(to, range.begin);
    StoreLe(to + 8, range.end);
    to += kRangeBytes;
  }
  StoreLe(&record[checked], ComputeChecksum(ByteSpan(record).first(checked)));
  return record;
}

Result<std::vector<MapLogRange>> DecodeMapLog(const std::string& name, ByteSpan log,
                                              const SnapshotId& snapshot, uint64_t generation,
                                              uint64_t block_count) {
  const auto damaged = [&](const std::string& what) { return Corruption(name + ": " + what); };
  if (log.size() < kMapLogHeaderBytes || std::memcmp(log.data(), kLogMagic, 8) != 0) {
    return damaged("has no VARVEMAP header");
  }
  if (LoadLe<uint64_t>(log.data() + 56) != ComputeChecksum(log.first(56))) {
    return damaged("header checksum does not match");
  }
  const auto version = LoadLe<uint16_t>(log.data() + 8);
  if (version > kLogVersion) {
    return Unsupported(name + ": version " + std::to_string(version) +
                       " is newer than this program's " + std::to_string(kLogVersion));
  }
  if (version == 0 || !IsAllZero(log.subspan(10, 6)) || !IsAllZero(log.subspan(40, 16))) {
    return damaged("its header is not one");
  }
  if (SnapshotId::FromBytes(log.data() + 16) != snapshot ||
      LoadLe<uint64_t>(log.data() + 32) != generation) {
    return damaged("is the map of another overlay");
  }
  std::vector<MapLogRange> ranges;
  size_t at = kMapLogHeaderBytes;
  for (uint64_t sequence = 0;; ++sequence) {
    const std::optional<LogRecord> record = FindRecord(log.subspan(at));
    if (!record) break;
    if (record->sequence != sequence) {
      return damaged("record " + std::to_string(record->sequence) + " at " + std::to_string(at) +
                     " where " + std::to_string(sequence) + " belongs");
    }
    for (size_t i = 0; i < record->ranges.size(); i += kRangeBytes) {
      const MapLogRange range{LoadLe<uint64_t>(&record->ranges[i]),
                              LoadLe<uint64_t>(&record->ranges[i + 8])};
      if (range.begin >= range.end || range.end > block_count) {
        return damaged("blocks " + std::to_string(range.begin) + " to " +
                       std::to_string(range.end) + " of " + std::to_string(block_count));
      }
      ranges.push_back(range);
    }
    at += record->length;
  }
  if (HoldsRecord(log.subspan(at))) {
    return damaged("a damaged record at " + std::to_string(at) + " with whole ones behind it");
  }
  return ranges;
}

}  // namespace varve

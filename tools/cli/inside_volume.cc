#include "inside_volume.h"

#include <algorithm>

#include "human_units.h"
#include "text_table.h"

namespace varve::cli {
namespace {

constexpr size_t kCacheBytes = 64 * kMiB;
constexpr int kPartitionMax = 4096;

bool IsExt(const std::string& file_system) {
  return file_system == "ext2" || file_system == "ext3" || file_system == "ext4";
}

// What to do about a file system that is not read here.
Status OtherFileSystem(const SnapshotRecord& record, const VolumePart& part) {
  const std::string what =
      part.file_system.empty() ? "no file system that is known here" : part.file_system;
  const std::string device =
      part.number == 0 ? "mount -o ro,loop /mnt/snapshot/volume.raw /mnt/files"
                       : "losetup -r -P -f --show /mnt/snapshot/volume.raw and mount partition " +
                             std::to_string(part.number) + " of it";
  return Unsupported("the volume holds " + what + "; ls and cp read ext2, ext3 and ext4. Let the " +
                     "kernel read it: varve mount " + record.id.Short() + " /mnt/snapshot, then " +
                     device);
}

Result<const VolumePart*> PickPart(const VolumeContent& content,
                                   const std::optional<std::string>& number_text) {
  if (!number_text) {
    if (!content.partition_table.empty() || content.parts.empty()) return nullptr;
    return &content.parts[0];
  }
  VARVE_ASSIGN_OR_RETURN(const int64_t number,
                         ParseNumber("partition", *number_text, 1, kPartitionMax));
  for (const VolumePart& part : content.parts) {
    if (part.number == number) return &part;
  }
  return NotFound("the volume has no partition " + *number_text);
}

}  // namespace

OptionSpec PartitionOption() {
  return {"partition", "N", "look into partition N of the volume"};
}

Result<InsideVolume> OpenInside(Invocation& invocation, const std::string& selector) {
  InsideVolume inside;
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord record, invocation.engine->Find(selector));
  VARVE_ASSIGN_OR_RETURN(
      inside.reader, SnapshotReader::Open(invocation.engine->repository(), record, kCacheBytes));
  VARVE_ASSIGN_OR_RETURN(inside.content, ProbeVolume(*inside.reader));
  VARVE_ASSIGN_OR_RETURN(const VolumePart* const part,
                         PickPart(inside.content, invocation.arguments.Find("partition")));
  if (part == nullptr) return inside;
  if (!IsExt(part->file_system)) return OtherFileSystem(record, *part);
  VARVE_ASSIGN_OR_RETURN(inside.files,
                         ExtFileSystem::Open(*inside.reader, part->offset, part->size_bytes));
  if (inside.files->needs_replay()) {
    invocation.console.Warn(
        "the file system's journal holds changes that are not in it yet: what you see is its last "
        "checkpoint and may not fit together. For the newest state let the kernel replay it on a "
        "writable mount or a restored copy");
  }
  return inside;
}

std::string PartitionTable(const VolumeContent& content) {
  using Align = TextTable::Align;
  TextTable table({{"PARTITION", Align::kRight},
                   {"OFFSET", Align::kRight},
                   {"SIZE", Align::kRight},
                   {"HOLDS"},
                   {"LABEL"}});
  for (const VolumePart& part : content.parts) {
    table.Add({std::to_string(part.number), std::to_string(part.offset), HumanSize(part.size_bytes),
               part.file_system, Printable(part.label)});
  }
  return table.Text();
}

std::string Printable(const std::string& name) {
  std::string text;
  for (const char character : name) {
    const auto byte = static_cast<uint8_t>(character);
    if (character == '\\') {
      text += "\\\\";
    } else if (character == '\n') {
      text += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      text += "\\x" + ToHex({&byte, 1});
    } else {
      text += character;
    }
  }
  return text;
}

}  // namespace varve::cli

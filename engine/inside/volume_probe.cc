#include "inside/volume_probe.h"

#include <blkid/blkid.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/limits.h"
#include "io/file_descriptor.h"

namespace varve {
namespace {

// Signatures lie at the beginning, tables and RAID labels also at the end.
constexpr uint64_t kHeadBytes = 2 * kMiB;
constexpr uint64_t kTailBytes = 1 * kMiB;
constexpr uint64_t kSectorBytes = 512;
constexpr int kPartitionsMax = 256;
// Logical partitions of a DOS table are a chain of tables all over the volume.
constexpr int kChainMax = 128;

using Probe = std::unique_ptr<struct blkid_struct_probe, void (*)(blkid_probe)>;

// libblkid reads descriptors only, so it gets a sparse file in memory with the places where
// signatures lie; everything else of it is zeros.
class ProbeCopy {
 public:
  static Result<ProbeCopy> Make(VolumeView& volume, uint64_t offset, uint64_t size) {
    ProbeCopy copy(volume, offset, size);
    copy.fd_ = FileDescriptor(memfd_create("varve-probe", MFD_CLOEXEC));
    if (!copy.fd_.valid() || ftruncate(copy.fd_.get(), static_cast<off_t>(size)) != 0) {
      return Status::FromErrno(errno, "memory for looking at the volume");
    }
    VARVE_RETURN_IF_ERROR(copy.Fill(0, kHeadBytes));
    VARVE_RETURN_IF_ERROR(copy.Fill(size - std::min(size, kTailBytes), kTailBytes));
    return copy;
  }
  int fd() const { return fd_.get(); }

  Status Fill(uint64_t at, uint64_t length) {
    if (at >= size_) return {};
    Bytes bytes(std::min(length, size_ - at));
    VARVE_RETURN_IF_ERROR(volume_.ReadAt(offset_ + at, bytes));
    if (pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(at)) !=
        static_cast<ssize_t>(bytes.size())) {
      return Status::FromErrno(errno, "memory for looking at the volume");
    }
    return {};
  }

 private:
  ProbeCopy(VolumeView& volume, uint64_t offset, uint64_t size)
      : volume_(volume), offset_(offset), size_(size) {}

  VolumeView& volume_;
  const uint64_t offset_;
  const uint64_t size_;
  FileDescriptor fd_;
};

bool IsExtendedType(uint8_t type) {
  return type == 0x05 || type == 0x0f || type == 0x85;
}

// Adds the tables of logical partitions to the copy, wherever the chain leads within the volume.
Status FillLogicalTables(VolumeView& volume, ProbeCopy& copy) {
  uint64_t table = 0;
  uint64_t extended = 0;
  for (int i = 0; i < kChainMax; ++i) {
    Bytes sector(kSectorBytes);
    if (table + kSectorBytes > volume.size_bytes()) return {};
    VARVE_RETURN_IF_ERROR(volume.ReadAt(table, sector));
    VARVE_RETURN_IF_ERROR(copy.Fill(table, kSectorBytes));
    if (sector[510] != 0x55 || sector[511] != 0xaa) return {};
    uint64_t next = 0;
    for (size_t entry = 446; entry < 510; entry += 16) {
      if (!IsExtendedType(sector[entry + 4])) continue;
      next = extended + LoadLe<uint32_t>(sector.data() + entry + 8) * kSectorBytes;
    }
    if (next == 0 || next == table) return {};
    if (extended == 0) extended = next;
    table = next;
  }
  return {};
}

Probe NewProbe(int fd, uint64_t size) {
  Probe probe(blkid_new_probe(), blkid_free_probe);
  if (probe != nullptr &&
      blkid_probe_set_device(probe.get(), fd, 0, static_cast<blkid_loff_t>(size)) != 0) {
    probe = nullptr;
  }
  return probe;
}

std::string ValueOf(blkid_probe probe, const char* name) {
  const char* value = nullptr;
  return blkid_probe_lookup_value(probe, name, &value, nullptr) == 0 ? value : "";
}

Status FindFileSystem(VolumeView& volume, VolumePart& part) {
  VARVE_ASSIGN_OR_RETURN(const ProbeCopy copy,
                         ProbeCopy::Make(volume, part.offset, part.size_bytes));
  const Probe probe = NewProbe(copy.fd(), part.size_bytes);
  if (probe == nullptr) return {};
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL);
  // Anything but 0 is "nothing known" or "several things": unknown, both.
  if (blkid_do_safeprobe(probe.get()) != 0) return {};
  part.file_system = ValueOf(probe.get(), "TYPE");
  part.label = ValueOf(probe.get(), "LABEL");
  return {};
}

void ListPartitions(blkid_probe probe, uint64_t volume_bytes, VolumeContent& content) {
  const blkid_partlist list = blkid_probe_get_partitions(probe);
  if (list == nullptr) return;
  const blkid_parttable table = blkid_partlist_get_table(list);
  if (table == nullptr) return;
  content.partition_table = blkid_parttable_get_type(table);
  const int count = std::min(blkid_partlist_numof_partitions(list), kPartitionsMax);
  for (int i = 0; i < count; ++i) {
    const blkid_partition partition = blkid_partlist_get_partition(list, i);
    if (blkid_partition_is_extended(partition) != 0) continue;
    const auto start = static_cast<uint64_t>(blkid_partition_get_start(partition));
    const auto sectors = static_cast<uint64_t>(blkid_partition_get_size(partition));
    if (start >= volume_bytes / kSectorBytes || sectors > volume_bytes / kSectorBytes - start ||
        sectors == 0) {
      continue;  // it does not lie within the volume
    }
    VolumePart part;
    part.number = blkid_partition_get_partno(partition);
    part.offset = start * kSectorBytes;
    part.size_bytes = sectors * kSectorBytes;
    content.parts.push_back(part);
  }
}

}  // namespace

Result<VolumeContent> ProbeVolume(VolumeView& volume) {
  VolumeContent content;
  VolumePart whole;
  whole.size_bytes = volume.size_bytes();
  if (whole.size_bytes == 0) return content;
  VARVE_RETURN_IF_ERROR(FindFileSystem(volume, whole));
  if (whole.file_system.empty()) {
    VARVE_ASSIGN_OR_RETURN(ProbeCopy copy, ProbeCopy::Make(volume, 0, whole.size_bytes));
    VARVE_RETURN_IF_ERROR(FillLogicalTables(volume, copy));
    if (const Probe probe = NewProbe(copy.fd(), whole.size_bytes); probe != nullptr) {
      ListPartitions(probe.get(), whole.size_bytes, content);
    }
    for (VolumePart& part : content.parts)
      VARVE_RETURN_IF_ERROR(FindFileSystem(volume, part));
  }
  if (content.partition_table.empty()) content.parts = {whole};
  return content;
}

}  // namespace varve

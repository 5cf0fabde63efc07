// What a volume holds: a partition table, or a file system, or neither. The only place that knows
// libblkid. Whatever the volume holds is somebody else's and may be hostile; nothing is believed
// but offsets within it. Thread-safe: functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "restore/volume_view.h"

namespace varve {

// A run of a volume that may hold a file system.
struct VolumePart {
  int number = 0;  // of the partition, as kernels count; 0 for a whole volume
  uint64_t offset = 0;
  uint64_t size_bytes = 0;
  std::string file_system;  // as blkid calls it: "ext4", "xfs", "LVM2_member"; empty if unknown
  std::string label;
};

struct VolumeContent {
  std::string partition_table;    // "gpt", "dos"; empty if there is none
  std::vector<VolumePart> parts;  // the partitions, or the whole volume as one
};

// Fails only when the volume cannot be read.
Result<VolumeContent> ProbeVolume(VolumeView& volume);

}  // namespace varve

// Opens the file system inside a snapshot for `ls` and `cp`: the snapshot, the partition, and what
// is said about file systems that varve does not read itself.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "inside/ext_file_system.h"
#include "inside/volume_probe.h"
#include "verb.h"

namespace varve::cli {

struct InsideVolume {
  std::unique_ptr<SnapshotReader> reader;
  VolumeContent content;
  // Null when the volume has partitions and none was asked for.
  std::unique_ptr<ExtFileSystem> files;
};

// `--partition N` picks one. Warns when what will be read is older than the snapshot, because a
// journal waits to be replayed.
Result<InsideVolume> OpenInside(Invocation& invocation, const std::string& selector);
// One line for each partition.
std::string PartitionTable(const VolumeContent& content);

OptionSpec PartitionOption();

// A name from a foreign file system as it can be printed: control characters as \n or \x1b.
std::string Printable(const std::string& name);

}  // namespace varve::cli

// A volume: numbered bytes that are backed up. What the write path needs to know of it, as an
// interface, so that tests bring volumes that fail, shrink and lie.
// Thread-safe, except that each BlockReader belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "io/block_reader.h"

namespace varve {

struct DataExtent {
  uint64_t begin = 0;
  uint64_t end = 0;  // exclusive
};

// What the kernel says about a volume's content; equal before and after means that nobody wrote it
// by way of the file system in between.
struct ContentStamp {
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;
  friend bool operator==(const ContentStamp&, const ContentStamp&) = default;
};

class Volume {
 public:
  virtual ~Volume() = default;
  virtual uint64_t size_bytes() const = 0;
  // What it is, for the snapshot record and for change sources.
  virtual const std::string& identity() const = 0;
  // The first extent with data at or after `offset`; nothing when only a hole is left. Holes read
  // as zeros without being read.
  virtual Result<std::optional<DataExtent>> NextData(uint64_t offset) const = 0;
  virtual Result<ContentStamp> Stamp() const = 0;
  virtual Result<std::unique_ptr<BlockReader>> NewReader(
      const BlockReaderOptions& options) const = 0;
  // Is a file system on it mounted for writing (directly, or by way of a loop device)? How, in
  // words, if so. Best effort.
  virtual std::optional<std::string> MountedForWriting() const = 0;
};

}  // namespace varve

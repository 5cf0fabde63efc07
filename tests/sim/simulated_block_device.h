// A restore target in memory with the loss model of SimulatedDisk: writes since the last Sync may
// be lost, torn, reordered or garbled by a crash; a failed Sync loses them for good although they
// can still be read. Poisoned by its first error like every BlockWriter. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "io/block_reader.h"
#include "io/block_writer.h"
#include "sim/fault_injector.h"
#include "sim/power_loss.h"
#include "volume/volume.h"

namespace varve {

class SimulatedBlockDevice : public BlockWriter {
 public:
  // With this content, durable. Its size never changes.
  explicit SimulatedBlockDevice(Bytes content);

  Status Write(uint64_t offset, ByteSpan bytes) override;
  Status WriteZeros(uint64_t offset, uint64_t length) override;
  Status Sync() override;

  // What reads return now.
  Bytes Content() const;
  // The device as it is found after a power cut now. This one is left as it is.
  std::unique_ptr<SimulatedBlockDevice> Crash(uint64_t seed, CrashMode mode) const;
  // The writer's error is forgotten, as by a new process on the same device. What is lost is lost.
  void Reopen();

  void InjectFault(Fault fault);
  void ClearFaults();
  void FreezeAfter(uint64_t changes);
  bool frozen() const;
  uint64_t change_count() const;
  // From now on reads that touch this sector fail with EIO.
  void BreakSector(uint64_t sector);
  // Reads the device as it is at Wait. Borrows it.
  std::unique_ptr<BlockReader> NewReader(const BlockReaderOptions& options) const;
  uint64_t size_bytes() const;
  // The first run of 4 KiB blocks at or after `offset` that are not all zero.
  std::optional<DataExtent> NextData(uint64_t offset) const;

 private:
  friend class SimulatedBlockReader;

  struct Unsynced {
    uint64_t offset = 0;
    Bytes bytes;
  };

  Status Put(uint64_t offset, ByteSpan bytes);
  Status ReadAt(uint64_t offset, MutableByteSpan into) const;

  mutable std::mutex mutex_;
  Bytes content_;                         // guarded by mutex_
  Bytes durable_;                         // guarded by mutex_
  std::vector<Unsynced> unsynced_;        // guarded by mutex_; in order
  std::vector<uint64_t> broken_sectors_;  // guarded by mutex_
  Status poisoned_;                       // guarded by mutex_
  mutable FaultInjector faults_;          // guarded by mutex_
};

}  // namespace varve

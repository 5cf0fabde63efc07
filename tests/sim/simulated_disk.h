// A Disk wholly in memory that knows what was synced and what was not. It can be crashed (what was
// not synced is lost, torn, reordered or garbled), made to fail at the Nth operation, frozen at the
// Nth change, filled up, and damaged byte by byte.
//
// The model, stricter than any one file system so that passing on it means passing on all:
// - Bytes of a file are durable after its Sync, its name after SyncDirectory of its directory;
//   neither implies the other. A change of a directory is atomic. A rename into another directory
//   is durable after SyncDirectory of the directory it went to.
// - A failed Sync loses for good what the file had not synced: it can still be read, a later Sync
//   says ok, and after a crash it is not there. The same holds for the changes of a directory whose
//   SyncDirectory failed, and for updates in place.
// - A failed Append may have written some of its bytes; other failed operations change nothing.
// Thread-safe. Files and names only, no symbolic links; "" and "." are the root.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "io/disk.h"
#include "sim/fault_injector.h"
#include "sim/power_loss.h"

namespace varve {

class SimulatedDisk : public Disk {
 public:
  using Observer = std::function<void(const Operation&)>;

  SimulatedDisk();

  Result<std::unique_ptr<WritableFile>> Create(const std::string& path) override;
  Result<std::unique_ptr<UpdatableFile>> OpenForUpdate(const std::string& path,
                                                       uint64_t size_bytes) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status CreateDirectory(const std::string& path) override;
  Status RemoveDirectory(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> List(const std::string& path) override;
  Result<uint64_t> Size(const std::string& path) override;
  Status Read(const std::string& path, uint64_t offset, MutableByteSpan into) override;
  Status ReadMany(std::vector<ReadRequest>& requests) override;
  Result<uint64_t> FreeBytes() override;
  void Forget(const std::string& path) override;

  // The disk as it is found after a power cut now; everything on it is durable, it has no faults,
  // and this one is left as it is.
  std::unique_ptr<SimulatedDisk> Crash(uint64_t seed, CrashMode mode) const;
  // The same disk with the same unsynced state; without faults, observer and counts.
  std::unique_ptr<SimulatedDisk> Clone() const;

  void InjectFault(Fault fault);
  void ClearFaults();
  // Lets so many more changes happen and then turns the power off: every later operation fails.
  // To crash at every change: n = 0, 1, 2… on a clone until the workload ends and frozen() is
  // false.
  void FreezeAfter(uint64_t changes);
  bool frozen() const;
  // All operations so far, and those of them that change the disk.
  uint64_t operation_count() const;
  uint64_t change_count() const;
  // Called before each operation, on the caller's thread, without a lock held.
  void SetObserver(Observer observer);
  // Appends beyond this many bytes of all files together fail with ENOSPC, short.
  void SetCapacity(uint64_t bytes);
  uint64_t used_bytes() const;

  // Damage, behind the back of whoever uses the disk, durable at once. Paths must exist.
  void FlipBit(const std::string& path, uint64_t bit);
  void Truncate(const std::string& path, uint64_t size_bytes);  // or extends, with zeros
  void ZeroSector(const std::string& path, uint64_t sector);
  void Swap(const std::string& a, const std::string& b);
  void CopyOver(const std::string& from, const std::string& to);  // `to` need not exist
  void SetContent(const std::string& path, Bytes content);        // need not exist
  void Erase(const std::string& path);
  Bytes Content(const std::string& path) const;
  bool Exists(const std::string& path) const;
  // Paths of all files, sorted.
  std::vector<std::string> AllFiles() const;

 private:
  friend class SimulatedFile;
  friend class SimulatedUpdatableFile;

  // A write in place that is not synced yet.
  struct Update {
    size_t offset = 0;
    Bytes bytes;
  };

  // A file's bytes. Shared between clones until one of them writes.
  struct File {
    std::shared_ptr<Bytes> content = std::make_shared<Bytes>();
    size_t synced = 0;                            // everything before is durable, or lost
    std::vector<size_t> appends;                  // ends of the writes since the last sync
    std::vector<std::pair<size_t, size_t>> lost;  // ranges whose sync failed
    // Of a file that is opened for update, instead of the three above: what is durable, and what
    // was written over it since, in order.
    std::optional<Bytes> durable;
    std::vector<Update> updates;

    Bytes& Writable();
  };
  // No file: a directory.
  struct Entry {
    std::shared_ptr<File> file;
  };
  using Names = std::map<std::string, Entry>;
  struct Edit {
    std::string path;
    std::optional<Entry> entry;  // none: the name goes away
  };
  struct DirectoryChange {
    std::string directory;  // whose sync makes it durable
    std::vector<Edit> edits;
    bool lost = false;  // a sync of the directory failed since
  };

  // Begins an operation: tells the observer, locks, counts, and lets it fail if it is to.
  std::unique_lock<std::mutex> Begin(OperationKind kind, const std::string& path,
                                     std::optional<Fault>* fault) const;
  Status CheckDirectory(const std::string& path, const std::string& what) const;
  Result<std::shared_ptr<File>> FindFile(const std::string& path, const std::string& what) const;
  void Change(const std::string& directory, std::vector<Edit> edits);
  static void Apply(const std::vector<Edit>& edits, Names& names);
  uint64_t UsedLocked() const;
  Status AppendTo(const std::string& path, File& file, ByteSpan bytes);
  Status ReadFrom(const std::string& path, const File& file, uint64_t offset, MutableByteSpan into);
  Status UpdateAt(const std::string& path, File& file, uint64_t offset, ByteSpan bytes);
  static void ApplyUpdate(const Update& update, Bytes& content);
  static void UpdatesAfter(const File& file, CrashMode mode, CrashRandom& random, Bytes& content);
  Status SyncFile(const std::string& path, File& file);
  std::shared_ptr<File> DamagedFile(const std::string& path);
  Names NamesAfter(CrashMode mode, CrashRandom& random) const;
  static std::shared_ptr<File> FileAfter(const File& file, CrashMode mode, CrashRandom& random);

  mutable std::mutex mutex_;
  Names names_;                            // guarded by mutex_
  Names durable_names_;                    // guarded by mutex_
  std::vector<DirectoryChange> unsynced_;  // guarded by mutex_; in order
  uint64_t capacity_ = UINT64_MAX;         // guarded by mutex_
  mutable FaultInjector faults_;           // guarded by mutex_
  Observer observer_;                      // guarded by mutex_
};

}  // namespace varve

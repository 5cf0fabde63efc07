// A writer or a reader at work, as the rest of the world knows it: its durable record (G1) and a
// lock that says that its process lives. The lock, not a clock, tells the living from the dead
// (G6): a process that sleeps for a week still holds it, one that was killed does not.
#pragma once

#include <memory>

#include "base/status.h"
#include "format/session_record.h"
#include "io/storage.h"
#include "repo/id_set.h"
#include "repo/local_state.h"

namespace varve {

// Thread-compatible. Ends in the destructor at the latest.
class Session {
 public:
  // The storage is borrowed. The record is published already.
  Session(Storage& storage, SessionRecord record, std::unique_ptr<HeldLock> alive)
      : storage_(storage), record_(std::move(record)), alive_(std::move(alive)) {}
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const SessionRecord& record() const { return record_; }
  // Where in the protocol it is. Readers' sessions know the same steps up to the work.
  WriterSteps<RepositorySets>& steps() const { return steps_; }
  // Gives up all that it pins. A record that cannot be removed is removed by the next writer or GC,
  // who find its lock free. Ending twice is fine.
  Status End();

 private:
  Storage& storage_;
  const SessionRecord record_;
  mutable WriterSteps<RepositorySets> steps_;  // where it is, not what it is
  std::unique_ptr<HeldLock> alive_;            // null once it has ended
};

std::string SessionPath(const SessionId& id);

}  // namespace varve

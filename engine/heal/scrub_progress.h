// Keeps a scrub's state in `scrub/` of the repository: every state is a new file with the next
// number; older ones go once it is durable. A damaged state is passed over; none means start anew.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "format/scrub_state.h"
#include "io/storage.h"

namespace varve {

inline constexpr const char* kScrubDirectory = "scrub";

class ScrubProgress {
 public:
  // Storage is borrowed.
  ScrubProgress(Storage& storage, const RepositoryId& repository)
      : storage_(storage), repository_(repository) {}

  // The newest state that can be read; a fresh one if there is none. `notes` gets a line for each
  // that cannot.
  Result<ScrubState> Load(std::vector<std::string>* notes);
  // Durable when it returns. Another scrub that saves meanwhile does no harm: the later one counts.
  Status Save(const ScrubState& state);

 private:
  Storage& storage_;
  const RepositoryId repository_;
};

}  // namespace varve

#include "heal/scrub_progress.h"

#include <algorithm>

namespace varve {
namespace {

// How often a name may be taken by another scrub before one gives up.
constexpr int kSaveTriesMax = 100;

std::string NumberName(uint64_t number) {
  uint8_t bytes[8];
  for (int i = 0; i < 8; ++i)
    bytes[i] = static_cast<uint8_t>(number >> (8 * (7 - i)));
  return ToHex(bytes);
}

bool ParseNumber(const std::string& name, uint64_t* number) {
  uint8_t bytes[8];
  if (!FromHex(name, bytes)) return false;
  *number = 0;
  for (const uint8_t byte : bytes)
    *number = *number << 8 | byte;
  return *number != UINT64_MAX;
}

std::string PathOf(uint64_t number) {
  return std::string(kScrubDirectory) + "/" + NumberName(number);
}

// The numbers of the states, ascending.
Result<std::vector<uint64_t>> ListNumbers(Storage& storage) {
  std::vector<uint64_t> numbers;
  const Result<std::vector<DirectoryEntry>> files = storage.List(kScrubDirectory);
  if (files.status().code() == Code::kNotFound) return numbers;
  VARVE_RETURN_IF_ERROR(files.status());
  for (const DirectoryEntry& file : *files) {
    uint64_t number = 0;
    if (ParseNumber(file.name, &number)) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

Result<ScrubState> ScrubProgress::Load(std::vector<std::string>* notes) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<uint64_t> numbers, ListNumbers(storage_));
  for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
    const std::string path = PathOf(*number);
    const Result<Bytes> bytes = storage_.ReadSmall(path, kScrubStateBytesMax);
    Result<ScrubState> state = bytes.ok() ? DecodeScrubState(path, *bytes, repository_)
                                          : Result<ScrubState>(bytes.status());
    if (state.ok()) return state;
    if (state.status().code() == Code::kNotFound) continue;  // an older one, removed just now
    notes->push_back("the progress of earlier scrubs is lost: " + state.status().message());
  }
  return ScrubState{};
}

Status ScrubProgress::Save(const ScrubState& state) {
  VARVE_RETURN_IF_ERROR(storage_.CreateDirectory(kScrubDirectory));
  const Bytes bytes = EncodeScrubState(state, repository_);
  // Ids of packs and times, no secrets: in the clear also where the repository's objects are not,
  // so that a scrub without keys goes on too.
  Storage clear(storage_.disk());
  for (int tries = 0; tries < kSaveTriesMax; ++tries) {
    VARVE_ASSIGN_OR_RETURN(const std::vector<uint64_t> older, ListNumbers(storage_));
    const Status saved = clear.Publish(PathOf(older.empty() ? 1 : older.back() + 1), bytes);
    if (saved.code() == Code::kAlreadyExists) continue;
    VARVE_RETURN_IF_ERROR(saved);
    for (const uint64_t number : older) {
      const Status removed = storage_.Remove(PathOf(number));
      if (!removed.ok() && removed.code() != Code::kNotFound) return removed;
    }
    return {};
  }
  return Busy("scrub: other scrubs take every name for the progress");
}

}  // namespace varve

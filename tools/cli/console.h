// Where a run of varve speaks: results on stdout (text for people, or JSON), everything else on
// stderr, and there a progress line while it is a terminal. Thread-safe.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "base/status.h"
#include "json_value.h"

namespace varve::cli {

class Console {
 public:
  explicit Console(bool json) : json_(json) {}

  bool json() const { return json_; }
  // Text for people, with its line ends. Not to be called when json().
  void Print(const std::string& text);
  // One document, on one line. Only when json().
  void PrintJson(const JsonValue& value);

  // What went another way than usual but well.
  void Note(const std::string& text);
  // What somebody should look at; the run ends with ExitCode::kWarnings if with nothing worse.
  void Warn(const std::string& text);
  bool warned() const { return warned_; }
  // Why the run failed; as a JSON document on stdout too when json().
  void Fail(const Status& failure, int exit_code);

  // Replaces the progress line; an empty text takes it away. Only for terminals.
  void ShowProgress(const std::string& text);
  // Io if something that was printed did not reach stdout.
  Status Flush();

 private:
  void SayLocked(const std::string& text);

  const bool json_;
  std::atomic<bool> warned_{false};
  std::mutex mutex_;
  bool progress_shown_ = false;  // guarded by mutex_
};

}  // namespace varve::cli

// Where the key of an encrypted repository comes from: a file, a descriptor, a command or a key
// file; never an argument, an environment variable or a log. A value; read when it is first needed
// and then remembered by all its copies, so that a repository can be opened again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "repo/key_slots.h"

namespace varve {

class KeySource {
 public:
  // No key at all.
  static KeySource None() { return {}; }
  // The files that VARVE_PASSPHRASE_FILE or VARVE_KEY_FILE name, for repositories that need one;
  // None if neither is set.
  static KeySource FromEnvironment();
  // The file's bytes, without one newline at the end.
  static KeySource PassphraseFile(std::string path);
  // What can be read from the descriptor until its end, likewise. It stays open.
  static KeySource PassphraseDescriptor(int fd);
  // What the command writes to its standard output, likewise. No shell: the words are its argv.
  static KeySource PassphraseCommand(std::vector<std::string> words);
  // The file's bytes as they are, 32 bytes to 64 KiB.
  static KeySource KeyFile(std::string path);

  bool given() const { return kind_ != Kind::kNone; }
  // Named for this repository, not picked up from the environment.
  bool on_purpose() const { return given() && on_purpose_; }
  // KeyRequired if the file does not exist; Denied, Io as the kernel says; InvalidArgument if it is
  // empty or too large, or if the command fails.
  Result<KeyMaterial> Read() const;

 private:
  enum class Kind { kNone, kPassphraseFile, kDescriptor, kCommand, kKeyFile };

  struct Remembered;

  static KeySource Of(Kind kind, std::string path);
  Result<Secret> ReadSecret() const;

  Kind kind_ = Kind::kNone;
  bool on_purpose_ = true;
  std::string path_;
  int fd_ = -1;
  std::vector<std::string> words_;
  std::shared_ptr<Remembered> remembered_;
};

// A command line as words: blanks separate them, '...' and "..." keep them together, a backslash
// takes the next character as it is (not inside '...'). Nothing else means anything: no variables,
// no wildcards, no pipes. InvalidArgument for an open quote or no word at all.
Result<std::vector<std::string>> SplitWords(const std::string& line);

}  // namespace varve

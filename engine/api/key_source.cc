#include "api/key_source.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <optional>

#include "io/file_descriptor.h"

extern char** environ;

namespace varve {
namespace {

// Reads to the end, at most one byte more than `size_max`, straight into locked memory.
Result<Secret> ReadAll(int fd, size_t size_max, const std::string& name) {
  Secret secret(size_max + 1);
  size_t length = 0;
  while (length < secret.size()) {
    const ssize_t got = read(fd, secret.span().data() + length, secret.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::FromErrno(errno, "read " + name);
    if (got == 0) break;
    length += static_cast<size_t>(got);
  }
  if (length > size_max) {
    return InvalidArgument(name + ": more than " + std::to_string(size_max) + " bytes");
  }
  secret.Shrink(length);
  return secret;
}

Result<Secret> ReadPassphrase(int fd, const std::string& name) {
  VARVE_ASSIGN_OR_RETURN(Secret secret, ReadAll(fd, kPassphraseBytesMax, name));
  if (!secret.empty() && secret.span().back() == '\n') secret.Shrink(secret.size() - 1);
  if (secret.empty()) return InvalidArgument(name + ": holds no passphrase");
  return secret;
}

Result<FileDescriptor> OpenFile(const std::string& path) {
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (file.valid()) return file;
  const Status failure = Status::FromErrno(errno, "open " + path);
  // NotFound would be taken for that of the repository.
  return failure.code() == Code::kNotFound ? KeyRequired(failure.message()) : failure;
}

// The process id of a command whose standard output is `output`.
Result<pid_t> Start(const std::vector<std::string>& words, int output) {
  std::vector<char*> arguments;
  for (const std::string& word : words)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t child = -1;
  const int error =
      posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return Status::FromErrno(error, "run " + words[0]);
  return child;
}

Status WaitFor(pid_t child, const std::string& name) {
  int how = 0;
  while (waitpid(child, &how, 0) < 0) {
    if (errno != EINTR) return Status::FromErrno(errno, "wait for " + name);
  }
  if (WIFEXITED(how) && WEXITSTATUS(how) == 0) return {};
  return InvalidArgument(name + (WIFEXITED(how)
                                     ? " ended with " + std::to_string(WEXITSTATUS(how))
                                     : " was killed by signal " + std::to_string(WTERMSIG(how))));
}

Result<Secret> RunCommand(const std::vector<std::string>& words) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Status::FromErrno(errno, "pipe");
  const FileDescriptor read_end(ends[0]);
  FileDescriptor write_end(ends[1]);
  // Its arguments may say more than a log should hold: messages name the program alone.
  const std::string name = "passphrase command " + words[0];
  VARVE_ASSIGN_OR_RETURN(const pid_t child, Start(words, write_end.get()));
  write_end = FileDescriptor();
  Result<Secret> secret = ReadPassphrase(read_end.get(), name);
  VARVE_RETURN_IF_ERROR(WaitFor(child, name));
  return secret;
}

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}

}  // namespace

KeySource KeySource::Of(Kind kind, std::string path) {
  KeySource source;
  source.kind_ = kind;
  source.path_ = std::move(path);
  source.remembered_ = std::make_shared<Remembered>();
  return source;
}

KeySource KeySource::FromEnvironment() {
  KeySource source;
  if (const char* path = std::getenv("VARVE_PASSPHRASE_FILE"); path != nullptr && *path != 0) {
    source = PassphraseFile(path);
  } else if (path = std::getenv("VARVE_KEY_FILE"); path != nullptr && *path != 0) {
    source = KeyFile(path);
  }
  source.on_purpose_ = false;
  return source;
}

KeySource KeySource::PassphraseFile(std::string path) {
  return Of(Kind::kPassphraseFile, std::move(path));
}

KeySource KeySource::KeyFile(std::string path) {
  return Of(Kind::kKeyFile, std::move(path));
}

KeySource KeySource::PassphraseDescriptor(int fd) {
  KeySource source = Of(Kind::kDescriptor, "descriptor " + std::to_string(fd));
  source.fd_ = fd;
  return source;
}

KeySource KeySource::PassphraseCommand(std::vector<std::string> words) {
  KeySource source = Of(Kind::kCommand, words.empty() ? "" : words[0]);
  source.words_ = std::move(words);
  return source;
}

struct KeySource::Remembered {
  std::mutex mutex;
  std::optional<Secret> secret;  // guarded by mutex
};

Result<Secret> KeySource::ReadSecret() const {
  switch (kind_) {
    case Kind::kNone:
      return KeyRequired("no passphrase and no key file was given");
    case Kind::kDescriptor:
      return ReadPassphrase(fd_, path_);
    case Kind::kCommand:
      if (words_.empty()) return InvalidArgument("the passphrase command is empty");
      return RunCommand(words_);
    case Kind::kPassphraseFile: {
      VARVE_ASSIGN_OR_RETURN(const FileDescriptor file, OpenFile(path_));
      return ReadPassphrase(file.get(), path_);
    }
    case Kind::kKeyFile: {
      VARVE_ASSIGN_OR_RETURN(const FileDescriptor file, OpenFile(path_));
      return ReadAll(file.get(), kKeyFileBytesMax, path_);
    }
  }
  return InvalidArgument("no source of a key");
}

Result<KeyMaterial> KeySource::Read() const {
  if (!given()) return ReadSecret().status();
  const std::lock_guard lock(remembered_->mutex);
  std::optional<Secret>& secret = remembered_->secret;
  if (!secret) {
    VARVE_ASSIGN_OR_RETURN(secret, ReadSecret());
  }
  return KeyMaterial{kind_ == Kind::kKeyFile ? KeyMethod::kKeyFile : KeyMethod::kPassphrase,
                     Secret::Copy(secret->span())};
}

Result<std::vector<std::string>> SplitWords(const std::string& line) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (quote == 0 && IsBlank(c)) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (quote != 0 ? c == quote : c == '\'' || c == '"') {
      quote = quote != 0 ? 0 : c;
      continue;
    }
    if (c == '\\' && quote != '\'') {
      if (++i == line.size()) return InvalidArgument("a backslash at the end of: " + line);
      c = line[i];
    }
    words.back() += c;
  }
  if (quote != 0) return InvalidArgument("an open quote in: " + line);
  if (words.empty()) return InvalidArgument("a command without any word");
  return words;
}

}  // namespace varve

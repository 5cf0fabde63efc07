#include "console.h"

#include <cerrno>
#include <cstdio>

namespace varve::cli {
namespace {

constexpr const char* kEraseLine = "\r\x1b[K";

}  // namespace

void Console::Print(const std::string& text) {
  const std::lock_guard lock(mutex_);
  std::fputs(text.c_str(), stdout);
}

void Console::PrintJson(const JsonValue& value) {
  const std::lock_guard lock(mutex_);
  std::fputs((value.Text() + "\n").c_str(), stdout);
}

void Console::SayLocked(const std::string& text) {
  if (progress_shown_) std::fputs(kEraseLine, stderr);
  progress_shown_ = false;
  std::fputs(("varve: " + text + "\n").c_str(), stderr);
}

void Console::Note(const std::string& text) {
  const std::lock_guard lock(mutex_);
  SayLocked(text);
}

void Console::Warn(const std::string& text) {
  const std::lock_guard lock(mutex_);
  warned_ = true;
  SayLocked("warning: " + text);
}

void Console::Fail(const Status& failure, int exit_code) {
  if (json_) {
    PrintJson(JsonValue::Object{
        {"error", JsonValue::Object{{"status", std::string(CodeName(failure.code()))},
                                    {"exitCode", exit_code},
                                    {"message", failure.message()}}}});
  }
  const std::lock_guard lock(mutex_);
  SayLocked(failure.message());
}

void Console::ShowProgress(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (text.empty() && !progress_shown_) return;
  std::fputs((kEraseLine + text).c_str(), stderr);
  progress_shown_ = !text.empty();
}

Status Console::Flush() {
  const std::lock_guard lock(mutex_);
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return {};
  return Status::FromErrno(errno, "write to stdout");
}

}  // namespace varve::cli

// A directory that is gone, with all that is in it, when the test is over: below $VARVE_TEST_DIR,
// or below /var/tmp (a real file system; /tmp often is not).
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/status.h"

namespace varve {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const char* const below = std::getenv("VARVE_TEST_DIR");
    path_ = std::string(below == nullptr ? "/var/tmp" : below) + "/varve-test-XXXXXX";
    VARVE_CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace varve

#include "base/random.h"

#include <sys/random.h>

#include <cerrno>

#include "base/status.h"

namespace varve {
namespace {

class SystemRandom : public Random {
 public:
  void Fill(MutableByteSpan bytes) override {
    size_t filled = 0;
    while (filled < bytes.size()) {
      const ssize_t got = getrandom(bytes.data() + filled, bytes.size() - filled, 0);
      if (got < 0 && errno == EINTR) continue;
      VARVE_CHECK(got > 0);  // getrandom(2) of an initialised pool cannot fail otherwise
      filled += static_cast<size_t>(got);
    }
  }
};

}  // namespace

Random& Random::System() {
  static SystemRandom random;
  return random;
}

}  // namespace varve

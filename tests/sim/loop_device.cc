#include "sim/loop_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

namespace varve {
namespace {

// Others may take the free device that the kernel named before we do.
constexpr int kTriesMax = 20;

}  // namespace

LoopDevice::LoopDevice(const std::string& file) {
  const auto refuse = [&](const char* what) {
    refused_ = std::string("no loop device here: ") + what + ": " + std::strerror(errno);
  };
  const FileDescriptor backing(open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (!backing.valid()) {
    refuse(file.c_str());
    return;
  }
  const FileDescriptor control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control.valid()) {
    refuse("/dev/loop-control");
    return;
  }
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) {
      refuse("LOOP_CTL_GET_FREE");
      return;
    }
    path_ = "/dev/loop" + std::to_string(number);
    FileDescriptor device(open(path_.c_str(), O_RDWR | O_CLOEXEC));
    if (!device.valid()) {
      refuse(path_.c_str());
      return;
    }
    loop_config configuration{};
    configuration.fd = static_cast<uint32_t>(backing.get());
    configuration.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (ioctl(device.get(), LOOP_CONFIGURE, &configuration) == 0) {
      held_open_ = std::move(device);
      return;
    }
    if (errno != EBUSY) {
      refuse("LOOP_CONFIGURE");
      return;
    }
  }
  refuse("always taken by others");
}

}  // namespace varve

#include "io/batch_read.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/limits.h"
#include "io/ring.h"

namespace varve {
namespace {

constexpr size_t kBatchDepth = 32;

// This thread's ring, or null where io_uring is refused (asked once per thread).
Ring* ThreadRing() {
  struct Owned {
    pid_t process = 0;
    std::unique_ptr<Ring> ring;
  };
  thread_local Owned owned;
  // A forked child (a daemon, say) must not touch the ring of its parent.
  if (owned.process != getpid()) {
    owned.process = getpid();
    auto created = Ring::Create(kBatchDepth);
    owned.ring = created.ok() ? *std::move(created) : nullptr;
  }
  return owned.ring.get();
}

std::string Describe(const std::string& path, uint64_t offset, size_t length) {
  return path + ": reading " + std::to_string(length) + " bytes at offset " +
         std::to_string(offset);
}

Status Ended(const std::string& path, uint64_t offset, size_t length, size_t done) {
  return Corruption(Describe(path, offset, length) + ": it ends at or before " +
                    std::to_string(offset + done));
}

// What is asked of the kernel for a request: its bytes, or the blocks that they lie in.
struct KernelRead {
  uint64_t offset = 0;
  MutableByteSpan into;
  size_t before = 0;  // bytes of the first block that nobody asked for
  size_t enough = 0;
};

KernelRead PlanRead(const ReadRequest& request, bool direct) {
  if (!direct) return {request.offset, request.into, 0, request.into.size()};
  const size_t before = request.offset % kDirectAlignment;
  VARVE_CHECK(request.padded &&
              reinterpret_cast<uintptr_t>(request.into.data()) % kDirectAlignment == before);
  const size_t enough = before + request.into.size();
  return {request.offset - before,
          {request.into.data() - before, RoundUp(enough, kDirectAlignment)},
          before,
          enough};
}

Status Judge(const ReadRequest& request, const KernelRead& plan, const RingCompletion& completion) {
  if (completion.error_number != 0) {
    return Status::FromErrno(completion.error_number,
                             Describe(request.path, request.offset, request.into.size()));
  }
  if (completion.done < plan.enough) {
    return Ended(request.path, request.offset, request.into.size(),
                 completion.done - std::min(completion.done, plan.before));
  }
  return OkStatus();
}

Status ReadBlocks(int fd, const ReadRequest& request) {
  const KernelRead plan = PlanRead(request, true);
  const ssize_t got =
      pread(fd, plan.into.data(), plan.into.size(), static_cast<off_t>(plan.offset));
  const RingCompletion completion{.done = got > 0 ? static_cast<size_t>(got) : 0,
                                  .error_number = got < 0 ? errno : 0};
  return Judge(request, plan, completion);
}

Status ReadOneByOne(std::span<const int> fds, std::span<ReadRequest> requests, bool direct) {
  for (size_t i = 0; i < requests.size(); ++i) {
    const ReadRequest& request = requests[i];
    if (direct) {
      VARVE_RETURN_IF_ERROR(ReadBlocks(fds[i], request));
      continue;
    }
    VARVE_RETURN_IF_ERROR(ReadExactly(fds[i], request.path, request.offset, request.into));
  }
  return OkStatus();
}

Status ReadThroughRing(Ring& ring, std::span<const int> fds, std::span<ReadRequest> requests,
                       bool direct) {
  Status first_failure;
  size_t first_failed = requests.size();
  for (size_t started = 0; started < requests.size() || ring.in_flight() > 0;) {
    while (started < requests.size() && ring.in_flight() < ring.capacity()) {
      const KernelRead plan = PlanRead(requests[started], direct);
      ring.Start({.fd = fds[started],
                  .offset = plan.offset,
                  .into = plan.into,
                  .enough = plan.enough,
                  .tag = started});
      ++started;
    }
    auto completion = ring.Wait();
    if (!completion.ok()) {
      // The memory is the caller's again when we return. The kernel refuses to wait only for wrong
      // use of the ring, and returning while it may still write would corrupt anything.
      VARVE_CHECK(ring.Drain());
      return completion.status();
    }
    const ReadRequest& request = requests[completion->tag];
    Status status = Judge(request, PlanRead(request, direct), *completion);
    if (status.ok() || completion->tag >= first_failed) continue;
    first_failed = completion->tag;
    first_failure = std::move(status);
  }
  return first_failure;
}

}  // namespace

Status ReadExactly(int fd, const std::string& path, uint64_t offset, MutableByteSpan into) {
  size_t done = 0;
  while (done < into.size()) {
    const ssize_t got =
        pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::FromErrno(errno, Describe(path, offset, into.size()));
    if (got == 0) return Ended(path, offset, into.size(), done);
    done += static_cast<size_t>(got);
  }
  return OkStatus();
}

Status ReadBatch(std::span<const int> fds, std::span<ReadRequest> requests, bool direct) {
  VARVE_CHECK(fds.size() == requests.size());
  Ring* const ring = requests.size() > 1 ? ThreadRing() : nullptr;
  if (ring == nullptr) return ReadOneByOne(fds, requests, direct);
  return ReadThroughRing(*ring, fds, requests, direct);
}

}  // namespace varve

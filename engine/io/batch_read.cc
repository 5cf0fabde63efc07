#include "io/batch_read.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

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

Status Judge(const ReadRequest& request, const RingCompletion& completion) {
  if (completion.error_number != 0) {
    return Status::FromErrno(completion.error_number,
                             Describe(request.path, request.offset, request.into.size()));
  }
  if (completion.done < request.into.size()) {
    return Ended(request.path, request.offset, request.into.size(), completion.done);
  }
  return OkStatus();
}

Status ReadOneByOne(std::span<const int> fds, std::span<ReadRequest> requests) {
  for (size_t i = 0; i < requests.size(); ++i) {
    const ReadRequest& request = requests[i];
    VARVE_RETURN_IF_ERROR(ReadExactly(fds[i], request.path, request.offset, request.into));
  }
  return OkStatus();
}

Status ReadThroughRing(Ring& ring, std::span<const int> fds, std::span<ReadRequest> requests) {
  Status first_failure;
  size_t first_failed = requests.size();
  for (size_t started = 0; started < requests.size() || ring.in_flight() > 0;) {
    while (started < requests.size() && ring.in_flight() < ring.capacity()) {
      const ReadRequest& request = requests[started];
      ring.Start({.fd = fds[started],
                  .offset = request.offset,
                  .into = request.into,
                  .enough = request.into.size(),
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
    Status status = Judge(requests[completion->tag], *completion);
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

Status ReadBatch(std::span<const int> fds, std::span<ReadRequest> requests) {
  VARVE_CHECK(fds.size() == requests.size());
  Ring* const ring = requests.size() > 1 ? ThreadRing() : nullptr;
  if (ring == nullptr) return ReadOneByOne(fds, requests);
  return ReadThroughRing(*ring, fds, requests);
}

}  // namespace varve

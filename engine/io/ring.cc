#include "io/ring.h"

#include <liburing.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>

namespace varve {
namespace {

// How often a read or a submission that the kernel puts off (EAGAIN) is tried again.
constexpr int kRetriesMax = 1000;
// The kernel transfers at most this much per read; what is beyond is a short read and goes on.
constexpr size_t kTransferMax = size_t{1} << 30;

// From the best to the plainest. A disabled ring belongs to the thread that enables it, so a reader
// can be made by one thread and used by another. No SQPOLL: it would take one of two cores.
constexpr unsigned kSetupFlags[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN |
        IORING_SETUP_R_DISABLED,                          // since 6.1
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_R_DISABLED,  // since 5.19
    IORING_SETUP_R_DISABLED,                              // since 5.10
};

}  // namespace

Ring::Ring(size_t capacity) : operations_(capacity) {
  for (size_t i = capacity; i > 0; --i)
    free_.push_back(i - 1);
}

Result<std::unique_ptr<Ring>> Ring::Create(size_t capacity) {
  VARVE_CHECK(capacity > 0);
  std::unique_ptr<Ring> ring(new Ring(capacity));
  int error = 0;
  for (const unsigned flags : kSetupFlags) {
    auto kernel_ring = std::make_unique<io_uring>();
    error = -io_uring_queue_init(static_cast<unsigned>(capacity), kernel_ring.get(), flags);
    if (error == 0) {
      ring->ring_ = std::move(kernel_ring);
      return ring;
    }
    if (error != EINVAL) break;
  }
  if (error == ENOSYS || error == EINVAL) {
    return Status(Code::kUnsupported, "io_uring: this kernel has none for us", error);
  }
  return Status::FromErrno(error, "io_uring_setup");
}

Ring::~Ring() {
  if (ring_ == nullptr) return;
  Drain();
  io_uring_queue_exit(ring_.get());
}

bool Ring::RegisterFile(int fd) {
  if (io_uring_register_files(ring_.get(), &fd, 1) != 0) return false;
  registered_fd_ = fd;
  return true;
}

bool Ring::RegisterBuffers(std::span<const MutableByteSpan> buffers) {
  std::vector<iovec> vectors;
  for (const MutableByteSpan& buffer : buffers)
    vectors.push_back({buffer.data(), buffer.size()});
  return io_uring_register_buffers(ring_.get(), vectors.data(),
                                   static_cast<unsigned>(vectors.size())) == 0;
}

void Ring::Start(const RingRead& read) {
  VARVE_CHECK(!free_.empty());
  const size_t index = free_.back();
  free_.pop_back();
  operations_[index] = Operation{.read = read, .done = 0, .retries = 0};
  Queue(index);
}

void Ring::Queue(size_t index) {
  const Operation& operation = operations_[index];
  const RingRead& read = operation.read;
  io_uring_sqe* const entry = io_uring_get_sqe(ring_.get());
  VARVE_CHECK(entry != nullptr);  // as many entries as operations
  const bool registered = read.fd == registered_fd_;
  const int fd = registered ? 0 : read.fd;
  uint8_t* const to = read.into.data() + operation.done;
  const auto length =
      static_cast<unsigned>(std::min(read.into.size() - operation.done, kTransferMax));
  const uint64_t offset = read.offset + operation.done;
  if (read.buffer >= 0) {
    io_uring_prep_read_fixed(entry, fd, to, length, offset, read.buffer);
  } else {
    io_uring_prep_read(entry, fd, to, length, offset);
  }
  if (registered) io_uring_sqe_set_flags(entry, IOSQE_FIXED_FILE);
  io_uring_sqe_set_data64(entry, index);
}

Status Ring::Submit() {
  return Enter(0);
}

Status Ring::Enter(unsigned wait_for) {
  if (!enabled_) {
    // io_uring_enable_rings itself is missing from the symbols of liburing.so 2.3.
    const int error = -io_uring_register(static_cast<unsigned>(ring_->ring_fd),
                                         IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    if (error != 0) return Status::FromErrno(error, "io_uring_register");
    enabled_ = true;
  }
  for (int retries = 0;; ++retries) {
    const int result = wait_for == 0 ? io_uring_submit(ring_.get())
                                     : io_uring_submit_and_wait(ring_.get(), wait_for);
    const bool all_taken = io_uring_sq_ready(ring_.get()) == 0;
    if (result >= 0 && all_taken) return OkStatus();
    if (result == -EINTR) continue;
    if (wait_for != 0 && io_uring_cq_ready(ring_.get()) != 0) return OkStatus();
    // EAGAIN: no memory for a request at the moment. EBUSY: completions have to be taken first.
    if (result == -EBUSY && wait_for == 0) return OkStatus();
    if (result < 0 && result != -EAGAIN) return Status::FromErrno(-result, "io_uring_enter");
    if (retries >= kRetriesMax) return Status::FromErrno(EAGAIN, "io_uring_enter");
    sched_yield();
  }
}

Result<RingCompletion> Ring::Wait() {
  VARVE_CHECK(in_flight() > 0);
  for (;;) {
    io_uring_cqe* event = nullptr;
    if (io_uring_peek_cqe(ring_.get(), &event) != 0 || event == nullptr) {
      VARVE_RETURN_IF_ERROR(Enter(1));
      continue;
    }
    const io_uring_cqe copy = *event;
    io_uring_cqe_seen(ring_.get(), event);
    RingCompletion completion;
    if (Advance(copy, &completion)) return completion;
  }
}

bool Ring::Advance(const io_uring_cqe& event, RingCompletion* completion) {
  const auto index = static_cast<size_t>(event.user_data);
  Operation& operation = operations_[index];
  int error = 0;
  bool again = false;
  if (event.res < 0) {
    error = -event.res;
    again = (error == EINTR || error == EAGAIN) && ++operation.retries <= kRetriesMax;
  } else {
    operation.done += static_cast<size_t>(event.res);
    again = event.res > 0 && operation.done < operation.read.enough;
  }
  if (again) {
    Queue(index);
    return false;
  }
  *completion = {.tag = operation.read.tag, .done = operation.done, .error_number = error};
  free_.push_back(index);
  return true;
}

bool Ring::Drain() {
  while (in_flight() > 0) {
    // `enough` of nothing: what comes back short is not asked for again.
    for (Operation& operation : operations_)
      operation.read.enough = 0;
    if (!Wait().ok()) return false;
  }
  return true;
}

}  // namespace varve

// io_uring, narrowed to what varve needs of it: many reads in flight on one thread. ring.cc is the
// only file that knows liburing.
//
// A read is completed once: short reads and interrupted ones are submitted again here, so a
// completion means that all bytes are there, or that the file ended, or that the kernel refused.
// One thread: the one of the first Submit or Wait (the ring may be created and filled with
// registrations by another).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

struct io_uring;
struct io_uring_cqe;

namespace varve {

struct RingRead {
  int fd = -1;
  uint64_t offset = 0;
  // The kernel's until the completion.
  MutableByteSpan into;
  // This many bytes are enough: at the end of a file O_DIRECT asks for a whole block and gets less.
  size_t enough = 0;
  // The registered buffer that contains `into`, or -1.
  int buffer = -1;
  // Comes back in the completion.
  uint64_t tag = 0;
};

struct RingCompletion {
  uint64_t tag = 0;
  // Bytes that were read. Less than `enough` if the file ended there or error_number is not 0.
  size_t done = 0;
  // Of the read that would have continued at offset + done; 0 if none failed.
  int error_number = 0;
};

class Ring {
 public:
  // Denied or Unsupported where the kernel (or a sandbox around us) has no io_uring for us.
  static Result<std::unique_ptr<Ring>> Create(size_t capacity);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // Both only save the kernel work; where it refuses (MEMLOCK) reads go on without. Before any
  // Start. RegisterFile: reads of `fd` use the registration by themselves.
  bool RegisterFile(int fd);
  bool RegisterBuffers(std::span<const MutableByteSpan> buffers);

  // Queues a read; at most capacity() may be in flight.
  void Start(const RingRead& read);
  // Hands all queued reads to the kernel.
  Status Submit();
  // The next completion, of any read; something must be in flight.
  Result<RingCompletion> Wait();
  // Waits for everything in flight and forgets it. False if the kernel does not let this thread
  // wait: the memory of the reads must then never be reused.
  bool Drain();

  size_t capacity() const { return operations_.size(); }
  size_t in_flight() const { return operations_.size() - free_.size(); }

 private:
  struct Operation {
    RingRead read;
    size_t done = 0;
    int retries = 0;
  };

  explicit Ring(size_t capacity);
  Status Enter(unsigned wait_for);
  void Queue(size_t index);
  // True if the operation is over and `completion` tells how.
  bool Advance(const io_uring_cqe& event, RingCompletion* completion);

  std::unique_ptr<io_uring> ring_;  // null until the kernel gave one
  bool enabled_ = false;
  int registered_fd_ = -1;
  std::vector<Operation> operations_;
  std::vector<size_t> free_;
};

}  // namespace varve

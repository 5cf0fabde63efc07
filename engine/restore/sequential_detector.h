// Finds sequential readers in a stream of reads and says what to read ahead for them. Several may
// run at once, in different places; reads of one may arrive a little out of order, because kernels
// and clients keep many in flight. A pure value: no clock, no I/O. Thread-compatible.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace varve {

class SequentialDetector {
 public:
  struct Range {
    uint64_t begin = 0;
    uint64_t end = 0;  // exclusive
    friend bool operator==(const Range&, const Range&) = default;
  };

  // Volumes end at `size_bytes`. All streams together are read ahead by at most `ahead_bytes_max`.
  SequentialDetector(uint64_t size_bytes, uint64_t ahead_bytes_max)
      : size_bytes_(size_bytes), ahead_bytes_max_(ahead_bytes_max) {}

  // Notes a read. What to read ahead because of it, if anything; no byte is named twice for one
  // stream.
  std::optional<Range> Note(uint64_t offset, uint64_t length);

 private:
  struct Stream {
    uint64_t next = 0;       // where it goes on
    uint64_t run = 0;        // bytes that came one after the other
    uint64_t window = 0;     // how far it is read ahead
    uint64_t ahead_end = 0;  // up to where that was asked for
    uint64_t last_use = 0;   // 0: an unused place
  };
  static bool IsSequential(const Stream& stream);
  static bool Continues(const Stream& stream, uint64_t offset);
  Stream& StreamOf(uint64_t offset);
  uint64_t WindowMax() const;

  static constexpr size_t kStreams = 16;
  const uint64_t size_bytes_;
  const uint64_t ahead_bytes_max_;
  uint64_t now_ = 0;  // counts reads
  std::array<Stream, kStreams> streams_;
};

}  // namespace varve

#include "io/uring_block_reader.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/limits.h"
#include "io/aligned_buffer.h"
#include "io/pread_block_reader.h"
#include "io/ring.h"

namespace varve {
namespace {

class UringBlockReader : public BlockReader {
 public:
  UringBlockReader(VolumeFile file, uint64_t size_bytes, const BlockReaderOptions& options,
                   std::unique_ptr<Ring> ring)
      : file_(std::move(file)),
        size_bytes_(size_bytes),
        slot_bytes_(options.slot_bytes),
        runs_max_(options.runs_max),
        ring_(std::move(ring)) {
    std::vector<MutableByteSpan> buffers;
    for (size_t i = 0; i < options.slots; ++i) {
      slots_.push_back({.buffer = AlignedBuffer(options.slot_bytes)});
      buffers.push_back(slots_.back().buffer.span());
    }
    ring_->RegisterFile(file_.direct_fd);
    registered_buffers_ = ring_->RegisterBuffers(buffers);
  }

  ~UringBlockReader() override {
    if (ring_->Drain()) return;
    // The kernel may still write into the slots: their memory is given up rather than reused.
    for (Slot& slot : slots_)
      new AlignedBuffer(std::move(slot.buffer));  // NOLINT
  }

  Status Start(size_t slot, uint64_t offset, size_t length) override {
    const BlockRun run{offset, length};
    return StartRuns(slot, {&run, 1});
  }
  Status StartRuns(size_t slot, std::span<const BlockRun> runs) override;
  Result<ByteSpan> Wait(size_t slot) override;
  std::string Name() const override { return "io_uring"; }

 private:
  struct Slot {
    AlignedBuffer buffer;
    uint64_t offset = 0;             // in the volume, of the slot's first byte
    std::vector<BlockRun> requests;  // each of at most kReadSize
    size_t pending = 0;              // requests in flight
    bool started = false;
    Status error;               // the one at the lowest offset
    uint64_t error_offset = 0;  // of the request it belongs to
  };

  static MutableByteSpan RequestMemory(Slot& slot, const BlockRun& request) {
    return slot.buffer.span().subspan(request.offset - slot.offset,
                                      RoundUp(request.length, kDirectAlignment));
  }
  void Complete(const RingCompletion& completion);

  const VolumeFile file_;
  const uint64_t size_bytes_;
  const size_t slot_bytes_;
  const size_t runs_max_;
  bool registered_buffers_ = false;
  std::vector<Slot> slots_;
  std::unique_ptr<Ring> ring_;  // destroyed before the memory it reads into
};

Status UringBlockReader::StartRuns(size_t slot, std::span<const BlockRun> runs) {
  VARVE_CHECK(slot < slots_.size() && !slots_[slot].started);
  VARVE_CHECK(runs.size() <= runs_max_);
  VARVE_RETURN_IF_ERROR(CheckBlockRuns(file_.name, size_bytes_, slot_bytes_, runs));
  Slot& range = slots_[slot];
  range.offset = runs.front().offset;
  range.requests.clear();
  for (const BlockRun& run : runs) {
    for (size_t done = 0; done < run.length; done += kReadSize) {
      range.requests.push_back({run.offset + done, std::min<size_t>(run.length - done, kReadSize)});
    }
  }
  range.started = true;
  range.error = OkStatus();
  range.pending = range.requests.size();
  for (size_t i = 0; i < range.requests.size(); ++i) {
    const BlockRun& request = range.requests[i];
    ring_->Start({.fd = file_.direct_fd,
                  .offset = request.offset,
                  .into = RequestMemory(range, request),
                  .enough = request.length,
                  .buffer = registered_buffers_ ? static_cast<int>(slot) : -1,
                  .tag = uint64_t{slot} << 32 | i});
  }
  return ring_->Submit().WithContext(file_.name);
}

Result<ByteSpan> UringBlockReader::Wait(size_t slot) {
  VARVE_CHECK(slot < slots_.size() && slots_[slot].started);
  Slot& range = slots_[slot];
  // Even after an error all requests come back first: their memory is about to be reused.
  while (range.pending > 0) {
    auto completion = ring_->Wait();
    if (!completion.ok()) return completion.status().WithContext(file_.name);
    Complete(*completion);
  }
  range.started = false;
  if (!range.error.ok()) return range.error;
  size_t length = 0;  // of an empty range there is no request
  if (!range.requests.empty()) {
    length = range.requests.back().offset + range.requests.back().length - range.offset;
  }
  return ByteSpan(range.buffer.span()).first(length);
}

void UringBlockReader::Complete(const RingCompletion& completion) {
  Slot& slot = slots_[completion.tag >> 32];
  const auto index = static_cast<size_t>(completion.tag & UINT32_MAX);
  const uint64_t offset = slot.requests[index].offset;
  const size_t wanted = slot.requests[index].length;
  --slot.pending;
  if (completion.done >= wanted) return;
  Status failure;
  if (completion.error_number == 0) {
    failure = EndedEarly(file_, offset, wanted, completion.done);
  } else if (completion.error_number == EINVAL || completion.error_number == EOPNOTSUPP) {
    // O_DIRECT does not like this piece (a ragged end, a remainder after a short read).
    failure = ReadVolumeRange(file_, offset, RequestMemory(slot, slot.requests[index]), wanted,
                              completion.done);
  } else {
    failure = ReadFailed(file_, offset, wanted, completion.done, completion.error_number);
  }
  if (failure.ok() || (!slot.error.ok() && slot.error_offset < offset)) return;
  slot.error = std::move(failure);
  slot.error_offset = offset;
}

}  // namespace

Result<std::unique_ptr<BlockReader>> NewUringBlockReader(const VolumeFile& file,
                                                         uint64_t size_bytes,
                                                         const BlockReaderOptions& options) {
  const size_t requests =
      options.slots * (DivideUp(options.slot_bytes, kReadSize) + options.runs_max - 1);
  VARVE_ASSIGN_OR_RETURN(std::unique_ptr<Ring> ring, Ring::Create(requests));
  return std::unique_ptr<BlockReader>(
      std::make_unique<UringBlockReader>(file, size_bytes, options, std::move(ring)));
}

}  // namespace varve

// A set of a volume's 4 KiB blocks: one bit each, in pages that exist only where something is, and
// need no bits where everything is. 32 MiB per TiB at worst. Thread-compatible value.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace varve {

inline constexpr uint64_t kOverlayBlock = 4096;

struct BlockRange {
  uint64_t begin = 0;
  uint64_t end = 0;  // exclusive
  friend bool operator==(const BlockRange&, const BlockRange&) = default;
};

class BlockMap {
 public:
  bool Contains(uint64_t block) const;
  void Add(BlockRange blocks);
  void Add(const BlockMap& other) {
    for (const BlockRange& range : other.Ranges())
      Add(range);
  }
  // Where the run that holds `block` ends: the first block after it that is in the set when this
  // one is not, or the other way round; at most `limit`.
  uint64_t RunEnd(uint64_t block, uint64_t limit) const;
  // The set as maximal ranges, ascending.
  std::vector<BlockRange> Ranges() const;
  uint64_t count() const { return count_; }
  bool empty() const { return count_ == 0; }

 private:
  static constexpr uint64_t kPageBlocks = 32768;
  using Bits = std::array<uint64_t, kPageBlocks / 64>;
  struct Page {
    std::unique_ptr<Bits> bits;  // null when all blocks are in the set
    uint64_t count = 0;
    bool Contains(uint64_t at) const { return !bits || ((*bits)[at / 64] >> (at % 64) & 1) != 0; }
    uint64_t RunEnd(uint64_t at) const;
  };

  void AddToPage(uint64_t page, uint64_t begin, uint64_t end);

  std::map<uint64_t, Page> pages_;
  uint64_t count_ = 0;
};

}  // namespace varve

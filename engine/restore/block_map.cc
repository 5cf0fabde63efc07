#include "restore/block_map.h"

#include <algorithm>
#include <bit>

namespace varve {

bool BlockMap::Contains(uint64_t block) const {
  const auto found = pages_.find(block / kPageBlocks);
  return found != pages_.end() && found->second.Contains(block % kPageBlocks);
}

void BlockMap::Add(BlockRange blocks) {
  while (blocks.begin < blocks.end) {
    const uint64_t page = blocks.begin / kPageBlocks;
    const uint64_t page_begin = page * kPageBlocks;
    const uint64_t end = std::min(blocks.end, page_begin + kPageBlocks);
    AddToPage(page, blocks.begin - page_begin, end - page_begin);
    blocks.begin = end;
  }
}

void BlockMap::AddToPage(uint64_t page_index, uint64_t begin, uint64_t end) {
  const auto [found, is_new] = pages_.try_emplace(page_index);
  Page& page = found->second;
  if (is_new) page.bits = std::make_unique<Bits>();
  if (!page.bits) return;  // all of it is there
  uint64_t added = 0;
  for (uint64_t at = begin; at < end;) {
    const uint64_t word_end = std::min(at / 64 * 64 + 64, end);
    const uint64_t width = word_end - at;
    const uint64_t mask = (width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1) << at % 64;
    uint64_t& word = (*page.bits)[at / 64];
    added += static_cast<uint64_t>(std::popcount(mask & ~word));
    word |= mask;
    at = word_end;
  }
  count_ += added;
  page.count += added;
  if (page.count == kPageBlocks) page.bits = nullptr;
}

uint64_t BlockMap::Page::RunEnd(uint64_t at) const {
  if (!bits) return kPageBlocks;
  const bool inside = Contains(at);
  while (at < kPageBlocks) {
    uint64_t others = (*bits)[at / 64];
    if (inside) others = ~others;
    others >>= at % 64;
    if (others != 0) return at + static_cast<uint64_t>(std::countr_zero(others));
    at = at / 64 * 64 + 64;
  }
  return kPageBlocks;
}

uint64_t BlockMap::RunEnd(uint64_t block, uint64_t limit) const {
  const bool inside = Contains(block);
  auto page = pages_.lower_bound(block / kPageBlocks);
  while (block < limit) {
    const uint64_t index = block / kPageBlocks;
    if (page == pages_.end() || page->first != index) {  // none of this page's blocks are there
      if (inside) return block;
      if (page == pages_.end()) return limit;
      block = page->first * kPageBlocks;
      continue;
    }
    if (page->second.Contains(block % kPageBlocks) != inside) break;
    const uint64_t end = page->second.RunEnd(block % kPageBlocks);
    block = index * kPageBlocks + end;
    if (end < kPageBlocks) break;
    ++page;
  }
  return std::min(block, limit);
}

std::vector<BlockRange> BlockMap::Ranges() const {
  std::vector<BlockRange> ranges;
  for (const auto& [index, page] : pages_) {
    const uint64_t first = index * kPageBlocks;
    for (uint64_t at = 0; at < kPageBlocks;) {
      const uint64_t end = page.RunEnd(at);
      if (page.Contains(at)) {
        if (!ranges.empty() && ranges.back().end == first + at) {
          ranges.back().end = first + end;
        } else {
          ranges.push_back({first + at, first + end});
        }
      }
      at = end;
    }
  }
  return ranges;
}

}  // namespace varve

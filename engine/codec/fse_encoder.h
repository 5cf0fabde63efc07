// Finite state entropy coding as in zstd's format (RFC 8878, 4.1): the encoder's table, its
// description for the decoder, and the state that walks it.
// Thread-compatible; nothing is allocated.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "codec/bit_writer.h"

namespace varve {

class FseEncoder {
 public:
  static constexpr unsigned kLogMin = 5;
  static constexpr unsigned kLogMax = 9;
  static constexpr size_t kSymbolsMax = 64;
  // Of a description: at most 10 bits a symbol, and the log.
  static constexpr size_t kDescriptionBytesMax = 96;

  // The shares of the table that symbols get, of 1 << log together; -1 is the format's "less than
  // one", which takes one.
  using Shares = std::array<int16_t, kSymbolsMax>;

  // Shares in proportion to the counts: at least 1 for each that is not 0, of which there must be
  // two, and no more than the table has room for.
  static Shares Normalize(std::span<const uint32_t> counts, unsigned log);
  // How large a table pays for `total` symbols of which the last is `symbol_max`.
  static unsigned ChooseLog(size_t total, unsigned symbol_max, unsigned log_max);
  // Writes what a decoder needs and returns its length. Shares of -1 are not for it.
  static size_t WriteDescription(const Shares& shares, unsigned symbol_max, unsigned log,
                                 uint8_t* to);

  void Build(const Shares& shares, unsigned symbol_max, unsigned log);
  // The table of the one symbol that everything is: it takes no bits.
  void BuildRepeated(unsigned symbol);

  // The encoder goes from the last symbol to the first.
  class State {
   public:
    State(const FseEncoder& table, unsigned last_symbol) : table_(table) {
      const Transition& transition = table_.transitions_[last_symbol];
      const uint32_t bits = (transition.bits_offset + (1u << 15)) >> 16;
      const uint32_t value = (bits << 16) - transition.bits_offset;
      value_ = table_.states_[static_cast<size_t>(static_cast<int32_t>(value >> bits) +
                                                  transition.state_offset)];
    }
    // At most kLogMax bits.
    void Encode(unsigned symbol, BitWriter* to) {
      const Transition& transition = table_.transitions_[symbol];
      const uint32_t bits = (value_ + transition.bits_offset) >> 16;
      to->Add(value_ & ((1u << bits) - 1), bits);
      value_ = table_.states_[static_cast<size_t>(static_cast<int32_t>(value_ >> bits) +
                                                  transition.state_offset)];
    }
    void Finish(BitWriter* to) const { to->Add(value_ & ((1u << table_.log_) - 1), table_.log_); }

   private:
    const FseEncoder& table_;
    uint32_t value_;
  };

 private:
  // How a symbol leads from a state to the next: the number of bits to write is the upper half of
  // state + bits_offset, and the next state is the one at (state >> bits) + state_offset.
  struct Transition {
    uint32_t bits_offset = 0;
    int32_t state_offset = 0;
  };

  unsigned log_ = 0;
  std::array<uint16_t, size_t{1} << kLogMax> states_{};
  std::array<Transition, kSymbolsMax> transitions_{};
};

}  // namespace varve

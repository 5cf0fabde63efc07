#include "codec/sequence_encoder.h"

#include <algorithm>
#include <bit>

#include "base/status.h"
#include "codec/bit_writer.h"

namespace varve {
namespace {

// RFC 8878, 3.1.1.3.2.1.1: small lengths are their own codes; larger ones share a code and say
// where in its range they are with additional bits.
constexpr unsigned kLiteralsCodeMax = 35;
constexpr unsigned kMatchCodeMax = 52;
constexpr unsigned kLiteralsCodesExact = 16;  // codes below have no additional bits
constexpr unsigned kMatchCodesExact = 32;
constexpr uint32_t kMatchBase = 3;

constexpr std::array<uint8_t, kLiteralsCodeMax + 1> kLiteralsBits = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  1,  1,
    1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
constexpr std::array<uint8_t, kMatchCodeMax + 1> kMatchBits = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  0, 0,
    0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

// The code of every length below 64 and below 128; beyond, the highest bit tells.
template <size_t kSize, size_t kCodes>
constexpr std::array<uint8_t, kSize> ShortCodes(const std::array<uint8_t, kCodes>& bits) {
  std::array<uint8_t, kSize> codes{};
  size_t length = 0;
  for (size_t code = 0; length < kSize; ++code) {
    for (size_t i = 0; i < size_t{1} << bits[code] && length < kSize; ++i)
      codes[length++] = static_cast<uint8_t>(code);
  }
  return codes;
}
constexpr auto kLiteralsCodes = ShortCodes<64>(kLiteralsBits);
constexpr auto kMatchCodes = ShortCodes<128>(kMatchBits);
static_assert(kLiteralsCodes[63] == 24 && kMatchCodes[127] == 42);

unsigned HighestBit(uint32_t value) {
  return 31u - static_cast<unsigned>(std::countl_zero(value));
}
uint8_t LiteralsCode(uint32_t length) {
  return length < 64 ? kLiteralsCodes[length] : static_cast<uint8_t>(HighestBit(length) + 19);
}
// Of the length less kMatchBase.
uint8_t MatchCode(uint32_t length) {
  return length < 128 ? kMatchCodes[length] : static_cast<uint8_t>(HighestBit(length) + 36);
}

// The tables that every decoder knows (RFC 8878, 3.1.1.3.2.2).
constexpr FseEncoder::Shares kLiteralsShares = {4, 3, 2, 2, 2, 2, 2, 2, 2,  2,  2,  2,
                                                2, 1, 1, 1, 2, 2, 2, 2, 2,  2,  2,  2,
                                                2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1};
constexpr FseEncoder::Shares kMatchShares = {
    1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,  1,  1,  1,  1,  1,  1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1};
constexpr FseEncoder::Shares kOffsetShares = {1, 1, 1, 1, 1, 1, 2, 2, 2, 1,  1,  1,  1,  1, 1,
                                              1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1};

// How a section says what a table is.
constexpr unsigned kPredefined = 0;
constexpr unsigned kRepeated = 1;
constexpr unsigned kDescribed = 2;
// Fewer sequences do not pay for descriptions.
constexpr size_t kDescribedMin = 40;

using CodeCounts = std::array<uint32_t, FseEncoder::kSymbolsMax>;

struct TableKind {
  const FseEncoder::Shares& predefined;
  unsigned predefined_symbol_max;
  unsigned predefined_log;
  unsigned log_max;
};
constexpr TableKind kLiteralsKind = {kLiteralsShares, kLiteralsCodeMax, 6, 9};
constexpr TableKind kOffsetKind = {kOffsetShares, 28, 5, 8};
constexpr TableKind kMatchKind = {kMatchShares, kMatchCodeMax, 6, 9};

// Builds the table that suits the counts, writes its description and says what kind it is.
unsigned BuildTable(const TableKind& kind, const CodeCounts& counts, size_t total,
                    FseEncoder* table, uint8_t** next) {
  unsigned symbol_max = FseEncoder::kSymbolsMax - 1;
  while (counts[symbol_max] == 0)
    --symbol_max;
  if (counts[symbol_max] == total) {
    table->BuildRepeated(symbol_max);
    *(*next)++ = static_cast<uint8_t>(symbol_max);
    return kRepeated;
  }
  if (total < kDescribedMin) {
    table->Build(kind.predefined, kind.predefined_symbol_max, kind.predefined_log);
    return kPredefined;
  }
  const unsigned log = FseEncoder::ChooseLog(total, symbol_max, kind.log_max);
  const FseEncoder::Shares shares =
      FseEncoder::Normalize(std::span(counts).first(symbol_max + 1), log);
  *next += FseEncoder::WriteDescription(shares, symbol_max, log, *next);
  table->Build(shares, symbol_max, log);
  return kDescribed;
}

uint8_t* WriteCount(size_t count, uint8_t* to) {
  if (count < 128) {
    *to++ = static_cast<uint8_t>(count);
  } else if (count < 0x7f00) {
    *to++ = static_cast<uint8_t>(0x80 | count >> 8);
    *to++ = static_cast<uint8_t>(count);
  } else {
    *to++ = 0xff;
    StoreLe(to, static_cast<uint16_t>(count - 0x7f00));
    to += 2;
  }
  return to;
}

}  // namespace

void SequenceEncoder::FindCodes(std::span<const Sequence> sequences) {
  literals_counts_ = {};
  match_counts_ = {};
  offset_counts_ = {};
  for (size_t i = 0; i < sequences.size(); ++i) {
    const Sequence& sequence = sequences[i];
    const Codes codes = {LiteralsCode(sequence.literal_length),
                         MatchCode(sequence.match_length - kMatchBase),
                         static_cast<uint8_t>(HighestBit(sequence.offset_value))};
    codes_[i] = codes;
    ++literals_counts_[codes.literals];
    ++match_counts_[codes.match];
    ++offset_counts_[codes.offset];
  }
}

// From the last sequence to the first, because decoders begin at the end.
size_t SequenceEncoder::WriteStream(std::span<const Sequence> sequences, uint8_t* to) const {
  BitWriter writer(to);
  const auto add_lengths = [&](const Codes& codes, const Sequence& sequence) {
    const unsigned literals_bits = kLiteralsBits[codes.literals];
    writer.Add(sequence.literal_length & ((1u << literals_bits) - 1), literals_bits);
    const unsigned match_bits = kMatchBits[codes.match];
    writer.Add((sequence.match_length - kMatchBase) & ((1u << match_bits) - 1), match_bits);
  };
  const auto add_offset = [&](const Codes& codes, const Sequence& sequence) {
    writer.Add(sequence.offset_value ^ 1u << codes.offset, codes.offset);
  };
  size_t i = sequences.size() - 1;
  FseEncoder::State match(match_table_, codes_[i].match);
  FseEncoder::State offset(offset_table_, codes_[i].offset);
  FseEncoder::State literals(literals_table_, codes_[i].literals);
  add_lengths(codes_[i], sequences[i]);
  writer.Flush();
  add_offset(codes_[i], sequences[i]);
  writer.Flush();
  while (i-- > 0) {
    const Codes codes = codes_[i];
    offset.Encode(codes.offset, &writer);
    match.Encode(codes.match, &writer);
    literals.Encode(codes.literals, &writer);
    if (codes.literals >= kLiteralsCodesExact || codes.match >= kMatchCodesExact) {
      writer.Flush();
      add_lengths(codes, sequences[i]);
      writer.Flush();
    }
    add_offset(codes, sequences[i]);
    writer.Flush();
  }
  match.Finish(&writer);
  offset.Finish(&writer);
  literals.Finish(&writer);
  writer.Flush();
  return writer.Finish();
}

size_t SequenceEncoder::Encode(std::span<const Sequence> sequences, uint8_t* to) {
  VARVE_CHECK(sequences.size() <= kSequencesMax);
  uint8_t* next = WriteCount(sequences.size(), to);
  if (sequences.empty()) return static_cast<size_t>(next - to);
  FindCodes(sequences);
  uint8_t* const kinds = next++;
  const size_t total = sequences.size();
  const unsigned literals =
      BuildTable(kLiteralsKind, literals_counts_, total, &literals_table_, &next);
  const unsigned offset = BuildTable(kOffsetKind, offset_counts_, total, &offset_table_, &next);
  const unsigned match = BuildTable(kMatchKind, match_counts_, total, &match_table_, &next);
  *kinds = static_cast<uint8_t>(literals << 6 | offset << 4 | match << 2);
  next += WriteStream(sequences, next);
  return static_cast<size_t>(next - to);
}

}  // namespace varve

#include "codec/literals_encoder.h"

#include <algorithm>

#include "codec/bit_writer.h"

namespace varve {
namespace {

// Fewer do not pay for a description.
constexpr size_t kCodedLiteralsMin = 64;
// Of many literals, what is looked at to tell whether coding them would pay.
constexpr size_t kSampleBytes = 2048;
// When a quarter of the literals is counted for all, and how many bytes may be missing in it.
constexpr size_t kQuarterMin = 8192;
constexpr ptrdiff_t kMissingMax = 8;
// Coded literals are read at a fraction of the speed of plain ones: they must save one byte of so
// many.
constexpr size_t kGainMin = 64;

// Counts 8 bytes of every `stride`, or all.
HuffmanCode::Counts CountBytes(ByteSpan bytes, size_t stride) {
  // Four tables: a byte that repeats need not wait for its own last count.
  std::array<HuffmanCode::Counts, 4> parts{};
  const auto count_word = [&](uint32_t word) {
    ++parts[0][word & 255];
    ++parts[1][word >> 8 & 255];
    ++parts[2][word >> 16 & 255];
    ++parts[3][word >> 24];
  };
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += stride) {
    const auto word = LoadLe<uint64_t>(bytes.data() + i);
    count_word(static_cast<uint32_t>(word));
    count_word(static_cast<uint32_t>(word >> 32));
  }
  for (; i < bytes.size(); ++i)
    ++parts[0][bytes[i]];
  for (size_t byte = 0; byte < 256; ++byte)
    parts[0][byte] += parts[1][byte] + parts[2][byte] + parts[3][byte];
  return parts[0];
}

// Counts that a code may be made from: each byte that occurs has one. Where a quarter of many
// literals has nearly every byte, it says enough about the rest.
HuffmanCode::Counts CountLiterals(ByteSpan literals) {
  if (literals.size() >= kQuarterMin) {
    HuffmanCode::Counts counts = CountBytes(literals, 32);
    if (std::count(counts.begin(), counts.end(), 0u) <= kMissingMax) {
      for (uint32_t& count : counts)
        count = 4 * count + 1;
      return counts;
    }
  }
  return CountBytes(literals, 8);
}

// Whether some bytes are more frequent than others, by a sample. The chance that two bytes are the
// same is 1/256 when all values are equally frequent; 1.6 times as much goes with a saving of about
// 5 % (the loss of entropy in bits is about (256 * chance - 1) / (2 ln 2) of 8). Coding them would
// take a quarter of the time of the whole chunk, and more when they are read.
bool LooksUneven(ByteSpan bytes) {
  std::array<uint16_t, 256> counts{};
  const size_t step = bytes.size() / kSampleBytes;
  uint64_t same = 0;  // pairs of equal bytes
  for (size_t i = 0; i < kSampleBytes; ++i)
    same += counts[bytes[i * step]]++;
  return same * 2 * 256 * 10 > kSampleBytes * (kSampleBytes - 1) * 16;
}

// Kinds of literals sections.
constexpr unsigned kPlain = 0;
constexpr unsigned kRepeated = 1;
constexpr unsigned kCoded = 2;

size_t WritePlainHeader(unsigned kind, size_t length, uint8_t* to) {
  if (length < 32) {
    to[0] = static_cast<uint8_t>(kind | length << 3);
    return 1;
  }
  if (length < 4096) {
    StoreLe(to, static_cast<uint16_t>(kind | 1u << 2 | length << 4));
    return 2;
  }
  StoreLe(to, static_cast<uint32_t>(kind | 3u << 2 | length << 4));
  return 3;
}

size_t WritePlain(ByteSpan literals, uint8_t* to) {
  const size_t header_bytes = WritePlainHeader(kPlain, literals.size(), to);
  std::memcpy(to + header_bytes, literals.data(), literals.size());
  return header_bytes + literals.size();
}

size_t CodedHeaderBytes(size_t length) {
  return length < 1024 ? 3 : length < 16384 ? 4 : 5;
}

// Always four streams.
void WriteCodedHeader(size_t length, size_t coded_length, uint8_t* to) {
  const size_t header_bytes = CodedHeaderBytes(length);
  const unsigned format = static_cast<unsigned>(header_bytes) - 2;
  const unsigned length_bits = header_bytes == 3 ? 10 : header_bytes == 4 ? 14 : 18;
  const uint64_t header =
      kCoded | format << 2 | uint64_t{length} << 4 | uint64_t{coded_length} << (4 + length_bits);
  std::memcpy(to, &header, header_bytes);
}

// Behind the header: the streams, after the lengths of all but the last.
size_t WriteStreams(const HuffmanCode& code, ByteSpan literals, uint8_t* to) {
  const size_t quarter = DivideUp(literals.size(), 4);
  size_t length = 6;
  for (size_t k = 0; k < 4; ++k) {
    const size_t begin = k * quarter;
    const ByteSpan part = literals.subspan(begin, std::min(quarter, literals.size() - begin));
    const size_t stream_bytes = code.Encode(part, to + length);
    length += stream_bytes;
    if (k < 3) StoreLe(to + 2 * k, static_cast<uint16_t>(stream_bytes));
  }
  return length;
}

}  // namespace

size_t EncodeLiterals(ByteSpan literals, uint8_t* to) {
  if (literals.size() < kCodedLiteralsMin) return WritePlain(literals, to);
  if (literals.size() > 2 * kSampleBytes && !LooksUneven(literals)) return WritePlain(literals, to);
  const HuffmanCode::Counts counts = CountLiterals(literals);
  if (counts[literals[0]] == literals.size()) {
    const size_t header_bytes = WritePlainHeader(kRepeated, literals.size(), to);
    to[header_bytes] = literals[0];
    return header_bytes + 1;
  }
  const HuffmanCode code(counts);
  const size_t header_bytes = CodedHeaderBytes(literals.size());
  const size_t description = code.WriteDescription(to + header_bytes);
  const size_t length_max = literals.size() - literals.size() / kGainMin;
  if (description == 0 || description + code.BitsOf(counts) / 8 > length_max) {
    return WritePlain(literals, to);
  }
  const size_t coded = description + WriteStreams(code, literals, to + header_bytes + description);
  if (coded > length_max) return WritePlain(literals, to);
  WriteCodedHeader(literals.size(), coded, to);
  return header_bytes + coded;
}

}  // namespace varve

// Byte views, little-endian loads and stores, and a range-checked reader: the only ways in which
// bytes from outside become numbers (R9).
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace varve {

using Bytes = std::vector<uint8_t>;
using ByteSpan = std::span<const uint8_t>;
using MutableByteSpan = std::span<uint8_t>;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the formats are little-endian");

template <typename T>
T LoadLe(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T>
void StoreLe(uint8_t* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

template <typename T>
void AppendLe(Bytes& to, T value) {
  uint8_t raw[sizeof(T)];
  StoreLe(raw, value);
  to.insert(to.end(), raw, raw + sizeof(T));
}

inline void AppendBytes(Bytes& to, ByteSpan bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

inline ByteSpan AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline std::string_view AsText(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// True if every byte is 0. Vectorised by memcmp against itself shifted by one.
bool IsAllZero(ByteSpan bytes);

// Lower-case hexadecimal.
std::string ToHex(ByteSpan bytes);
// False if `text` is not exactly 2 * bytes.size() lower-case hexadecimal digits.
bool FromHex(std::string_view text, MutableByteSpan bytes);

constexpr uint64_t RoundUp(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}
constexpr uint64_t RoundDown(uint64_t value, uint64_t multiple) {
  return value / multiple * multiple;
}
constexpr uint64_t DivideUp(uint64_t value, uint64_t divisor) {
  return value / divisor + (value % divisor != 0 ? 1 : 0);
}

}  // namespace varve

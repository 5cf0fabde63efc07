#include "agent/model/identifier.h"

#include <algorithm>
#include <array>

namespace varve::agent {
namespace {

constexpr size_t kRecordIdLength = 26;
constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";

bool IsLowerOrDigit(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
}

bool IsIdLetter(char letter) {
  return IsLowerOrDigit(letter) || letter == '.' || letter == '_' || letter == '-';
}

bool IsNameLetter(char letter) {
  return IsIdLetter(letter) || (letter >= 'A' && letter <= 'Z') || letter == ' ';
}

// What somebody wrote, fit for a message of one line: short, and without control characters.
std::string Quoted(const std::string& value) {
  constexpr size_t kShown = 80;
  std::string shown = "'";
  for (const char letter : value.substr(0, kShown)) {
    shown += letter >= ' ' && letter <= '~' ? letter : '?';
  }
  return shown + (value.size() > kShown ? "…'" : "'");
}

}  // namespace

Status CheckChosenId(const std::string& field, const std::string& id) {
  if (!id.empty() && id.size() <= 63 && IsLowerOrDigit(id[0]) &&
      std::all_of(id.begin(), id.end(), IsIdLetter)) {
    return {};
  }
  return InvalidArgument(field + " " + Quoted(id) +
                         " is not 1 to 63 of a-z, 0-9, '.', '_', '-', beginning with a letter or "
                         "digit");
}

Status CheckBackupName(const std::string& name) {
  if (name.size() >= 3 && name.size() <= 39 && name.front() != ' ' && name.back() != ' ' &&
      std::all_of(name.begin(), name.end(), IsNameLetter)) {
    return {};
  }
  return InvalidArgument("name " + Quoted(name) +
                         " is not 3 to 39 letters, digits, '.', '_', '-' and blanks inside");
}

std::string NewRecordId(Random& random) {
  std::array<uint8_t, 16> bits;
  random.Fill(bits);
  std::string id;
  uint32_t waiting = 0;
  int waiting_bits = 0;
  for (const uint8_t byte : bits) {
    waiting = waiting << 8 | byte;
    for (waiting_bits += 8; waiting_bits >= 5; waiting_bits -= 5) {
      id += kDigits[waiting >> (waiting_bits - 5) & 31];
    }
  }
  id += kDigits[waiting << (5 - waiting_bits) & 31];
  return id;
}

bool IsRecordId(const std::string& id) {
  return id.size() == kRecordIdLength && std::all_of(id.begin(), id.end(), [](char letter) {
           return kDigits.find(letter) != std::string_view::npos;
         });
}

}  // namespace varve::agent

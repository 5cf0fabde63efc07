#include "agent/process/redaction.h"

#include <algorithm>
#include <cctype>

namespace varve::agent {
namespace {

constexpr const char* kMark = "***";
constexpr const char* kKeys[] = {
    "password=", "passwd=", "pwd=", "secret=", "token=", "apikey=", "bearer "};

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return std::tolower(letter); });
  return text;
}

void ReplaceAll(std::string& line, const std::string& secret) {
  for (size_t at = line.find(secret); at != std::string::npos;
       at = line.find(secret, at + std::string(kMark).size())) {
    line.replace(at, secret.size(), kMark);
  }
}

// The end of a value that begins at `begin`: a quoted one ends with its quote.
size_t ValueEnd(const std::string& line, size_t begin) {
  if (begin < line.size() && (line[begin] == '\'' || line[begin] == '"')) {
    const size_t quote = line.find(line[begin], begin + 1);
    return quote == std::string::npos ? line.size() : quote + 1;
  }
  return std::min(line.find_first_of(" \t&,;", begin), line.size());
}

void RedactAfter(std::string& line, const std::string& key) {
  size_t at = 0;
  while ((at = Lower(line).find(key, at)) != std::string::npos) {
    const size_t begin = at + key.size();
    const size_t end = ValueEnd(line, begin);
    if (end > begin) line.replace(begin, end - begin, kMark);
    at = begin;
  }
}

void RedactUrls(std::string& line) {
  size_t at = 0;
  while ((at = line.find("://", at)) != std::string::npos) {
    at += 3;
    const size_t end = std::min(line.find_first_of(" \t/?#\"'", at), line.size());
    const size_t host = line.rfind('@', end == 0 ? 0 : end - 1);
    const size_t colon = line.find(':', at);
    if (host == std::string::npos || host < at || colon >= host) continue;
    line.replace(colon + 1, host - colon - 1, kMark);
  }
}

}  // namespace

std::string Redacted(std::string line, const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    if (!secret.empty()) ReplaceAll(line, secret);
  }
  RedactUrls(line);
  for (const char* const key : kKeys)
    RedactAfter(line, key);
  return line;
}

}  // namespace varve::agent

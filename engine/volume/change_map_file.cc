#include "volume/change_map_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/limits.h"
#include "io/file_descriptor.h"

namespace varve {
namespace {

constexpr std::string_view kFirstWord = "varve-changed-extents";

// Reads the lines of a map one after the other and says where it stopped understanding.
class MapParser {
 public:
  MapParser(const std::string& name, std::string_view text) : name_(name), text_(text) {}

  Result<ChangeClaim> Parse() {
    VARVE_RETURN_IF_ERROR(ParseHead());
    while (NextLine()) {
      if (TakeWord("extent")) {
        VARVE_RETURN_IF_ERROR(ParseExtent());
      } else if (TakeWord("end")) {
        return ParseEnd();
      } else {
        return Damaged("is neither 'extent' nor 'end'");
      }
    }
    return Damaged("the map ends without an 'end' line: it was cut off");
  }

 private:
  Status ParseHead() {
    uint64_t version = 0;
    if (!NextLine() || !TakeWord(kFirstWord) || !TakeNumber(&version) || !line_.empty()) {
      return Damaged("does not say '" + std::string(kFirstWord) + " 1'");
    }
    if (version != 1) {
      return Unsupported(name_ + ": version " + std::to_string(version) +
                         " of map files is not known to this program");
    }
    if (!NextLine() || !TakeWord("parent") || !SnapshotId::Parse(line_, &claim_.parent)) {
      return Damaged("does not say 'parent' and the id of a snapshot");
    }
    if (!NextLine() || !TakeWord("volume") || line_.empty() || line_.size() > kNameBytesMax) {
      return Damaged("does not say 'volume' and its name");
    }
    claim_.volume_name = line_;
    if (!NextLine() || !TakeWord("size") || !TakeNumber(&claim_.size_bytes) || !line_.empty() ||
        claim_.size_bytes > kVolumeSizeMax) {
      return Damaged("does not say 'size' and the volume's bytes");
    }
    claim_.source = "map file";
    return {};
  }

  Status ParseExtent() {
    uint64_t offset = 0;
    uint64_t length = 0;
    if (!TakeNumber(&offset) || !TakeNumber(&length) || !line_.empty()) {
      return Damaged("is not 'extent', an offset and a length");
    }
    if (offset > claim_.size_bytes || length > claim_.size_bytes - offset) {
      return Damaged("extent " + std::to_string(offset) + "+" + std::to_string(length) +
                     " passes the end of the volume at " + std::to_string(claim_.size_bytes));
    }
    claim_.may_have_changed.Add(offset, offset + length);
    ++extents_;
    return {};
  }

  Result<ChangeClaim> ParseEnd() {
    uint64_t announced = 0;
    if (!TakeNumber(&announced) || !line_.empty()) {
      return Damaged("is not 'end' and the number of extents");
    }
    if (announced != extents_) {
      return Damaged("counts " + std::to_string(announced) + " extents, the map has " +
                     std::to_string(extents_));
    }
    if (!text_.empty()) return Damaged("is not the last one, as 'end' should be");
    return std::move(claim_);
  }

  // False at the end of the text. A last line without its newline is a line that was cut off.
  bool NextLine() {
    const size_t newline = text_.find('\n');
    ++line_number_;
    if (newline == std::string_view::npos) {
      line_ = text_;
      return false;
    }
    line_ = text_.substr(0, newline);
    text_.remove_prefix(newline + 1);
    return true;
  }

  // Words are separated by exactly one space.
  bool TakeWord(std::string_view word) {
    if (!line_.starts_with(word)) return false;
    if (line_.size() > word.size() && line_[word.size()] != ' ') return false;
    line_.remove_prefix(std::min(line_.size(), word.size() + 1));
    return true;
  }

  bool TakeNumber(uint64_t* number) {
    const auto [end, error] = std::from_chars(line_.data(), line_.data() + line_.size(), *number);
    if (error != std::errc() || end == line_.data()) return false;
    line_.remove_prefix(static_cast<size_t>(end - line_.data()));
    if (line_.empty()) return true;
    if (line_.front() != ' ' || line_.size() == 1) return false;
    line_.remove_prefix(1);
    return true;
  }

  Status Damaged(const std::string& what) const {
    return Corruption(name_ + ": line " + std::to_string(line_number_) + ": " + what);
  }

  const std::string& name_;
  std::string_view text_;  // what is not read yet
  std::string_view line_;  // what is left of the current line
  uint64_t line_number_ = 0;
  uint64_t extents_ = 0;
  ChangeClaim claim_;
};

}  // namespace

Result<ChangeClaim> ParseChangeMap(const std::string& name, std::string_view text) {
  return MapParser(name, text).Parse();
}

Result<ChangeClaim> ReadChangeMap(const std::string& path) {
  const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return Status::FromErrno(errno, "open map file " + path);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return Status::FromErrno(errno, "stat " + path);
  if (!S_ISREG(info.st_mode)) return InvalidArgument("map file " + path + " is no regular file");
  if (static_cast<uint64_t>(info.st_size) > kChangeMapFileMax) {
    return InvalidArgument("map file " + path + " of " + std::to_string(info.st_size) +
                           " bytes is larger than " + std::to_string(kChangeMapFileMax));
  }
  std::string text(static_cast<size_t>(info.st_size), '\0');
  for (size_t done = 0; done < text.size();) {
    const ssize_t got = read(fd.get(), text.data() + done, text.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::FromErrno(errno, "read map file " + path);
    if (got == 0) return Corruption("map file " + path + " became shorter while it was read");
    done += static_cast<size_t>(got);
  }
  return ParseChangeMap("map file " + path, text);
}

}  // namespace varve

// Exercises one file of fixed size with random operations and compares it with a model in memory:
// reads, writes, holes, shared mappings, direct I/O, fsync, reopening. For mounts that can be
// written; run it on a plain file to see that a difference is the mount's and not its own.
//
//   varve_fsx FILE --seconds N [--seed S] [--model MODEL]
//
// With --model the file must equal MODEL when it begins (if there is one), and MODEL is what the
// file must be the next time. Everything follows from the seed, which is printed. Exit code 0: no
// difference; 1: a difference, with place and operations; 2: it could not run.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kLengthMax = 256 * 1024;
constexpr size_t kHistory = 40;

struct Options {
  std::string file;
  std::string model;
  double seconds = 10;
  uint64_t seed = 0;
};

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "fsx: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(2);
}

class Exerciser {
 public:
  explicit Exerciser(Options options) : options_(std::move(options)), random_(options_.seed) {
    Open();
    struct stat info {};
    if (fstat(fd_, &info) != 0) Die("stat");
    size_ = static_cast<size_t>(info.st_size);
    if (size_ == 0) {
      errno = EINVAL;
      Die("the file is empty");
    }
    model_.resize(size_);
    if (posix_memalign(reinterpret_cast<void**>(&buffer_), kPage, kLengthMax) != 0) Die("memory");
    ReadInto(model_);
    if (!options_.model.empty()) CompareWithSavedModel();
  }

  ~Exerciser() {
    std::free(buffer_);
    close(fd_);
  }

  // Runs until the time is over; the number of operations.
  uint64_t Run() {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::duration<double>(options_.seconds);
    uint64_t operations = 0;
    for (; Clock::now() < end; ++operations)
      Step();
    Reopen();
    std::vector<uint8_t> found(size_);
    ReadInto(found);
    Compare(0, found.data(), size_, "the whole file at the end");
    if (!options_.model.empty()) {
      std::ofstream saved(options_.model, std::ios::binary | std::ios::trunc);
      saved.write(reinterpret_cast<const char*>(model_.data()),
                  static_cast<std::streamsize>(size_));
      if (!saved.flush()) Die("saving the model");
    }
    return operations;
  }

 private:
  void Open() {
    fd_ = open(options_.file.c_str(), O_RDWR | O_CLOEXEC);
    if (fd_ < 0) Die("open " + options_.file);
  }

  void Reopen() {
    if (fsync(fd_) != 0) Die("fsync");
    if (close(fd_) != 0) Die("close");
    Open();
  }

  void ReadInto(std::vector<uint8_t>& bytes) {
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t got =
          pread(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
      if (got <= 0) Die("reading the whole file");
      done += static_cast<size_t>(got);
    }
  }

  void CompareWithSavedModel() {
    std::ifstream saved(options_.model, std::ios::binary);
    if (!saved) return;
    const std::vector<uint8_t> before{std::istreambuf_iterator<char>(saved), {}};
    if (before.size() != size_) {
      errno = EINVAL;
      Die("the model has another size than the file");
    }
    const std::vector<uint8_t> found = std::exchange(model_, before);
    Compare(0, found.data(), size_, "the file as it was left the last time");
  }

  void Note(const char* what, size_t offset, size_t length) {
    if (history_.size() == kHistory) history_.pop_front();
    history_.push_back(std::string(what) + " " + std::to_string(offset) + "+" +
                       std::to_string(length));
  }

  void Compare(size_t offset, const uint8_t* found, size_t length, const char* what) {
    if (std::memcmp(found, model_.data() + offset, length) == 0) return;
    size_t at = 0;
    while (found[at] == model_[offset + at])
      ++at;
    std::fprintf(stderr, "fsx: seed %llu: %s differs at %zu: is %02x, should be %02x\n",
                 static_cast<unsigned long long>(options_.seed), what, offset + at, found[at],
                 model_[offset + at]);
    for (const std::string& operation : history_)
      std::fprintf(stderr, "  %s\n", operation.c_str());
    std::exit(1);
  }

  // A random range, sometimes of whole pages, sometimes at the end of the file.
  void Pick(bool whole_pages) {
    length_ = 1 + random_() % (random_() % 8 == 0 ? kLengthMax : 3 * kPage);
    offset_ = random_() % 16 == 0 ? size_ - std::min(length_, size_) : random_() % size_;
    if (whole_pages) {
      offset_ = offset_ / kPage * kPage;
      length_ = (length_ + kPage - 1) / kPage * kPage;
    }
    length_ = std::min({length_, size_ - offset_, kLengthMax});
  }

  void FillBuffer() {
    // A pattern that tells where and when it was written.
    uint64_t value = random_();
    for (size_t i = 0; i < length_; i += 8, value += 0x9e3779b97f4a7c15) {
      std::memcpy(buffer_ + i, &value, std::min<size_t>(8, length_ - i));
    }
  }

  void Apply() { std::memcpy(model_.data() + offset_, buffer_, length_); }

  void ReadStep(int fd, const char* what) {
    Note(what, offset_, length_);
    const ssize_t got = pread(fd, buffer_, length_, static_cast<off_t>(offset_));
    if (got != static_cast<ssize_t>(length_)) Die(what);
    Compare(offset_, buffer_, length_, what);
  }

  void WriteStep(int fd, const char* what) {
    Note(what, offset_, length_);
    FillBuffer();
    const ssize_t put = pwrite(fd, buffer_, length_, static_cast<off_t>(offset_));
    if (put != static_cast<ssize_t>(length_)) Die(what);
    Apply();
  }

  void PunchStep() {
    Note("punch", offset_, length_);
    if (fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset_),
                  static_cast<off_t>(length_)) != 0) {
      if (errno == EOPNOTSUPP) return;
      Die("punch");
    }
    std::memset(model_.data() + offset_, 0, length_);
  }

  void MapStep(bool write) {
    Note(write ? "write by map" : "read by map", offset_, length_);
    const size_t begin = offset_ / kPage * kPage;
    const size_t bytes = offset_ + length_ - begin;
    void* const memory = mmap(nullptr, bytes, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED, fd_,
                              static_cast<off_t>(begin));
    if (memory == MAP_FAILED) {
      if (errno == ENODEV) return;  // this mount has none
      Die("mmap");
    }
    auto* const mapped = static_cast<uint8_t*>(memory) + (offset_ - begin);
    if (write) {
      FillBuffer();
      std::memcpy(mapped, buffer_, length_);
      Apply();
      if (random_() % 2 == 0 && msync(memory, bytes, MS_SYNC) != 0) Die("msync");
    } else {
      Compare(offset_, mapped, length_, "read by map");
    }
    if (munmap(memory, bytes) != 0) Die("munmap");
  }

  void DirectStep() {
    const int direct = open(options_.file.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC);
    if (direct < 0) return;  // not on this file system
    Pick(true);
    if (length_ % kPage == 0) {
      // As a database would: what is in the page cache goes first.
      if (fsync(fd_) != 0) Die("fsync");
      random_() % 2 == 0 ? ReadStep(direct, "direct read") : WriteStep(direct, "direct write");
    }
    close(direct);
  }

  // What lseek calls a hole must be zeros.
  void SeekStep() {
    Note("seek", offset_, 0);
    const off_t hole = lseek(fd_, static_cast<off_t>(offset_), SEEK_HOLE);
    if (hole < 0) Die("seek for a hole");
    if (static_cast<size_t>(hole) >= size_) return;
    const off_t data = lseek(fd_, hole, SEEK_DATA);
    if (data < 0 && errno != ENXIO) Die("seek for data");
    const size_t end = data < 0 ? size_ : static_cast<size_t>(data);
    for (size_t at = static_cast<size_t>(hole); at < end; ++at) {
      if (model_[at] == 0) continue;
      std::fprintf(stderr, "fsx: seed %llu: a hole at %zu where data should be\n",
                   static_cast<unsigned long long>(options_.seed), at);
      std::exit(1);
    }
  }

  void Step() {
    const uint64_t kind = random_() % 100;
    Pick(random_() % 3 == 0);
    if (kind < 34) {
      WriteStep(fd_, "write");
    } else if (kind < 64) {
      ReadStep(fd_, "read");
    } else if (kind < 74) {
      PunchStep();
    } else if (kind < 82) {
      MapStep(true);
    } else if (kind < 90) {
      MapStep(false);
    } else if (kind < 94) {
      DirectStep();
    } else if (kind < 96) {
      SeekStep();
    } else if (kind < 98) {
      Note("fdatasync", 0, 0);
      if (fdatasync(fd_) != 0) Die("fdatasync");
    } else {
      Note("reopen", 0, 0);
      Reopen();
    }
  }

  const Options options_;
  std::mt19937_64 random_;
  int fd_ = -1;
  size_t size_ = 0;
  std::vector<uint8_t> model_;
  uint8_t* buffer_ = nullptr;
  size_t offset_ = 0;  // of the current operation
  size_t length_ = 0;
  std::deque<std::string> history_;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.seed = std::random_device()();
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--seconds" && i + 1 < argc) {
      options.seconds = std::atof(argv[++i]);
    } else if (word == "--seed" && i + 1 < argc) {
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--model" && i + 1 < argc) {
      options.model = argv[++i];
    } else {
      options.file = word;
    }
  }
  if (options.file.empty()) {
    std::fprintf(stderr, "usage: varve_fsx FILE --seconds N [--seed S] [--model MODEL]\n");
    return 2;
  }
  std::printf("fsx: seed %llu\n", static_cast<unsigned long long>(options.seed));
  std::fflush(stdout);
  const uint64_t operations = Exerciser(options).Run();
  std::printf("fsx: %llu operations without a difference\n",
              static_cast<unsigned long long>(operations));
  return 0;
}

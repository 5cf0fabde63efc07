// Writes the golden files below a directory: make_golden tests/golden. Only for a new version of
// the format, or new files: what is there already is the proof that old repositories stay readable.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "golden/golden_files.h"

namespace {

bool WriteFile(const std::filesystem::path& path, const varve::Bytes& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  return file.good();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_golden DIRECTORY\n");
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  std::filesystem::create_directories(directory / "good");
  std::filesystem::create_directories(directory / "bad");
  bool ok = true;
  for (const varve::GoodFile& file : varve::GoodFiles()) {
    ok = WriteFile(directory / "good" / (file.name + ".bin"), file.bytes) && ok;
  }
  for (const varve::BadFile& file : varve::BadFiles()) {
    ok = WriteFile(directory / "bad" / (file.name + ".bin"), file.bytes) && ok;
  }
  if (!ok) std::fprintf(stderr, "make_golden: cannot write below %s\n", argv[1]);
  return ok ? 0 : 1;
}

// A repository on a real file system with snapshots of one volume file, for tests of the read path.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "api/engine.h"
#include "base/limits.h"
#include "sim/random_bytes.h"
#include "sim/temporary_directory.h"

namespace varve {

class SampleRepository {
 public:
  SampleRepository() { VARVE_CHECK(Engine::Init(path(), kChunkSizeDefault).ok()); }

  std::string path() const { return directory_.File("repo"); }
  const TemporaryDirectory& directory() const { return directory_; }

  // Data that compresses about 2:1, a hole in the middle, an odd tail.
  static Bytes SampleVolume(uint64_t seed, size_t size) {
    Bytes volume = RandomBytes(seed, size);
    for (size_t i = 0; i < volume.size(); ++i) {
      if (i % 8 < 4) volume[i] = static_cast<uint8_t>(i >> 12);
    }
    std::fill(volume.begin() + static_cast<ptrdiff_t>(size / 3),
              volume.begin() + static_cast<ptrdiff_t>(size / 2), uint8_t{0});
    return volume;
  }

  std::unique_ptr<Engine> Open(OpenMode mode) const {
    auto engine = Engine::Open(path(), mode, "test", [](const std::string&) {});
    VARVE_CHECK(engine.ok());
    return *std::move(engine);
  }

  SnapshotRecord Snapshot(const Bytes& content, const std::string& name = "volume") const {
    const std::string file = directory_.File("source.img");
    std::ofstream(file, std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(content.data()),
               static_cast<std::streamsize>(content.size()));
    SnapshotOptions options;
    options.volume_name = name;
    Progress progress;
    auto report = Open(OpenMode::kWrite)->Snapshot(file, options, progress);
    VARVE_CHECK(report.ok());
    return report->record;
  }

  // Turns over one byte in the stored bytes of a chunk. Its name in messages.
  std::string DamageChunk(const SnapshotRecord& record, uint64_t chunk) const {
    const auto engine = Open(OpenMode::kRead);
    Index* const index = *engine->repository().index();
    TreeReader tree(engine->repository().storage(), *index, engine->repository().config().id_key,
                    {record.root, {record.size_bytes, record.chunk_size_bytes}}, "test", 1);
    const ContentId id = (*tree.Leaf(chunk / kLeafChunks))->chunks[chunk % kLeafChunks].id;
    const Place place = **index->Find(id);
    const std::string pack =
        path() + "/packs/" + place.pack.Hex().substr(0, 2) + "/" + place.pack.Hex();
    const int fd = open(pack.c_str(), O_RDWR | O_CLOEXEC);
    const auto at = static_cast<off_t>(place.offset + place.frame.HeaderBytes() + 100);
    uint8_t byte = 0;
    VARVE_CHECK(pread(fd, &byte, 1, at) == 1);
    byte ^= 0x10;
    VARVE_CHECK(pwrite(fd, &byte, 1, at) == 1);
    close(fd);
    return place.pack.Hex();
  }

 private:
  TemporaryDirectory directory_;
};

}  // namespace varve

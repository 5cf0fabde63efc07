// How fast this machine decodes a snapshot: every chunk is loaded and verified once, leaf by leaf,
// by as many threads as there are cores, into memory that is thrown away. What a mount can at best
// deliver. Usage: mount_decode_limit REPOSITORY [SNAPSHOT]; prints bytes per second. Run it twice:
// the second time the packs come from the page cache.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "api/engine.h"
#include "restore/chunk_loader.h"
#include "tree/tree_reader.h"

namespace varve {
namespace {

constexpr uint32_t kLeafBatch = 32;

Status LoadLeaf(TreeReader& tree, ChunkLoader& loader, uint64_t leaf, Bytes& buffer) {
  VARVE_ASSIGN_OR_RETURN(const auto node, tree.Leaf(leaf));
  std::vector<ChunkRequest> requests;
  const TreeGeometry& geometry = tree.geometry();
  for (size_t i = 0; i < node->chunks.size(); ++i) {
    if (node->chunks[i].IsZero()) continue;
    const uint64_t length = geometry.ChunkLength(leaf * kLeafChunks + i);
    requests.push_back(
        {node->chunks[i], MutableByteSpan(buffer).subspan(i * geometry.chunk_size(), length), {}});
  }
  VARVE_RETURN_IF_ERROR(loader.Load(requests));
  for (const ChunkRequest& request : requests)
    VARVE_RETURN_IF_ERROR(request.status);
  return {};
}

Status Run(const std::string& directory, const std::string& selector) {
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine,
                         Engine::Open(directory, OpenMode::kRead, "bench", [](const auto&) {}));
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord record, engine->Find(selector));
  Repository& repository = engine->repository();
  VARVE_ASSIGN_OR_RETURN(Index * index, repository.index());
  const TreeGeometry geometry(record.size_bytes, record.chunk_size_bytes);
  TreeReader tree(repository.storage(), *index, repository.config().id_key, {record.root, geometry},
                  "snapshot", kLeafBatch);
  std::atomic<uint64_t> next{0};
  std::vector<Status> results(std::max(1u, std::thread::hardware_concurrency()));
  std::vector<std::thread> threads;
  const auto start = std::chrono::steady_clock::now();
  for (Status& result : results) {
    threads.emplace_back([&] {
      const RepositoryConfig& config = repository.config();
      ChunkLoader loader(repository.storage(), *index, config.fingerprint_secret, config.id_key);
      Bytes buffer(geometry.LeafBytes());
      for (uint64_t leaf = next++; leaf < geometry.NodeCount(0) && result.ok(); leaf = next++) {
        result = LoadLeaf(tree, loader, leaf, buffer);
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  for (const Status& result : results)
    VARVE_RETURN_IF_ERROR(result);
  std::printf("%.0f\n", static_cast<double>(record.size_bytes) / took.count());
  return {};
}

}  // namespace
}  // namespace varve

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: mount_decode_limit REPOSITORY [SNAPSHOT]\n");
    return 2;
  }
  const varve::Status status = varve::Run(argv[1], argc > 2 ? argv[2] : "latest");
  if (!status.ok()) std::fprintf(stderr, "mount_decode_limit: %s\n", status.message().c_str());
  return status.ok() ? 0 : 1;
}

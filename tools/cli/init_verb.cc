#include "base/limits.h"
#include "human_units.h"
#include "verb.h"

namespace varve::cli {
namespace {

Result<ExitCode> Run(Invocation& invocation) {
  const std::string& directory = invocation.arguments.Get("REPO");
  uint64_t chunk_size = kChunkSizeDefault;
  if (const auto text = invocation.arguments.Find("chunk-size")) {
    VARVE_ASSIGN_OR_RETURN(chunk_size, ParseSize("chunk size", *text));
    if (!IsValidChunkSize(chunk_size)) {
      return InvalidArgument("chunk size '" + *text + "' is not a power of two from 4K to 256K");
    }
  }
  RepositoryOptions options(static_cast<uint32_t>(chunk_size));
  std::unique_ptr<Engine> like;
  if (const auto other = invocation.arguments.Find("like")) {
    const auto notice = [&](const std::string& text) { invocation.console.Warn(text); };
    VARVE_ASSIGN_OR_RETURN(like, Engine::Open(*other, OpenMode::kRead, "init --like", notice));
    options.like = &like->repository().config();
    if (!invocation.arguments.Has("chunk-size")) {
      chunk_size = options.like->chunk_size_bytes;
      options.chunk_size_bytes = options.like->chunk_size_bytes;
    }
  }
  VARVE_RETURN_IF_ERROR(Engine::Init(directory, options));
  if (invocation.console.json()) {
    invocation.console.PrintJson(
        JsonValue::Object{{"repository", directory}, {"chunkSize", chunk_size}});
  } else {
    invocation.console.Print("repository " + directory + " is ready, with chunks of " +
                             HumanSize(chunk_size) + "\n");
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kInitVerb{
    .name = "init",
    .purpose = "Make an empty repository in a directory",
    .positionals = {{"REPO"}},
    .options = {{"chunk-size", "SIZE", "unit of change, 4K to 256K; 64K unless given"},
                {"like", "REPO", "share the keys (and the chunk size) of this repository"}},
    .details =
        "The directory is made if it does not exist, and must be empty if it does. Copies\n"
        "between repositories that share keys send only what is missing, as it is stored;\n"
        "whoever can read one of them knows which of its chunks the other one has.\n",
    .run = Run};

}  // namespace varve::cli

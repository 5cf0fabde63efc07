#include "base/limits.h"
#include "human_units.h"
#include "key_options.h"
#include "verb.h"

namespace varve::cli {
namespace {

Result<std::optional<EncryptionOptions>> EncryptionOf(const Arguments& arguments) {
  VARVE_ASSIGN_OR_RETURN(KeySource source, KeySourceOf(arguments));
  if (!arguments.Has("encryption")) {
    if (!source.on_purpose()) return std::optional<EncryptionOptions>();
    return InvalidArgument("a key is given, but not --encryption");
  }
  if (!source.given()) {
    return InvalidArgument(
        "--encryption needs a key: --passphrase-file, --passphrase-fd, --passphrase-command, "
        "--key-file, or the environment's VARVE_PASSPHRASE_FILE or VARVE_KEY_FILE");
  }
  return std::optional(EncryptionOptions{std::move(source), arguments.FindOr("key-label", ""), {}});
}

Result<ExitCode> Run(Invocation& invocation) {
  const std::string& directory = invocation.arguments.Get("REPO");
  uint64_t chunk_size = kChunkSizeDefault;
  if (const auto text = invocation.arguments.Find("chunk-size")) {
    VARVE_ASSIGN_OR_RETURN(chunk_size, ParseSize("chunk size", *text));
    if (!IsValidChunkSize(chunk_size)) {
      return InvalidArgument("chunk size '" + *text + "' is not a power of two from 4K to 256K");
    }
  }
  VARVE_ASSIGN_OR_RETURN(const std::optional<EncryptionOptions> encryption,
                         EncryptionOf(invocation.arguments));
  RepositoryOptions options(static_cast<uint32_t>(chunk_size));
  options.append_only = invocation.arguments.Has("append-only");
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
  VARVE_RETURN_IF_ERROR(Engine::Init(directory, options, encryption ? &*encryption : nullptr));
  if (invocation.console.json()) {
    invocation.console.PrintJson(JsonValue::Object{{"repository", directory},
                                                   {"chunkSize", chunk_size},
                                                   {"encrypted", encryption.has_value()}});
  } else {
    invocation.console.Print("repository " + directory + " is ready, with chunks of " +
                             HumanSize(chunk_size) + (encryption ? ", encrypted" : "") + "\n");
  }
  if (encryption) {
    invocation.console.Note(
        "it has one key slot: add a second (varve key add) and keep its key elsewhere; without a "
        "key nobody reads this repository again");
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kInitVerb{
    .name = "init",
    .purpose = "Make an empty repository in a directory",
    .positionals = {{"REPO"}},
    .options = {{"chunk-size", "SIZE", "unit of change, 4K to 256K; 64K unless given"},
                {"append-only", "", "nothing is ever deleted from it: forget and gc refuse"},
                {"like", "REPO", "share the keys (and the chunk size) of this repository"},
                {"encryption", "", "seal everything in it; needs a key, see the options below"},
                {"key-label", "TEXT", "says to people which key it is"}},
    .details =
        "The directory is made if it does not exist, and must be empty if it does. Copies\n"
        "between repositories that share keys send only what is missing, as it is stored;\n"
        "whoever can read one of them knows which of its chunks the other one has.\n",
    .run = Run};

}  // namespace varve::cli

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/clock.h"
#include "io/file_descriptor.h"
#include "key_options.h"
#include "text_table.h"
#include "verb.h"

namespace varve::cli {
namespace {

constexpr const char* kOneSlotAdvice =
    "there is one key slot: add a second (varve key add) and keep its key elsewhere; without a "
    "key nobody reads this repository again";

Result<std::unique_ptr<Engine>> Open(Invocation& invocation, OpenMode mode, bool without_key) {
  VARVE_ASSIGN_OR_RETURN(const KeySource source, KeySourceOf(invocation.arguments));
  const auto note = [&](const std::string& text) { invocation.console.Note(text); };
  return Engine::Open(invocation.repository, mode, "key", note, {source, without_key});
}

Result<std::string> SlotArgument(const Invocation& invocation) {
  const auto slot = invocation.arguments.Find("SLOT");
  if (!slot) return InvalidArgument("SLOT is missing: varve key list shows the slots");
  return *slot;
}

JsonValue SlotJson(const FoundKeySlot& found) {
  JsonValue::Array damage(found.damage.begin(), found.damage.end());
  return JsonValue::Object{{"slotId", found.slot.id.Hex()},
                           {"method", std::string(KeyMethodName(found.slot.method))},
                           {"label", found.slot.label},
                           {"created", FormatUtc(found.slot.created_unix_ns)},
                           {"damage", std::move(damage)}};
}

// The slots, and what is wrong with them; `opened` is marked.
bool ShowSlots(Invocation& invocation, const KeySlotListing& listing, const KeySlotId* opened) {
  bool clean = listing.damage.empty();
  JsonValue::Array slots;
  TextTable table({{"slot"}, {"method"}, {"created"}, {"label"}, {""}});
  std::string damage;
  for (const std::string& line : listing.damage)
    damage += "damage: " + line + "\n";
  for (const FoundKeySlot& found : listing.slots) {
    clean = clean && found.damage.empty();
    for (const std::string& line : found.damage)
      damage += "damage: " + line + "\n";
    slots.push_back(SlotJson(found));
    const bool is_opened = opened != nullptr && *opened == found.slot.id;
    table.Add({found.slot.id.Hex(), std::string(KeyMethodName(found.slot.method)),
               FormatUtc(found.slot.created_unix_ns), found.slot.label, is_opened ? "opened" : ""});
  }
  if (invocation.console.json()) {
    JsonValue::Array lines(listing.damage.begin(), listing.damage.end());
    invocation.console.PrintJson(JsonValue::Object{
        {"clean", clean},
        {"openedSlotId", opened != nullptr ? JsonValue(opened->Hex()) : JsonValue()},
        {"slots", std::move(slots)},
        {"damage", std::move(lines)}});
  } else {
    invocation.console.Print(table.Text() + damage);
  }
  if (listing.slots.size() == 1) invocation.console.Note(kOneSlotAdvice);
  return clean;
}

Result<ExitCode> List(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const auto engine, Open(invocation, OpenMode::kRead, true));
  VARVE_ASSIGN_OR_RETURN(const KeySlotListing listing, engine->KeySlots());
  ShowSlots(invocation, listing, nullptr);
  return ExitCode::kOk;
}

// That the key opens a slot, and that every slot's files are whole.
Result<ExitCode> Check(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const auto engine, Open(invocation, OpenMode::kRead, false));
  VARVE_ASSIGN_OR_RETURN(const KeySlotListing listing, engine->KeySlots());
  const bool clean = ShowSlots(invocation, listing, &engine->repository().key()->slot);
  return clean ? ExitCode::kOk : ExitCode::kDamaged;
}

Result<ExitCode> Add(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(KeySource source, KeySourceOf(invocation.arguments, "new-"));
  if (!source.given()) {
    return InvalidArgument(
        "no new key is given: --new-passphrase-file, --new-passphrase-fd, "
        "--new-passphrase-command or --new-key-file");
  }
  VARVE_ASSIGN_OR_RETURN(const auto engine, Open(invocation, OpenMode::kMaintain, false));
  VARVE_ASSIGN_OR_RETURN(
      const KeySlotId id,
      engine->AddKey({std::move(source), invocation.arguments.FindOr("label", ""), {}}));
  if (invocation.console.json()) {
    invocation.console.PrintJson(JsonValue::Object{{"slotId", id.Hex()}});
  } else {
    invocation.console.Print("key slot " + id.Hex() + " opens the repository from now on\n");
  }
  return ExitCode::kOk;
}

Result<ExitCode> Remove(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const std::string slot, SlotArgument(invocation));
  VARVE_ASSIGN_OR_RETURN(const auto engine, Open(invocation, OpenMode::kMaintain, false));
  VARVE_ASSIGN_OR_RETURN(const KeySlotId id, engine->RemoveKey(slot));
  if (invocation.console.json()) {
    invocation.console.PrintJson(JsonValue::Object{{"slotId", id.Hex()}});
  } else {
    invocation.console.Print("key slot " + id.Hex() + " is removed\n");
  }
  VARVE_ASSIGN_OR_RETURN(const KeySlotListing left, engine->KeySlots());
  if (left.slots.size() == 1) invocation.console.Note(kOneSlotAdvice);
  return ExitCode::kOk;
}

Status WriteNewFile(const std::string& path, ByteSpan bytes) {
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return Status::FromErrno(errno, "create " + path);
  while (!bytes.empty()) {
    const ssize_t put = write(file.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Status::FromErrno(errno, "write " + path);
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return fsync(file.get()) == 0 ? Status() : Status::FromErrno(errno, "sync " + path);
}

Result<ExitCode> Export(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const std::string slot, SlotArgument(invocation));
  const auto target = invocation.arguments.Find("to");
  if (!target) return InvalidArgument("--to FILE is missing");
  VARVE_ASSIGN_OR_RETURN(const auto engine, Open(invocation, OpenMode::kRead, true));
  VARVE_ASSIGN_OR_RETURN(const Bytes object, engine->ExportKey(slot));
  VARVE_RETURN_IF_ERROR(WriteNewFile(*target, object));
  if (invocation.console.json()) {
    invocation.console.PrintJson(JsonValue::Object{{"file", *target}});
  } else {
    invocation.console.Print("the key slot is in " + *target + "; its key is needed as well\n");
  }
  return ExitCode::kOk;
}

Result<ExitCode> Run(Invocation& invocation) {
  const std::string& action = invocation.arguments.Get("ACTION");
  if (action == "list") return List(invocation);
  if (action == "check") return Check(invocation);
  if (action == "add") return Add(invocation);
  if (action == "remove") return Remove(invocation);
  if (action == "export") return Export(invocation);
  return InvalidArgument("'" + action + "' is none of add, list, remove, check, export");
}

}  // namespace

extern const Verb kKeyVerb{
    .name = "key",
    .purpose = "Manage the key slots of an encrypted repository",
    .opening = Opening::kByVerb,
    .positionals = {{"ACTION"}, {"SLOT", Count::kAtMostOne}},
    .options = {{"new-passphrase-file", "FILE", "add: FILE holds the new passphrase"},
                {"new-passphrase-fd", "N", "add: it is what can be read from descriptor N"},
                {"new-passphrase-command", "LINE", "add: it is what the command prints"},
                {"new-key-file", "FILE",
                 "add: the bytes of FILE, 32 to 65536 of them, are the new key"},
                {"label", "TEXT", "add: says to people which key it is"},
                {"to", "FILE", "export: the new file"}},
    .details =
        "add: lets another passphrase or key file in. list: shows the slots (needs no key).\n"
        "remove SLOT: takes one away; the last one stays. check: opens the repository and says\n"
        "by which slot, and whether all files of the slots are whole (exit code 8 if not).\n"
        "export SLOT: copies a slot out of the repository; copied back as keys/ID and\n"
        "keys/ID.copy it opens the repository again, with its key.\n"
        "To change a passphrase, add the new one, then remove the slot of the old one.\n"
        "A command LINE is split at blanks; '...', \"...\" and backslashes keep words together,\n"
        "nothing else has a meaning.\n",
    .run = Run};

}  // namespace varve::cli

#include "human_units.h"
#include "instant_restore_run.h"
#include "restore_request.h"
#include "verb.h"

namespace varve::cli {
namespace {

Result<ExitCode> RestoreRange(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  if (arguments.Has("in-place") || arguments.Has("force")) {
    return InvalidArgument("a range is restored to a new file: neither --in-place nor --force");
  }
  VARVE_ASSIGN_OR_RETURN(const uint64_t offset,
                         ParseSize("offset", arguments.FindOr("offset", "0")));
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord record,
                         invocation.engine->Find(arguments.Get("SNAPSHOT")));
  uint64_t length = record.size_bytes > offset ? record.size_bytes - offset : 0;
  if (const auto text = arguments.Find("length")) {
    VARVE_ASSIGN_OR_RETURN(length, ParseSize("length", *text));
  }
  const std::string& target = arguments.Get("TARGET");
  VARVE_RETURN_IF_ERROR(
      invocation.engine->RestoreRange(record, offset, length, target, invocation.progress));
  if (invocation.console.json()) {
    invocation.console.PrintJson(JsonValue::Object{{"message_type", "summary"},
                                                   {"snapshotId", record.id.Hex()},
                                                   {"target", target},
                                                   {"offset", offset},
                                                   {"length", length}});
  } else {
    invocation.console.Print("restored bytes " + std::to_string(offset) + " to " +
                             std::to_string(offset + length) + " of snapshot " + record.id.Short() +
                             " to " + target + "\n");
  }
  return ExitCode::kOk;
}

Result<ExitCode> Run(Invocation& invocation) {
  if (invocation.arguments.Has("instant")) return RestoreInstantly(invocation);
  const bool is_range = invocation.arguments.Has("offset") || invocation.arguments.Has("length");
  return is_range ? RestoreRange(invocation) : RestoreWhole(invocation);
}

}  // namespace

extern const Verb kRestoreVerb{
    .name = "restore",
    .purpose = "Make a snapshot a file or a device again",
    .opening = Opening::kRead,
    .shows_progress = true,
    .positionals = {{"SNAPSHOT"}, {"TARGET"}},
    .options = {{"in-place", "", "the target exists: compare, and write only what differs"},
                {"force", "", "replace the file, overwrite the device"},
                {"offset", "SIZE", "only the bytes from here"},
                {"length", "SIZE", "only so many bytes"},
                {"instant", "MOUNTPOINT", "usable there at once, restored behind"},
                {"rate", "SIZE", "with --instant: at most so much a second in the background"},
                {"allow-other", "", "with --instant: let other users use the mount, too"}},
    .details = std::string(kSelectorDetails) +
               "A new file appears under its name when it is whole; an interrupted restore to it "
               "is\ncontinued by the same command. Every byte is verified before it is written.\n"
               "With --instant MOUNTPOINT the volume can be read and written as\n"
               "MOUNTPOINT/volume.raw at once, what is read comes first, and TARGET gets its name\n"
               "when everything is in it and the mount is unmounted. Interrupted or killed, the\n"
               "same command goes on where it was, with what was written and synced.\n",
    .run = Run};

}  // namespace varve::cli

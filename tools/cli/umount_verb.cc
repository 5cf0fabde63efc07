#include "fuse/mountpoint.h"
#include "verb.h"

namespace varve::cli {
namespace {

constexpr unsigned kWaitSeconds = 60;

Result<ExitCode> Run(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const std::string path,
                         ResolveMountpoint(invocation.arguments.Get("MOUNTPOINT")));
  VARVE_RETURN_IF_ERROR(Unmount(path, invocation.arguments.Has("lazy"), kWaitSeconds));
  if (invocation.console.json()) {
    invocation.console.PrintJson(JsonValue::Object{{"unmounted", path}});
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kUmountVerb{
    .name = "umount",
    .purpose = "Take a mount away",
    .opening = Opening::kNone,
    .positionals = {{"MOUNTPOINT"}},
    .options = {{"lazy", "", "also while files of it are open; they stay readable until closed"}},
    .details =
        "Returns when the process that served the mount has ended. What a killed process\n"
        "left is taken away, too.\n",
    .run = Run};

}  // namespace varve::cli

#include <filesystem>

#include "human_units.h"
#include "inside/copy_out.h"
#include "inside_volume.h"

namespace varve::cli {
namespace {

struct Source {
  std::string selector;
  std::string path;
};

// A volume's name may hold a colon; a path begins with a slash.
Result<Source> ParseSource(const std::string& text) {
  const size_t colon = std::min(text.find(":/"), text.size());
  if (colon == 0 || colon == text.size()) {
    return InvalidArgument("'" + text + "' is no SNAPSHOT:/PATH");
  }
  return Source{text.substr(0, colon), text.substr(colon + 1)};
}

// DEST itself, or the source's name in it if it is a directory.
Result<std::string> TargetOf(const std::string& destination, const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(destination, ignored)) return destination;
  const std::string name = std::filesystem::path(path).lexically_normal().filename().string();
  if (name.empty() || name == "." || name == "..") {
    return InvalidArgument("give the new name for " + path + ": " + destination + " exists");
  }
  return (std::filesystem::path(destination) / name).string();
}

Result<ExitCode> Run(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  Console& console = invocation.console;
  VARVE_ASSIGN_OR_RETURN(const Source source, ParseSource(arguments.Get("SNAPSHOT:PATH")));
  VARVE_ASSIGN_OR_RETURN(const InsideVolume inside, OpenInside(invocation, source.selector));
  if (inside.files == nullptr) {
    return InvalidArgument("the volume has partitions: give --partition N\n" +
                           PartitionTable(inside.content));
  }
  VARVE_ASSIGN_OR_RETURN(const InsideFile found, inside.files->Find(source.path));
  if (found.kind == InsideKind::kDirectory && !arguments.Has("recursive")) {
    return InvalidArgument(source.path + " is a directory: give --recursive");
  }
  VARVE_ASSIGN_OR_RETURN(const std::string target, TargetOf(arguments.Get("DEST"), source.path));
  VARVE_ASSIGN_OR_RETURN(const CopyOutReport report,
                         CopyOut(*inside.files, found, target, invocation.progress,
                                 [&](const std::string& line) { console.Warn(Printable(line)); }));
  if (console.json()) {
    console.PrintJson(JsonValue::Object{{"target", target},
                                        {"files", report.files},
                                        {"directories", report.directories},
                                        {"links", report.links},
                                        {"bytes", report.bytes},
                                        {"skipped", report.skipped}});
  } else {
    console.Print("copied " + Counted(report.files, "file") + ", " + HumanSize(report.bytes) +
                  ", to " + target + "\n");
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kCpVerb{
    .name = "cp",
    .purpose = "Copy a file or a directory out of a snapshot",
    .opening = Opening::kRead,
    .positionals = {{"SNAPSHOT:PATH"}, {"DEST"}},
    .options = {{"recursive", "", "copy directories, too, with all that is in them", false, 'R'},
                PartitionOption()},
    .details =
        "Reads ext2, ext3 and ext4 without mounting anything and without root. Permissions\n"
        "and times come along, owners do not; holes stay holes; links stay links and are\n"
        "never followed. Nothing that exists is replaced. What cannot be copied is named\n"
        "and left out (exit code 3).\n",
    .run = Run};

}  // namespace varve::cli

#include "agent/capture/thin_snapshot.h"

#include <algorithm>
#include <vector>

#include "agent/process/command.h"

namespace varve::agent {
namespace {

Result<CommandResult> Run(std::vector<std::string> words) {
  CommandRequest request;
  request.argv = std::move(words);
  request.environment["LC_ALL"] = "C";
  return RunCommand(request);
}

std::string FirstLine(const std::string& output) {
  const size_t begin = output.find_first_not_of(" \t\n");
  if (begin == std::string::npos) return "";
  const std::string line = output.substr(begin, output.find('\n', begin) - begin);
  return line.substr(0, line.find_last_not_of(" \t\r") + 1);
}

Status Failed(const std::string& what, const CommandResult& result) {
  return Status(Code::kIo, what + " ended with exit code " + std::to_string(result.exit_code) +
                               ": " + FirstLine(result.output));
}

// Of "group,name,pool".
Result<std::vector<std::string>> Fields(const std::string& device, const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char letter : line) {
    if (letter == ',') {
      fields.emplace_back();
    } else {
      fields.back() += letter;
    }
  }
  if (fields.size() == 3 && !fields[0].empty() && !fields[1].empty()) return fields;
  return Status(Code::kIo, "lvs says of " + device + " what is not understood: " + line);
}

}  // namespace

Result<LogicalVolume> FindThinVolume(const std::string& device) {
  const Result<CommandResult> listed = Run({"lvs", "--noheadings", "--separator", ",", "--options",
                                            "vg_name,lv_name,pool_lv", "--", device});
  if (!listed.ok()) {
    if (listed.status().code() != Code::kNotFound) return listed.status();
    return Unsupported(device + ": there is no LVM on this machine");
  }
  if (listed->exit_code != 0) {
    return Unsupported(device + " is no logical volume: " + FirstLine(listed->output));
  }
  VARVE_ASSIGN_OR_RETURN(const auto fields, Fields(device, FirstLine(listed->output)));
  if (fields[2].empty()) return Unsupported(device + " is a logical volume, but not a thin one");
  return LogicalVolume{fields[0], fields[1]};
}

Result<std::string> CreateThinSnapshot(const LogicalVolume& volume, const std::string& name) {
  VARVE_ASSIGN_OR_RETURN(
      const CommandResult result,
      Run({"lvcreate", "--snapshot", "--setactivationskip", "n", "--permission", "r", "--addtag",
           "varve", "--name", name, "--", volume.group + "/" + volume.name}));
  if (result.exit_code != 0) {
    return Failed("lvcreate of a snapshot of " + volume.group + "/" + volume.name, result);
  }
  return "/dev/" + volume.group + "/" + name;
}

Status RemoveThinSnapshot(const LogicalVolume& snapshot) {
  const std::string path = snapshot.group + "/" + snapshot.name;
  VARVE_ASSIGN_OR_RETURN(const CommandResult removed, Run({"lvremove", "--yes", "--", path}));
  if (removed.exit_code == 0) return {};
  if (removed.output.find("Failed to find logical volume") != std::string::npos) return {};
  return Failed("lvremove of " + path, removed);
}

}  // namespace varve::agent

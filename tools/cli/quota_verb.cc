#include <array>
#include <cstdio>

#include "human_units.h"
#include "text_table.h"
#include "verb.h"

namespace varve::cli {
namespace {

JsonValue::Object QuotaJson(const QuotaState& state) {
  return {{"volume", state.quota.volume_name},
          {"bytesMax", state.quota.bytes_max},
          {"bytesUsed", state.bytes_used}};
}

std::string Share(const QuotaState& state) {
  if (state.quota.bytes_max == 0) return "-";
  std::array<char, 32> text{};
  std::snprintf(
      text.data(), text.size(), "%.0f %%",
      100.0 * static_cast<double>(state.bytes_used) / static_cast<double>(state.quota.bytes_max));
  return text.data();
}

Result<ExitCode> List(Invocation& invocation, const std::string& volume) {
  VARVE_ASSIGN_OR_RETURN(std::vector<QuotaState> states, invocation.engine->Quotas());
  if (!volume.empty()) {
    std::erase_if(states, [&](const QuotaState& s) { return s.quota.volume_name != volume; });
    if (states.empty()) return NotFound("volume " + volume + " has no quota");
  }
  JsonValue::Array json;
  TextTable table({{"volume"}, {"quota"}, {"in use"}, {"share"}});
  for (const QuotaState& state : states) {
    json.emplace_back(QuotaJson(state));
    table.Add({state.quota.volume_name, HumanSize(state.quota.bytes_max),
               HumanSize(state.bytes_used), Share(state)});
  }
  if (invocation.console.json()) {
    invocation.console.PrintJson(std::move(json));
  } else {
    invocation.console.Print(states.empty() ? "no volume has a quota\n" : table.Text());
  }
  return ExitCode::kOk;
}

Result<ExitCode> Set(Invocation& invocation, const std::string& volume, const std::string& text) {
  VARVE_ASSIGN_OR_RETURN(const uint64_t bytes_max, ParseSize("max-bytes", text));
  VARVE_ASSIGN_OR_RETURN(const QuotaState state,
                         invocation.engine->SetQuota(volume, bytes_max, invocation.progress));
  if (invocation.console.json()) {
    invocation.console.PrintJson(QuotaJson(state));
  } else {
    invocation.console.Print("volume " + volume + " may take " + HumanSize(bytes_max) + "; " +
                             HumanSize(state.bytes_used) + " are in use\n");
  }
  if (state.bytes_used >= bytes_max) {
    invocation.console.Note("no snapshot of it is taken until snapshots are forgotten and gc ran");
  }
  return ExitCode::kOk;
}

Result<ExitCode> Remove(Invocation& invocation, const std::string& volume) {
  VARVE_RETURN_IF_ERROR(invocation.engine->RemoveQuota(volume));
  if (invocation.console.json()) {
    invocation.console.PrintJson(JsonValue::Object{{"volume", volume}, {"removed", true}});
  } else {
    invocation.console.Print("volume " + volume + " has no quota any more\n");
  }
  return ExitCode::kOk;
}

Result<ExitCode> Run(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  const std::string volume = arguments.FindOr("VOLUME", "");
  const std::optional<std::string> bytes_max = arguments.Find("max-bytes");
  const bool remove = arguments.Has("remove");
  if (!bytes_max && !remove) return List(invocation, volume);
  if (volume.empty()) return InvalidArgument("name the volume whose quota it is");
  if (bytes_max && remove) return InvalidArgument("--max-bytes or --remove, not both");
  return remove ? Remove(invocation, volume) : Set(invocation, volume, *bytes_max);
}

}  // namespace

extern const Verb kQuotaVerb{
    .name = "quota",
    .purpose = "Bound what the snapshots of a volume store, or show the bounds",
    .opening = Opening::kMaintain,
    .shows_progress = true,
    .positionals = {{"VOLUME", Count::kAtMostOne}},
    .options = {{"max-bytes", "SIZE", "so much at most; measures what is in use"},
                {"remove", "", "as much as there is room for, again"}},
    .details =
        "In use is what the volume's snapshots need of the packs: stored bytes of chunks,\n"
        "nodes and bases, each once, shared with other volumes or not. It is measured when\n"
        "the quota is set and when gc removes snapshots of the volume; each later snapshot\n"
        "adds what it stored and what it found stored beyond its parent. So a forgotten\n"
        "snapshot counts until gc. A volume over its quota gets no new snapshot, and one that\n"
        "would pass it ends without being taken: exit code 9.\n",
    .run = Run};

}  // namespace varve::cli

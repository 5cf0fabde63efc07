#include <array>

#include "human_units.h"
#include "inside_volume.h"
#include "text_table.h"

namespace varve::cli {
namespace {

const char* KindName(InsideKind kind) {
  switch (kind) {
    case InsideKind::kFile:
      return "file";
    case InsideKind::kDirectory:
      return "directory";
    case InsideKind::kLink:
      return "link";
    case InsideKind::kOther:
      break;
  }
  return "other";
}

// "drwxr-x---"
std::string ModeText(const InsideFile& file) {
  std::string text = file.kind == InsideKind::kDirectory ? "d"
                     : file.kind == InsideKind::kLink    ? "l"
                     : file.kind == InsideKind::kFile    ? "-"
                                                         : "?";
  constexpr std::array<char, 3> kLetters = {'r', 'w', 'x'};
  for (int bit = 8; bit >= 0; --bit) {
    text += (file.mode >> bit & 1) != 0 ? kLetters[static_cast<size_t>(8 - bit) % 3] : '-';
  }
  return text;
}

// What a link points to; why not, for people, if that cannot be read.
std::string TargetOf(ExtFileSystem& files, const InsideFile& link) {
  const Result<std::string> target = files.ReadLink(link);
  return target.ok() ? *target : "? (" + target.status().message() + ")";
}

JsonValue EntryJson(ExtFileSystem& files, const InsideEntry& entry) {
  JsonValue::Object object{{"name", entry.name}, {"kind", KindName(entry.file.kind)}};
  if (!entry.status.ok()) {
    object.emplace_back("error", entry.status.message());
    return object;
  }
  object.emplace_back("bytes", entry.file.size_bytes);
  object.emplace_back("mode", entry.file.mode);
  object.emplace_back("user", entry.file.user);
  object.emplace_back("group", entry.file.group);
  object.emplace_back("modified", FormatUtc(entry.file.modified_unix_ns));
  if (entry.file.kind == InsideKind::kLink) {
    object.emplace_back("target", TargetOf(files, entry.file));
  }
  return object;
}

std::string EntryTable(ExtFileSystem& files, const std::vector<InsideEntry>& entries) {
  using Align = TextTable::Align;
  TextTable table({{"MODE"},
                   {"USER", Align::kRight},
                   {"GROUP", Align::kRight},
                   {"BYTES", Align::kRight},
                   {"MODIFIED"},
                   {"NAME"}});
  for (const InsideEntry& entry : entries) {
    if (!entry.status.ok()) {
      table.Add({"?", "", "", "", "", Printable(entry.name)});
      continue;
    }
    std::string name = Printable(entry.name);
    if (entry.file.kind == InsideKind::kLink) {
      name += " -> " + Printable(TargetOf(files, entry.file));
    }
    table.Add({ModeText(entry.file), std::to_string(entry.file.user),
               std::to_string(entry.file.group), std::to_string(entry.file.size_bytes),
               HumanTime(entry.file.modified_unix_ns), name});
  }
  return table.Text();
}

void PrintPartitions(Console& console, const VolumeContent& content) {
  if (!console.json()) {
    console.Print(PartitionTable(content));
    return;
  }
  JsonValue::Array parts;
  for (const VolumePart& part : content.parts) {
    parts.push_back(JsonValue::Object{{"partition", part.number},
                                      {"offset", part.offset},
                                      {"bytes", part.size_bytes},
                                      {"fileSystem", part.file_system},
                                      {"label", part.label}});
  }
  console.PrintJson(JsonValue::Object{{"partitionTable", content.partition_table},
                                      {"partitions", std::move(parts)}});
}

Result<ExitCode> Run(Invocation& invocation) {
  Console& console = invocation.console;
  VARVE_ASSIGN_OR_RETURN(const InsideVolume inside,
                         OpenInside(invocation, invocation.arguments.Get("SNAPSHOT")));
  if (inside.files == nullptr) {
    if (invocation.arguments.Has("PATH")) {
      return InvalidArgument(
          "the volume has partitions: give --partition N; varve ls without a "
          "path shows them");
    }
    PrintPartitions(console, inside.content);
    return ExitCode::kOk;
  }
  ExtFileSystem& files = *inside.files;
  const std::string path = invocation.arguments.FindOr("PATH", "/");
  VARVE_ASSIGN_OR_RETURN(const InsideFile found, files.Find(path));
  std::vector<InsideEntry> entries;
  if (found.kind == InsideKind::kDirectory) {
    VARVE_ASSIGN_OR_RETURN(entries, files.List(found));
  } else {
    entries = {{path, found, {}}};
  }
  for (const InsideEntry& entry : entries) {
    if (!entry.status.ok()) {
      console.Warn(Printable(entry.name) + ": " + entry.status.message());
    }
  }
  if (console.json()) {
    JsonValue::Array array;
    for (const InsideEntry& entry : entries)
      array.push_back(EntryJson(files, entry));
    console.PrintJson(JsonValue::Object{{"path", path}, {"entries", std::move(array)}});
  } else {
    console.Print(EntryTable(files, entries));
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kLsVerb{
    .name = "ls",
    .purpose = "List files inside a snapshot, or its partitions",
    .opening = Opening::kRead,
    .positionals = {{"SNAPSHOT"}, {"PATH", Count::kAtMostOne}},
    .options = {PartitionOption()},
    .details =
        "Reads ext2, ext3 and ext4 without mounting anything and without root. Other file\n"
        "systems are for the kernel: varve mount, then a loop mount of the file there.\n"
        "SNAPSHOT is an id, a unique beginning of one, latest, or VOLUME@latest.\n",
    .run = Run};

}  // namespace varve::cli

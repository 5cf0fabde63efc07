#include <algorithm>

#include "text_table.h"
#include "verb.h"

namespace varve::cli {
namespace {

JsonValue InspectionJson(const Inspection& inspection) {
  JsonValue::Object object = {{"kind", inspection.kind}};
  for (const auto& [name, fact] : inspection.facts)
    object.emplace_back(name, fact);
  if (inspection.columns.empty()) return object;
  JsonValue::Array rows;
  for (const auto& row : inspection.rows) {
    JsonValue::Object members;
    for (size_t i = 0; i < row.size(); ++i)
      members.emplace_back(inspection.columns[i], row[i]);
    rows.emplace_back(std::move(members));
  }
  object.emplace_back("entries", std::move(rows));
  return object;
}

std::string InspectionText(const Inspection& inspection) {
  std::string text = inspection.kind + "\n" + FactLines(inspection.facts);
  if (inspection.columns.empty()) return text;
  std::vector<TextTable::Column> columns;
  for (std::string title : inspection.columns) {
    std::transform(title.begin(), title.end(), title.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    columns.push_back({std::move(title)});
  }
  TextTable table(std::move(columns));
  for (const auto& row : inspection.rows)
    table.Add(row);
  return text + table.Text();
}

Result<ExitCode> Run(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const Inspection inspection,
                         invocation.engine->Inspect(invocation.arguments.Get("OBJECT")));
  if (invocation.console.json()) {
    invocation.console.PrintJson(InspectionJson(inspection));
  } else {
    invocation.console.Print(InspectionText(inspection));
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kInspectVerb{
    .name = "inspect",
    .purpose = "Look inside an object of the repository",
    .opening = Opening::kRead,
    .positionals = {{"OBJECT"}},
    .details =
        "OBJECT is config, a snapshot, the id of a pack or a unique beginning of one, or "
        "the\nfull id of a chunk or node.\n",
    .run = Run};

}  // namespace varve::cli

#include "text_table.h"

#include <algorithm>

#include "base/status.h"

namespace varve::cli {
namespace {

constexpr const char* kGap = "  ";

// In characters, not bytes: names may be UTF-8.
size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

void TextTable::Add(std::vector<std::string> cells) {
  VARVE_CHECK(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::Line(const std::vector<std::string>& cells,
                            const std::vector<size_t>& widths) const {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(widths[i] - Width(cells[i]), ' ');
    if (i > 0) line += kGap;
    line += columns_[i].align == Align::kRight ? padding + cells[i] : cells[i] + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string TextTable::Text() const {
  std::vector<std::string> titles;
  std::vector<size_t> widths;
  for (const Column& column : columns_) {
    titles.push_back(column.title);
    widths.push_back(Width(column.title));
  }
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], Width(row[i]));
  }
  const bool titled =
      std::any_of(titles.begin(), titles.end(), [](const auto& title) { return !title.empty(); });
  std::string text = titled ? Line(titles, widths) : "";
  for (const auto& row : rows_)
    text += Line(row, widths);
  return text;
}

std::string FactLines(const std::vector<std::pair<std::string, std::string>>& facts) {
  TextTable table({{""}, {""}, {""}});
  for (const auto& [name, fact] : facts)
    table.Add({"", name, fact});
  return table.Text();
}

}  // namespace varve::cli

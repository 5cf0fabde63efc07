// A table for people: columns as wide as their widest cell.
#pragma once

#include <string>
#include <vector>

namespace varve::cli {

class TextTable {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns.
  void Add(std::vector<std::string> cells);
  // Lines with their ends; the titles first, unless all of them are empty.
  std::string Text() const;

 private:
  std::string Line(const std::vector<std::string>& cells, const std::vector<size_t>& widths) const;

  const std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Names and what they are, one a line, indented.
std::string FactLines(const std::vector<std::pair<std::string, std::string>>& facts);

}  // namespace varve::cli

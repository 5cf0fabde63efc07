#include "json_value.h"

#include <nlohmann/json.hpp>

#include <cstdlib>

namespace varve::cli {
namespace {

nlohmann::ordered_json Convert(const JsonValue& value) {
  return std::visit(
      [](const auto& held) -> nlohmann::ordered_json {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<Held, JsonValue::Array>) {
          auto array = nlohmann::ordered_json::array();
          for (const JsonValue& element : held)
            array.push_back(Convert(element));
          return array;
        } else if constexpr (std::is_same_v<Held, JsonValue::Object>) {
          auto object = nlohmann::ordered_json::object();
          for (const auto& [name, member] : held)
            object[name] = Convert(member);
          return object;
        } else {
          return held;
        }
      },
      value.variant());
}

JsonValue Convert(const nlohmann::ordered_json& json) {
  switch (json.type()) {
    case nlohmann::ordered_json::value_t::object: {
      JsonValue::Object object;
      for (const auto& [name, member] : json.items())
        object.emplace_back(name, Convert(member));
      return object;
    }
    case nlohmann::ordered_json::value_t::array: {
      JsonValue::Array array;
      for (const auto& element : json)
        array.push_back(Convert(element));
      return array;
    }
    case nlohmann::ordered_json::value_t::string:
      return json.get<std::string>();
    case nlohmann::ordered_json::value_t::boolean:
      return json.get<bool>();
    case nlohmann::ordered_json::value_t::number_integer:
      return json.get<int64_t>();
    case nlohmann::ordered_json::value_t::number_unsigned:
      return json.get<uint64_t>();
    case nlohmann::ordered_json::value_t::number_float:
      return json.get<double>();
    default:
      return {};
  }
}

}  // namespace

Result<JsonValue> JsonValue::Parse(const std::string& text) {
  bool too_deep = false;
  const auto limit_depth = [&](int depth, nlohmann::ordered_json::parse_event_t,
                               nlohmann::ordered_json&) {
    too_deep = too_deep || depth > kJsonDepthMax;
    return depth <= kJsonDepthMax;
  };
  const auto json = nlohmann::ordered_json::parse(text, limit_depth, false);
  if (too_deep || json.is_discarded()) {
    return InvalidArgument("no JSON: '" + text.substr(0, 80) + "'");
  }
  return Convert(json);
}

const JsonValue* JsonValue::Find(std::string_view path) const {
  const auto* object = std::get_if<Object>(&value_);
  if (object == nullptr) return nullptr;
  const size_t dot = path.find('.');
  const std::string_view first = path.substr(0, dot);
  for (const auto& [name, member] : *object) {
    if (name != first) continue;
    return dot == std::string_view::npos ? &member : member.Find(path.substr(dot + 1));
  }
  return nullptr;
}

std::string JsonValue::TextAt(std::string_view path) const {
  const JsonValue* found = path.empty() ? this : Find(path);
  if (found == nullptr || std::holds_alternative<std::monostate>(found->value_)) return "";
  if (const auto* text = std::get_if<std::string>(&found->value_)) return *text;
  if (!std::holds_alternative<Array>(found->value_)) return found->Text();
  std::string all;
  for (const JsonValue& element : found->elements())
    all += (all.empty() ? "" : ", ") + element.TextAt("");
  return all;
}

std::optional<double> JsonValue::NumberAt(std::string_view path) const {
  const std::string text = TextAt(path);
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  return text.empty() || *end != 0 ? std::nullopt : std::optional(number);
}

const JsonValue::Array& JsonValue::elements() const {
  static const Array none;
  const auto* array = std::get_if<Array>(&value_);
  return array == nullptr ? none : *array;
}

std::string JsonValue::Text() const {
  return Convert(*this).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace varve::cli

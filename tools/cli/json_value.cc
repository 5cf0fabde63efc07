#include "json_value.h"

#include <nlohmann/json.hpp>

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

}  // namespace

std::string JsonValue::Text() const {
  return Convert(*this).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace varve::cli

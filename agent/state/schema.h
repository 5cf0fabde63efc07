// The state's tables as a list of migrations: the database's user_version is how many it has seen.
// A migration that was published is never changed; a change is a new one at the end.
#pragma once

#include <span>
#include <string_view>

namespace varve::agent {

std::span<const std::string_view> StateMigrations();

}  // namespace varve::agent

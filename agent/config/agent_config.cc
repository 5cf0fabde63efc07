#include "agent/config/agent_config.h"

namespace varve::agent {

HookSet HooksOf(const AgentConfig& config, const Addon& addon) {
  if (const auto own = config.addon_hooks.find(addon.id); own != config.addon_hooks.end()) {
    return own->second;
  }
  if (const auto engine = config.engine_hooks.find(addon.engine);
      engine != config.engine_hooks.end()) {
    return engine->second;
  }
  return {};
}

}  // namespace varve::agent

// Records as the agent's tests need them, valid in every field.
#pragma once

#include <string>

#include "agent/state/state_store.h"

namespace varve::agent {

inline constexpr int64_t kDayNs = 24ll * 3600 * 1'000'000'000;

inline Addon SampleAddon(const std::string& id) {
  return {.id = id,
          .engine = "postgresql",
          .version = "15",
          .volume = {"volumes/" + id + ".img", "/mnt/" + id, CaptureKind::kReflink},
          .connection = {"127.0.0.1", 5432, "postgres", "/etc/pw", {"app"}},
          .repository = "default",
          .created_ns = 7};
}

inline Backup SampleBackup(const std::string& id, const std::string& addon_id, int64_t created_ns,
                           WorkStatus status = WorkStatus::kCompleted) {
  Backup backup;
  backup.id = id;
  backup.addon_id = addon_id;
  backup.name = "backup of " + id;
  backup.status = status;
  backup.purpose = "manual";
  backup.repository = "default";
  backup.created_ns = created_ns;
  return backup;
}

}  // namespace varve::agent

// A managed database on this node: what is known of it without asking anything. A value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::agent {

enum class CaptureKind {
  kAuto,     // the best of the following that works
  kReflink,  // a clone of the volume's file (XFS, btrfs)
  kLvmThin,  // a thin snapshot of the volume's logical volume
  kFrozen,   // the mounted file system frozen while it is read; only if that is short enough
  kStopped,  // between the stop and the start hook
  kPlain,    // as it lies there: nobody writes it (engine "none")
};

// As the API and the configuration spell it: "auto", "lvm-thin".
std::string_view CaptureKindName(CaptureKind kind);
std::optional<CaptureKind> CaptureKindOf(std::string_view name);

struct VolumeSettings {
  std::string path;        // a file or block device, absolute or below volumesDirectory
  std::string mountpoint;  // where its file system is mounted; empty: not mounted by the agent
  CaptureKind capture = CaptureKind::kAuto;
  bool operator==(const VolumeSettings&) const = default;
};

struct Connection {
  std::string host;
  uint16_t port = 0;
  std::string admin_user;
  std::string password_file;  // never its content
  std::vector<std::string> access_users;
  bool operator==(const Connection&) const = default;
};

// What a fork was made from.
struct AddonSource {
  std::string addon_id;
  std::string backup_id;
  bool operator==(const AddonSource&) const = default;
};

struct Addon {
  std::string id;
  std::string engine;  // postgresql, mysql, mariadb, mongodb, redis, none
  std::string version;
  VolumeSettings volume;
  Connection connection;
  std::string repository;
  std::optional<AddonSource> source;
  // The snapshot that a reset goes back to, made when the addon was registered; empty for forks.
  std::string provisioned_backup_id;
  int64_t created_ns = 0;  // since 1970, UTC
  bool operator==(const Addon&) const = default;
};

}  // namespace varve::agent

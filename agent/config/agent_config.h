// What the operator says of this host: read once at the agent's start. A value.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/addon.h"

namespace varve::agent {

// Commands of the operator around an addon's volume, argv each; empty: none. Words may hold
// {addon}, {volume}, {mountpoint}, {port}: replaced within the word, never by a shell. The
// environment has the same as VARVE_ADDON, VARVE_VOLUME, VARVE_MOUNTPOINT, VARVE_PORT.
struct HookSet {
  std::vector<std::string> start, stop;     // the database
  std::vector<std::string> freeze, thaw;    // e.g. CHECKPOINT, or a lock; around the capture
  std::vector<std::string> mount, unmount;  // default: mount -o loop / umount of the mountpoint
  std::vector<std::string> health;          // answers 0 when the database serves
  std::vector<std::string> drill_start;     // starts a throw-away engine on {mountpoint} at {port}
  std::vector<std::string> drill_check;     // asks it; its output goes to the log
  std::vector<std::string> drill_stop;
  std::chrono::seconds timeout{120};  // of each command
};

struct CaptureLimits {
  std::chrono::milliseconds freeze_max{10'000};
  uint64_t frozen_copy_bytes_max = 256ull << 20;  // auto picks kFrozen only below it
  // Nothing on their file systems is ever frozen. Not in the file: whoever makes captures adds the
  // repositories and the state.
  std::vector<std::string> never_frozen = {"/var/log"};
};

struct RepositorySettings {
  std::string id;
  std::string path;
  std::string password_file;  // of an encrypted one
};

// What a token may do; each includes those before it except that prune and restore are apart.
enum class Scope { kRead, kBackup, kRestore, kPrune, kAdmin };

struct TokenSettings {
  std::string name;
  std::string sha256;  // of the token, 64 hexadecimal digits; the token itself is kept nowhere
  std::vector<Scope> scopes;
  std::vector<std::string> addons;  // empty: all
};

struct PeerSettings {  // of the unix socket, by SO_PEERCRED
  std::optional<uint32_t> uid, gid;
  std::vector<Scope> scopes;
};

struct ListenSettings {
  std::string socket;   // path of the unix socket
  std::string address;  // "127.0.0.1:7443"; empty: no TCP
  std::string certificate_file, key_file, client_ca_file;
};

struct WebhookSettings {
  std::string name;
  std::string url;
  std::string secret_file;
  std::vector<std::string> events;  // empty: all
};

struct AgentConfig {
  std::string state_directory;  // agent.sqlite, mounts, clones' records
  std::string
      volumes_directory;  // relative volume paths are below it; forks' volumes are made in it
  ListenSettings listen;
  std::vector<RepositorySettings> repositories;
  std::map<std::string, HookSet> engine_hooks;  // by engine
  std::map<std::string, HookSet> addon_hooks;   // by addon id; instead of the engine's
  std::vector<TokenSettings> tokens;
  std::vector<PeerSettings> peers;
  std::vector<WebhookSettings> webhooks;
  CaptureLimits capture;
  unsigned jobs_at_once = 2;
  std::string log_format = "text";  // or "json"
  std::string log_level = "info";
};

// The hooks of an addon: its own, else its engine's, else none.
HookSet HooksOf(const AgentConfig& config, const Addon& addon);

}  // namespace varve::agent

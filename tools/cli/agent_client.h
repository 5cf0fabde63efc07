// The agent at the other end of VARVE_URL, over a unix socket or TLS: requests go out, the "data"
// of answers comes back, and a refusal comes back as a Status with the agent's words.
//
// Failures: 400, 413, 422 InvalidArgument; 401, 403 Denied; 404, 410 NotFound; 409 Busy; 429 Busy
// with kAgentTooBusy; 507 NoSpace; others, and answers that make no sense, Io. No answer at all is
// Io with kAgentUnreachable.
//
// One thread. Nothing is kept between requests.
#pragma once

#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "json_value.h"

namespace varve::cli {

// Of Status::error_number().
inline constexpr int kAgentUnreachable = ECONNREFUSED;
inline constexpr int kAgentTooBusy = EAGAIN;

inline constexpr const char* kDefaultAgentUrl = "unix:///run/varve/varved.sock";

// "/v1/addons/orders%20db": the words behind /v1, each escaped.
std::string AgentPath(const std::vector<std::string>& words);

class AgentClient {
 public:
  using Query = std::vector<std::pair<std::string, std::string>>;

  // Where VARVE_URL says (unix:///PATH or https://HOST[:PORT]), else kDefaultAgentUrl, with the
  // token in the file VARVE_TOKEN_FILE if that is set. InvalidArgument if they make no sense;
  // Denied if others than the owner can read the token's file. Nothing is sent yet.
  static Result<std::unique_ptr<AgentClient>> FromEnvironment();
  ~AgentClient();

  // The "data" of the answer; null if it has no content.
  Result<JsonValue> Get(const std::string& path, const Query& query = {});
  // All rows of a list, page by page, at most `limit` of them.
  Result<JsonValue::Array> List(const std::string& path, Query query = {}, size_t limit = SIZE_MAX);
  // A POST carries an Idempotency-Key and is sent a second time if the first got no answer.
  Result<JsonValue> Send(const std::string& method, const std::string& path,
                         const JsonValue& body = JsonValue(), const Query& query = {});
  // Server-sent events, each one's data as it comes; until `receive` answers false, the agent ends
  // them or `stop` is cancelled.
  Status Follow(const std::string& path, const Query& query, const Progress& stop,
                const std::function<bool(const std::string& data)>& receive);

 private:
  class Connection;  // knows HTTP
  explicit AgentClient(std::unique_ptr<Connection> connection);

  Result<JsonValue> Document(const std::string& path, const Query& query);

  std::unique_ptr<Connection> connection_;
};

}  // namespace varve::cli

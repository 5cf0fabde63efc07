#include "agent_client.h"

#include <httplib.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/random.h"

namespace varve::cli {
namespace {

constexpr int kConnectSeconds = 10;
// The agent answers at once but for deletes and mounts; followed logs have a comment now and then.
constexpr int kReadSeconds = 120;
constexpr size_t kTokenBytesMax = 4096;
constexpr const char* kPageRows = "100";
constexpr int kHttpsPort = 443;

std::string Escaped(const std::string& text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      escaped += c;
    } else {
      escaped += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return escaped;
}

std::string WithQuery(const std::string& path, const AgentClient::Query& query) {
  std::string target = path;
  for (const auto& [name, value] : query)
    target += (target.find('?') == std::string::npos ? "?" : "&") + name + "=" + Escaped(value);
  return target;
}

std::string FromEnvironmentOr(const char* name, const char* fallback) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == 0 ? fallback : value;
}

Result<std::string> ReadToken(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return Status::FromErrno(errno, "token file " + path);
  if ((status.st_mode & 077) != 0) {
    return Status(Code::kDenied,
                  "token file " + path + " can be read by others than its owner: chmod 600");
  }
  std::ifstream file(path);
  std::string token(kTokenBytesMax, '\0');
  file.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<size_t>(file.gcount()));
  token.erase(token.find_last_not_of(" \t\r\n") + 1);
  if (token.empty()) return InvalidArgument("token file " + path + " holds no token");
  const bool printable =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 127; });
  if (!printable) return InvalidArgument("token file " + path + " holds no token of one word");
  return token;
}

std::string NewIdempotencyKey() {
  std::array<uint8_t, 16> bytes{};
  Random::System().Fill(bytes);
  std::ostringstream key;
  for (const uint8_t byte : bytes)
    key << std::hex << std::setw(2) << std::setfill('0') << int{byte};
  return key.str();
}

Status RefusalOf(int http_status, const std::string& body) {
  const Result<JsonValue> document = JsonValue::Parse(body);
  std::string message = document.ok() ? document->TextAt("error.message") : "";
  if (message.empty()) message = "the agent answered " + std::to_string(http_status);
  switch (http_status) {
    case 400:
    case 413:
    case 422:
      return InvalidArgument(message);
    case 401:
    case 403:
      return {Code::kDenied, message};
    case 404:
    case 410:
      return NotFound(message);
    case 409:
      return Busy(message);
    case 429:
      return {Code::kBusy, message, kAgentTooBusy};
    case 507:
      return {Code::kNoSpace, message};
    default:
      return {Code::kIo, message};
  }
}

}  // namespace

std::string AgentPath(const std::vector<std::string>& words) {
  std::string path = "/v1";
  for (const std::string& word : words)
    path += "/" + Escaped(word);
  return path;
}

class AgentClient::Connection {
 public:
  static Result<std::unique_ptr<Connection>> Open(const std::string& url, std::string token) {
    auto connection = std::unique_ptr<Connection>(new Connection(url, std::move(token)));
    constexpr std::string_view kUnix = "unix://";
    constexpr std::string_view kTls = "https://";
    if (url.starts_with(std::string(kUnix) + "/")) {
      connection->client_ = std::make_unique<httplib::Client>(url.substr(kUnix.size()), 80);
      connection->client_->set_address_family(AF_UNIX);
    } else if (url.starts_with(kTls)) {
      std::string host = url.substr(kTls.size());
      if (host.ends_with("/")) host.pop_back();
      if (host.empty() || host.find_first_of("/?#@ ") != std::string::npos) {
        return InvalidArgument("VARVE_URL '" + url + "' is not https://HOST or https://HOST:PORT");
      }
      if (host.find(':') == std::string::npos) host += ":" + std::to_string(kHttpsPort);
      connection->client_ = std::make_unique<httplib::Client>(std::string(kTls) + host);
      if (!connection->client_->is_valid()) {
        return InvalidArgument("VARVE_URL '" + url + "' is not https://HOST or https://HOST:PORT");
      }
      connection->client_->enable_server_certificate_verification(true);
    } else {
      return InvalidArgument("VARVE_URL '" + url + "' is neither unix:///PATH nor https://HOST");
    }
    connection->client_->set_connection_timeout(kConnectSeconds);
    connection->client_->set_read_timeout(kReadSeconds);
    return connection;
  }

  // The body of an answer that is no refusal.
  Result<std::string> Exchange(httplib::Request request) {
    AddHeaders(request);
    httplib::Response response;
    auto error = httplib::Error::Success;
    if (!client_->send(request, response, error)) return Unreachable(error);
    if (response.status >= 400) return RefusalOf(response.status, response.body);
    return response.body;
  }

  // The body goes to `receive` piece by piece; false ends it.
  Status Stream(const std::string& target, const std::function<bool(std::string_view)>& receive) {
    httplib::Request request;
    request.method = "GET";
    request.path = target;
    AddHeaders(request);
    request.set_header("Accept", "text/event-stream");
    int http_status = 0;
    bool is_ended = false;
    std::string refusal;
    request.response_handler = [&](const httplib::Response& response) {
      http_status = response.status;
      return true;
    };
    request.content_receiver = [&](const char* data, size_t length, uint64_t, uint64_t) {
      if (http_status >= 400) {
        refusal.append(data, length);
        return true;
      }
      is_ended = !receive({data, length});
      return !is_ended;
    };
    httplib::Response response;
    auto error = httplib::Error::Success;
    const bool is_whole = client_->send(request, response, error);
    if (http_status >= 400) return RefusalOf(http_status, refusal);
    return is_whole || is_ended ? Status() : Unreachable(error);
  }

 private:
  Connection(std::string url, std::string token) : url_(std::move(url)), token_(std::move(token)) {}

  void AddHeaders(httplib::Request& request) const {
    if (url_.starts_with("unix:")) request.set_header("Host", "localhost");
    if (!token_.empty()) request.set_header("Authorization", "Bearer " + token_);
  }

  Status Unreachable(httplib::Error error) const {
    return {Code::kIo,
            "the agent at " + url_ + " does not answer (" + httplib::to_string(error) +
                "): is varved running, and is VARVE_URL right?",
            kAgentUnreachable};
  }

  const std::string url_;
  const std::string token_;
  std::unique_ptr<httplib::Client> client_;
};

AgentClient::AgentClient(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}
AgentClient::~AgentClient() = default;

Result<std::unique_ptr<AgentClient>> AgentClient::FromEnvironment() {
  const std::string token_file = FromEnvironmentOr("VARVE_TOKEN_FILE", "");
  std::string token;
  if (!token_file.empty()) {
    VARVE_ASSIGN_OR_RETURN(token, ReadToken(token_file));
  }
  const std::string url = FromEnvironmentOr("VARVE_URL", kDefaultAgentUrl);
  VARVE_ASSIGN_OR_RETURN(auto connection, Connection::Open(url, std::move(token)));
  return std::unique_ptr<AgentClient>(new AgentClient(std::move(connection)));
}

// The whole answer, without which there is none.
Result<JsonValue> AgentClient::Document(const std::string& path, const Query& query) {
  httplib::Request request;
  request.method = "GET";
  request.path = WithQuery(path, query);
  VARVE_ASSIGN_OR_RETURN(const std::string body, connection_->Exchange(std::move(request)));
  Result<JsonValue> document = JsonValue::Parse(body);
  if (!document.ok() || document->Find("data") == nullptr) {
    return Status(Code::kIo, "the agent's answer to GET " + path + " is none of varved's: '" +
                                 body.substr(0, 80) + "'");
  }
  return document;
}

Result<JsonValue> AgentClient::Get(const std::string& path, const Query& query) {
  VARVE_ASSIGN_OR_RETURN(const JsonValue document, Document(path, query));
  return *document.Find("data");
}

Result<JsonValue::Array> AgentClient::List(const std::string& path, Query query, size_t limit) {
  const bool is_one_page = limit <= 100;
  query.emplace_back("per_page", is_one_page ? std::to_string(limit) : kPageRows);
  const Query first_query = query;
  JsonValue::Array rows;
  while (rows.size() < limit) {
    VARVE_ASSIGN_OR_RETURN(const JsonValue document, Document(path, query));
    for (const JsonValue& row : document.Find("data")->elements()) {
      if (rows.size() < limit) rows.push_back(row);
    }
    const std::string cursor = document.TextAt("pagination.cursor");
    if (document.TextAt("pagination.hasNextPage") != "true" || cursor.empty()) break;
    query = first_query;
    query.emplace_back("cursor", cursor);
  }
  return rows;
}

Result<JsonValue> AgentClient::Send(const std::string& method, const std::string& path,
                                    const JsonValue& body, const Query& query) {
  httplib::Request request;
  request.method = method;
  request.path = WithQuery(path, query);
  if (!std::holds_alternative<std::monostate>(body.variant())) {
    request.body = body.Text();
    request.set_header("Content-Type", "application/json");
  }
  if (method == "POST") request.set_header("Idempotency-Key", NewIdempotencyKey());
  Result<std::string> answer = connection_->Exchange(request);
  if (!answer.ok() && answer.status().error_number() == kAgentUnreachable && method == "POST") {
    answer = connection_->Exchange(request);
  }
  if (!answer.ok()) return answer.status();
  if (answer->empty()) return JsonValue();
  const Result<JsonValue> document = JsonValue::Parse(*answer);
  const JsonValue* data = document.ok() ? document->Find("data") : nullptr;
  if (data == nullptr) {
    return Status(Code::kIo, "the agent's answer to " + method + " " + path +
                                 " is none of varved's: '" + answer->substr(0, 80) + "'");
  }
  return *data;
}

Status AgentClient::Follow(const std::string& path, const Query& query, const Progress& stop,
                           const std::function<bool(const std::string& data)>& receive) {
  std::string pending;
  const auto take = [&](std::string_view piece) {
    pending += piece;
    size_t end = 0;
    while ((end = pending.find('\n')) != std::string::npos) {
      const std::string line = pending.substr(0, end);
      pending.erase(0, end + 1);
      constexpr std::string_view kData = "data:";
      if (!line.starts_with(kData)) continue;
      if (!receive(line.substr(line.find_first_not_of(' ', kData.size())))) return false;
    }
    return !stop.cancelled;
  };
  return connection_->Stream(WithQuery(path, query), take);
}

}  // namespace varve::cli

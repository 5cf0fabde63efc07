#include "repo/session.h"

namespace varve {

std::string SessionPath(const SessionId& id) {
  return "sessions/" + id.Hex();
}

Session::~Session() {
  static_cast<void>(End());
}

Status Session::End() {
  if (alive_ == nullptr) return {};
  const Status removed = storage_.Remove(SessionPath(record_.id));
  // Last: as long as the record is there, somebody vouches for it.
  alive_ = nullptr;
  return removed.code() == Code::kNotFound ? Status() : removed;
}

}  // namespace varve

// The values of the model as columns of a row, and back. What no writer could have written is
// Corruption that names the column. Pure functions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/addon.h"
#include "agent/model/backup.h"
#include "agent/model/backup_schedule.h"
#include "base/status.h"

namespace varve::agent {

std::string EncodeList(const std::vector<std::string>& values);
Result<std::vector<std::string>> DecodeList(const std::string& text);
std::string EncodeVolume(const VolumeSettings& volume);
Result<VolumeSettings> DecodeVolume(const std::string& text);
std::string EncodeConnection(const Connection& connection);
Result<Connection> DecodeConnection(const std::string& text);
std::string EncodeSource(const AddonSource& source);
Result<AddonSource> DecodeSource(const std::string& text);
std::string EncodeFacts(const BackupFacts& facts);
Result<BackupFacts> DecodeFacts(const std::string& text);
std::string EncodeHold(const Hold& hold);
Result<Hold> DecodeHold(const std::string& text);
std::string EncodeVerification(const Verification& verification);
Result<Verification> DecodeVerification(const std::string& text);
// The rule and the generations of a schedule; the interval has a column of its own.
std::string EncodeRule(const BackupSchedule& schedule);
Status DecodeRule(const std::string& text, BackupSchedule* schedule);
std::string IntervalName(Interval interval);
std::optional<Interval> IntervalOf(const std::string& name);

// The value that a name in the column stands for, by one of the model's ...Of() functions.
template <typename Value, typename Find>
Status DecodeName(const std::string& column, const std::string& name, const Find& find,
                  Value* value) {
  const std::optional<Value> found = find(name);
  if (!found) return Corruption("state: '" + name + "' is no " + column);
  *value = *found;
  return {};
}

// A place in a list: after the row of this time and number.
struct ListCursor {
  int64_t time_ns = 0;
  int64_t number = 0;
};
std::string EncodeCursor(const ListCursor& cursor);
// InvalidArgument for what EncodeCursor() cannot have made.
Result<ListCursor> DecodeCursor(const std::string& text);

}  // namespace varve::agent

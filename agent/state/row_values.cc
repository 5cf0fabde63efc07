#include "agent/state/row_values.h"

#include <nlohmann/json.hpp>

#include <charconv>

namespace varve::agent {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 3> kIntervals{"hourly", "daily", "weekly"};

// Bytes that are no UTF-8 (a hook's output, say) are replaced: they must not make a record
// unwritable.
std::string TextOf(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The library throws on what it did not expect; here that is damage.
template <typename Value>
Result<Value> Decode(const std::string& what, const std::string& text,
                     const std::function<Value(const Json&)>& decode) {
  try {
    return decode(Json::parse(text));
  } catch (const Json::exception& failure) {
    return Corruption("state: " + what + " cannot be read: " + failure.what());
  }
}

}  // namespace

std::string EncodeList(const std::vector<std::string>& values) {
  return TextOf(values);
}

Result<std::vector<std::string>> DecodeList(const std::string& text) {
  return Decode<std::vector<std::string>>(
      "a list", text, [](const Json& json) { return json.get<std::vector<std::string>>(); });
}

std::string EncodeVolume(const VolumeSettings& volume) {
  return TextOf({{"path", volume.path},
                 {"mountpoint", volume.mountpoint},
                 {"capture", CaptureKindName(volume.capture)}});
}

Result<VolumeSettings> DecodeVolume(const std::string& text) {
  std::string capture;
  VARVE_ASSIGN_OR_RETURN(VolumeSettings volume,
                         Decode<VolumeSettings>("a volume", text, [&](const Json& json) {
                           capture = json.at("capture");
                           return VolumeSettings{json.at("path"), json.at("mountpoint"), {}};
                         }));
  VARVE_RETURN_IF_ERROR(DecodeName("capture", capture, CaptureKindOf, &volume.capture));
  return volume;
}

std::string EncodeConnection(const Connection& connection) {
  return TextOf({{"host", connection.host},
                 {"port", connection.port},
                 {"adminUser", connection.admin_user},
                 {"passwordFile", connection.password_file},
                 {"accessUsers", connection.access_users}});
}

Result<Connection> DecodeConnection(const std::string& text) {
  return Decode<Connection>("a connection", text, [](const Json& json) {
    return Connection{json.at("host"), json.at("port"), json.at("adminUser"),
                      json.at("passwordFile"),
                      json.at("accessUsers").get<std::vector<std::string>>()};
  });
}

std::string EncodeSource(const AddonSource& source) {
  return TextOf({{"addonId", source.addon_id}, {"backupId", source.backup_id}});
}

Result<AddonSource> DecodeSource(const std::string& text) {
  return Decode<AddonSource>("an addon's source", text, [](const Json& json) {
    return AddonSource{json.at("addonId"), json.at("backupId")};
  });
}

std::string EncodeFacts(const BackupFacts& facts) {
  return TextOf({{"logical", facts.bytes_logical},
                 {"read", facts.bytes_read},
                 {"changed", facts.bytes_changed},
                 {"stored", facts.bytes_stored},
                 {"consistency", facts.consistency},
                 {"changeSource", facts.change_source},
                 {"fallback", facts.fallback_reason},
                 {"capture", facts.capture},
                 {"pauseNs", facts.pause_ns},
                 {"parent", facts.parent_snapshot}});
}

Result<BackupFacts> DecodeFacts(const std::string& text) {
  return Decode<BackupFacts>("a backup's facts", text, [](const Json& json) {
    return BackupFacts{json.at("logical"),  json.at("read"),        json.at("changed"),
                       json.at("stored"),   json.at("consistency"), json.at("changeSource"),
                       json.at("fallback"), json.at("capture"),     json.at("pauseNs"),
                       json.at("parent")};
  });
}

std::string EncodeHold(const Hold& hold) {
  return TextOf({{"name", hold.name}, {"reason", hold.reason}, {"sinceNs", hold.since_ns}});
}

Result<Hold> DecodeHold(const std::string& text) {
  return Decode<Hold>("a hold", text, [](const Json& json) {
    return Hold{json.at("name"), json.at("reason"), json.at("sinceNs")};
  });
}

std::string EncodeVerification(const Verification& verification) {
  return TextOf({{"level", verification.level},
                 {"result", verification.result},
                 {"detail", verification.detail},
                 {"atNs", verification.at_ns}});
}

Result<Verification> DecodeVerification(const std::string& text) {
  return Decode<Verification>("a verification", text, [](const Json& json) {
    return Verification{json.at("level"), json.at("result"), json.at("detail"), json.at("atNs")};
  });
}

std::string EncodeRule(const BackupSchedule& schedule) {
  const ScheduleRule& rule = schedule.rule;
  const RetentionPolicy& keep = schedule.generations;
  return TextOf(
      {{"minutes", rule.minutes},
       {"hours", rule.hours},
       {"days", rule.days},
       {"zone", rule.zone},
       {"retentionDays", rule.retention_days},
       {"keep", {keep.last, keep.hourly, keep.daily, keep.weekly, keep.monthly, keep.yearly}},
       {"keepWithinNs", keep.within_ns}});
}

Status DecodeRule(const std::string& text, BackupSchedule* schedule) {
  return Decode<bool>("a schedule's rule", text,
                      [&](const Json& json) {
                        ScheduleRule& rule = schedule->rule;
                        rule.minutes = json.at("minutes").get<std::vector<int>>();
                        rule.hours = json.at("hours").get<std::vector<int>>();
                        rule.days = json.at("days").get<std::vector<int>>();
                        rule.zone = json.at("zone");
                        rule.retention_days = json.at("retentionDays");
                        RetentionPolicy& keep = schedule->generations;
                        const Json& counts = json.at("keep");
                        keep.last = counts.at(0);
                        keep.hourly = counts.at(1);
                        keep.daily = counts.at(2);
                        keep.weekly = counts.at(3);
                        keep.monthly = counts.at(4);
                        keep.yearly = counts.at(5);
                        keep.within_ns = json.at("keepWithinNs");
                        return true;
                      })
      .status();
}

std::string IntervalName(Interval interval) {
  return std::string(kIntervals[static_cast<size_t>(interval)]);
}

std::optional<Interval> IntervalOf(const std::string& name) {
  for (size_t i = 0; i < kIntervals.size(); ++i) {
    if (kIntervals[i] == name) return static_cast<Interval>(i);
  }
  return std::nullopt;
}

std::string EncodeCursor(const ListCursor& cursor) {
  return std::to_string(cursor.time_ns) + "." + std::to_string(cursor.number);
}

Result<ListCursor> DecodeCursor(const std::string& text) {
  ListCursor cursor;
  const char* const end = text.data() + text.size();
  const auto time = std::from_chars(text.data(), end, cursor.time_ns);
  if (time.ec == std::errc() && time.ptr != end && *time.ptr == '.') {
    const auto number = std::from_chars(time.ptr + 1, end, cursor.number);
    if (number.ec == std::errc() && number.ptr == end) return cursor;
  }
  return InvalidArgument("cursor '" + text.substr(0, 80) + "' is none of a list's");
}

}  // namespace varve::agent

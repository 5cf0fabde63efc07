// One valid value of each small object, and ids to tell apart. The same in every run: the golden
// files are made of them. Pure functions.
#pragma once

#include "base/limits.h"
#include "format/condemned_record.h"
#include "format/config_format.h"
#include "format/damage_record.h"
#include "format/quota_table.h"
#include "format/session_record.h"
#include "format/snapshot_note.h"
#include "format/snapshot_record.h"

namespace varve {

// An id whose bytes count up from `first`.
template <typename IdType>
IdType CountingId(uint8_t first) {
  IdType id;
  for (uint8_t& byte : id.bytes)
    byte = first++;
  return id;
}

inline RepositoryConfig SampleConfig() {
  RepositoryConfig config;
  config.id = CountingId<RepositoryId>(0x10);
  config.created_unix_ns = 1'700'000'000'123'456'789;
  config.chunk_size_bytes = kChunkSizeMin;
  uint8_t next = 1;
  for (uint8_t& byte : config.id_key)
    byte = next++;
  for (uint8_t& byte : config.fingerprint_secret)
    byte = static_cast<uint8_t>(next++ * 37);
  return config;
}

// Every optional field is there, tags repeat.
inline SnapshotRecord SampleSnapshotRecord() {
  SnapshotRecord record;
  record.id = CountingId<SnapshotId>(0x40);
  record.volume_name = "orders-db";
  record.volume_identity = "file:/volumes/orders.img";
  record.size_bytes = 64 * kChunkSizeMin + 1;
  record.chunk_size_bytes = kChunkSizeMin;
  record.root = CountingId<ContentId>(0x80);
  record.parent = CountingId<SnapshotId>(0x41);
  record.sequence = 7;
  record.predecessor = CountingId<SnapshotId>(0x42);
  record.start_unix_ns = 1'700'000'100'000'000'000;
  record.end_unix_ns = 1'700'000'101'000'000'000;
  record.consistency = Consistency::kCrash;
  record.capture = "reflink";
  record.change_source = "scan";
  record.fallback_reason = "the captured parent is gone";
  record.tags = {{"host", "storage-1"}, {"note", ""}, {"note", "a=b"}};
  record.statistics = {.bytes_total = 262145,
                       .bytes_read = 262145,
                       .bytes_changed = 12289,
                       .bytes_stored = 4700,
                       .bytes_metadata = 500,
                       .chunks_total = 65,
                       .chunks_changed = 4,
                       .chunks_new = 3,
                       .chunks_delta = 1,
                       .chunks_deduplicated = 0};
  return record;
}

// A volume of zeros, no optional field, empty texts where the format allows them.
inline SnapshotRecord SampleMinimalRecord() {
  SnapshotRecord record;
  record.id = CountingId<SnapshotId>(0x60);
  record.size_bytes = 10'000;
  record.chunk_size_bytes = kChunkSizeMax;
  record.sequence = 1;
  record.consistency = Consistency::kFuzzy;
  return record;
}

inline DamageRecord SampleDamage() {
  DamageRecord damage;
  damage.id = CountingId<DamageId>(0xe0);
  damage.found_unix_ns = 1'700'000'200'000'000'000;
  damage.pack = CountingId<PackId>(0xc0);
  damage.offsets = {96, 70'000};
  damage.what = "found by a scrub";
  return damage;
}

inline SessionRecord SampleSession() {
  SessionRecord session;
  session.id = CountingId<SessionId>(0xa0);
  session.fencing_token = 12;
  session.process_id = 4711;
  session.host = "storage-1";
  session.start_unix_ns = 1'700'000'099'000'000'000;
  session.purpose = "snapshot of orders-db";
  session.pins = {CountingId<SnapshotId>(0x41)};
  return session;
}

// A mount that reads two snapshots.
inline SessionRecord SampleReaderSession() {
  SessionRecord session = SampleSession();
  session.id = CountingId<SessionId>(0xb0);
  session.purpose = "mount";
  session.role = SessionRole::kReader;
  session.pins.push_back(CountingId<SnapshotId>(0x60));
  return session;
}

inline SnapshotNote SampleTombstone() {
  return {CountingId<SnapshotId>(0x42), 1'700'000'200'000'000'000,
          "keep-last 3: the 4th of orders"};
}

inline SnapshotNote SampleHold() {
  return {CountingId<SnapshotId>(0x40), 1'700'000'300'000'000'000, "before the migration"};
}

inline CondemnedRecord SampleCondemned() {
  return {CountingId<CondemnedId>(0xd0),
          1'700'000'400'000'000'000,
          {CountingId<PackId>(0xd1), CountingId<PackId>(0xd2)},
          {CountingId<SessionId>(0xa0)}};
}

inline QuotaTable SampleQuotas() {
  return {CountingId<QuotaTableId>(0x90),
          1'700'000'500'000'000'000,
          3,
          {{"ledger", 0, 0, 0}, {"orders-db", uint64_t{10} << 30, 123'456'789, 7}}};
}

}  // namespace varve

#include "golden/golden_files.h"

#include <algorithm>

#include "base/content_hasher.h"
#include "base/limits.h"
#include "format/node_format.h"
#include "format/raw_object.h"
#include "format/sample_objects.h"
#include "format/whole_pack.h"

namespace varve {
namespace {

constexpr uint8_t kSmallestPack = 0xc0;
constexpr uint8_t kChunkPack = 0xc1;
constexpr uint8_t kNodePack = 0xc2;

// Chunk 1 against chunk 0 as zstd 1.5.4 encodes it at level 1: a delta that copies from its base.
constexpr uint8_t kDelta[] = {0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x00, 0x0f, 0x8d, 0x00,
                              0x00, 0x28, 0x76, 0x61, 0x72, 0x76, 0x65, 0x02, 0x00,
                              0x10, 0x04, 0xbe, 0x96, 0x1f, 0x80, 0xea, 0x04, 0x01};
// Chunk 63, 4096 times the same byte: a frame of one run-length block.
constexpr uint8_t kRun[] = {0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x00, 0x0f, 0x03, 0x80, 0x00, 0xab};

constexpr size_t kDeltaChunk = 1;
constexpr size_t kRunChunk = 63;
constexpr size_t kTailChunk = 64;

ByteSpan ChunkOf(ByteSpan volume, size_t index) {
  const size_t at = index * kChunkSizeMin;
  return volume.subspan(at, std::min<size_t>(kChunkSizeMin, volume.size() - at));
}

RawFrame Frame(ContentKind kind, ByteSpan raw) {
  ContentHasher hasher(SampleConfig().id_key);
  RawFrame frame;
  frame.info.kind = kind;
  frame.info.raw_length = frame.info.stored_length = static_cast<uint32_t>(raw.size());
  frame.info.id = hasher.Compute(kind, raw);
  frame.stored.assign(raw.begin(), raw.end());
  return frame;
}

RawFrame Encoded(RawFrame frame, Encoding encoding, ByteSpan stored, const ContentId& base = {}) {
  frame.info.encoding = encoding;
  frame.info.stored_length = static_cast<uint32_t>(stored.size());
  frame.info.base = base;
  frame.stored.assign(stored.begin(), stored.end());
  return frame;
}

PackHeader HeaderOf(PackContent content, uint8_t id) {
  return {content, SampleConfig().id, CountingId<PackId>(id)};
}

// One chunk of one byte: the last chunk of the volume.
Bytes SmallestPack() {
  const Bytes volume = GoldenVolume();
  return BuildPack(HeaderOf(PackContent::kChunks, kSmallestPack),
                   {Frame(ContentKind::kChunk, ChunkOf(volume, kTailChunk))});
}

Bytes ChunkPack() {
  const Bytes volume = GoldenVolume();
  const RawFrame base = Frame(ContentKind::kChunk, ChunkOf(volume, 0));
  const RawFrame changed = Frame(ContentKind::kChunk, ChunkOf(volume, kDeltaChunk));
  const RawFrame run = Frame(ContentKind::kChunk, ChunkOf(volume, kRunChunk));
  return BuildPack(HeaderOf(PackContent::kChunks, kChunkPack),
                   {base, Encoded(changed, Encoding::kDelta, kDelta, base.info.id),
                    Encoded(run, Encoding::kZstd, kRun)});
}

// The three nodes of the volume: two leaves and the root.
std::vector<RawFrame> Nodes() {
  const Bytes volume = GoldenVolume();
  std::vector<RawFrame> nodes;
  std::vector<NodeRef> references;
  const TreeGeometry geometry(volume.size(), kChunkSizeMin);
  for (uint64_t leaf = 0; leaf < geometry.NodeCount(0); ++leaf) {
    std::vector<ChunkRef> entries(geometry.EntryCount(0, leaf));
    uint64_t chunk_count = 0;
    for (size_t i = 0; i < entries.size(); ++i) {
      const ByteSpan chunk = ChunkOf(volume, leaf * kLeafChunks + i);
      if (IsAllZero(chunk)) continue;
      entries[i] = {Frame(ContentKind::kChunk, chunk).info.id,
                    ComputeFingerprint(SampleConfig().fingerprint_secret, chunk)};
      ++chunk_count;
    }
    nodes.push_back(Frame(ContentKind::kLeaf, EncodeLeaf(entries)));
    references.push_back({nodes.back().info.id, chunk_count});
  }
  nodes.push_back(Frame(ContentKind::kInner, EncodeInner(1, references)));
  return nodes;
}

SnapshotRecord GoldenSnapshot() {
  SnapshotRecord record = SampleSnapshotRecord();
  record.size_bytes = GoldenVolume().size();
  record.root = Nodes().back().info.id;
  return record;
}

// The same, copied from another repository.
SnapshotRecord CopiedSnapshot() {
  SnapshotRecord record = GoldenSnapshot();
  record.origin = SnapshotOrigin{CountingId<RepositoryId>(0x11), 7, CountingId<SnapshotId>(0x43),
                                 CountingId<SnapshotId>(0x44)};
  return record;
}

// One that found what it stores stored already.
SnapshotRecord ReusingSnapshot() {
  SnapshotRecord record = GoldenSnapshot();
  record.statistics.bytes_reused = 5'000;
  return record;
}

Bytes WithByte(Bytes bytes, size_t at, uint8_t value) {
  bytes[at] = value;
  return bytes;
}

Bytes Repaired(Bytes object) {
  RepairSmallObject(object);
  return object;
}

// A config whose header has a byte replaced, with a right checksum.
Bytes ConfigWithByte(size_t at, uint8_t value) {
  return Repaired(WithByte(EncodeConfig(SampleConfig()), at, value));
}

Bytes Cut(Bytes bytes, size_t drop) {
  bytes.resize(bytes.size() - drop);
  return bytes;
}

Bytes WithMore(Bytes bytes, size_t more) {
  bytes.resize(bytes.size() + more);
  return bytes;
}

void AddBadEnvelopes(std::vector<BadFile>* files) {
  const Bytes config = EncodeConfig(SampleConfig());
  std::vector<RawField> fields = FieldsOf(config);
  const auto add = [&](const char* name, Bytes bytes, const char* message,
                       Code code = Code::kCorruption) {
    files->push_back({name, std::move(bytes), code, message});
  };
  add("config_magic", ConfigWithByte(0, 'v'), "has no VARVEOBJ magic");
  add("config_header_checksum", WithByte(config, 20, 0), "header checksum does not match");
  add("config_payload_checksum", WithByte(config, config.size() - 1, 0),
      "payload checksum does not match");
  add("config_newer_version", ConfigWithByte(8, 2), "format version 2 is newer",
      Code::kUnsupported);
  add("config_version_zero", ConfigWithByte(8, 0), "format version 0");
  add("config_sealed", ConfigWithByte(11, 1), "is sealed and was not opened", Code::kUnsupported);
  add("config_is_a_session", ConfigWithByte(10, 3), "is of kind 3, expected 1");
  add("config_shorter_than_header", Bytes(config.begin(), config.begin() + 63),
      "is 63 bytes, shorter than a header");
  add("config_truncated", Cut(config, 1), "payload of 268 bytes announced, 267 present");
  add("config_bytes_after_end", WithMore(config, 1), "payload of 268 bytes announced, 269 present");
  add("config_other_object_id", ConfigWithByte(47, 1), "object id is not zero");
  add("config_without_repository", RawObject(ObjectKind::kConfig, {}, {}, fields),
      "repository id is zero");
  add("config_chunk_size", WithField(config, NumberField<uint32_t>(2, 5000)), "chunk size 5000");
  add("config_chunk_size_too_large", WithField(config, NumberField<uint32_t>(2, 1 << 20)),
      "chunk size 1048576");
  add("config_field_missing", WithoutField(config, 0x8003), "field 0x8003 is missing");
  add("config_field_length", WithField(config, NumberField<uint64_t>(2, 4096)),
      "field 0x0002 is 8 bytes, expected 4");
  add("config_field_reserved", WithField(config, {2, {0, 16, 0, 0}, 1}),
      "field 0x0002 has reserved bits set");
  add("config_field_passes_end", Repaired(WithByte(config, 64 + 8 + 8 + 4 + 2, 1)),
      "field 0x0002 of 65540 bytes passes the end");
  add("config_field_header_cut",
      Repaired(WithByte(WithMore(config, 7), 12, static_cast<uint8_t>(config[12] + 7))),
      "ends inside a field header");
  std::swap(fields[0], fields[1]);
  add("config_fields_descend", WithFields(config, fields), "field 0x0001 is out of order");
  fields[1] = fields[0];
  add("config_field_twice", WithFields(config, fields), "field 0x0002 comes twice");
  fields = FieldsOf(config);
  fields.push_back({0x9000, {}, 0});
  add("config_critical_field", WithFields(config, fields), "critical field 0x9000 is not known",
      Code::kUnsupported);
}

void AddBadRecords(std::vector<BadFile>* files) {
  const Bytes record = EncodeSnapshotRecord(GoldenSnapshot(), SampleConfig().id);
  const auto add = [&](const char* name, const RawField& field, const char* message) {
    files->push_back({name, WithField(record, field), Code::kCorruption, message});
  };
  add("snapshot_volume_too_large", NumberField<uint64_t>(3, kVolumeSizeMax + 1),
      "volume size 72057594037927937");
  add("snapshot_chunk_size", NumberField<uint32_t>(4, 2048), "chunk size 2048");
  add("snapshot_empty_with_root", NumberField<uint64_t>(3, 0), "an empty volume with a root");
  add("snapshot_sequence_zero", NumberField<uint64_t>(7, 0), "sequence 0");
  add("snapshot_consistency", NumberField<uint8_t>(0xb, 5), "consistency class 5");
  add("snapshot_parent_length", {6, Bytes(15), 0}, "field 0x0006 is 15 bytes, expected 16");
  add("snapshot_tag_without_key", TextField(0xf, "=x"), "tag without a key");
  add("snapshot_text_with_nul", {1, Bytes(3), 0}, "field 0x0001 holds a NUL");
  add("snapshot_text_too_long", TextField(1, std::string(256, 'x')),
      "field 0x0001 is 256 bytes, at most 255 allowed");
  add("snapshot_statistics_length", {0x10, Bytes(88), 0}, "field 0x0010 is 88 bytes, expected 80");
  std::vector<RawField> fields = FieldsOf(record);
  const auto tag = std::find_if(fields.begin(), fields.end(),
                                [](const RawField& field) { return field.tag == 0xf; });
  fields.insert(tag, kTagsMax, *tag);
  files->push_back({"snapshot_too_many_tags", WithFields(record, fields), Code::kCorruption,
                    "field 0x000f repeats more than 64 times"});
  files->push_back({"snapshot_of_another_repository",
                    EncodeSnapshotRecord(GoldenSnapshot(), CountingId<RepositoryId>(0x11)),
                    Code::kCorruption, "belongs to repository 11121314"});
  SnapshotRecord other = GoldenSnapshot();
  other.id = CountingId<SnapshotId>(0x50);
  files->push_back({"snapshot_under_another_name", EncodeSnapshotRecord(other, SampleConfig().id),
                    Code::kCorruption, "holds the record of snapshot 5051"});
}

void AddBadSessions(std::vector<BadFile>* files) {
  const SessionRecord session = SampleSession();
  const Bytes bytes = EncodeSessionRecord(session, SampleConfig().id);
  files->push_back({"session_without_token", WithoutField(bytes, 1), Code::kCorruption,
                    "field 0x0001 is missing"});
  files->push_back({"session_of_another_repository",
                    EncodeSessionRecord(session, CountingId<RepositoryId>(0x11)), Code::kCorruption,
                    "belongs to another repository"});
}

void AddBadNotes(std::vector<BadFile>* files) {
  const RepositoryId repository = SampleConfig().id;
  const auto add = [&](const char* name, Bytes bytes, const char* message) {
    files->push_back({name, std::move(bytes), Code::kCorruption, message});
  };
  const Bytes reader = EncodeSessionRecord(SampleReaderSession(), repository);
  add("reader_session_role", WithField(reader, NumberField<uint8_t>(7, 3)), "role 3");
  add("reader_session_pins", WithField(reader, {6, Bytes(31), 0}),
      "field 0x0006 is 31 bytes, not a list of at most 16384 ids");
  const Bytes tombstone = EncodeSnapshotNote(ObjectKind::kTombstone, SampleTombstone(), repository);
  add("tombstone_is_a_hold", EncodeSnapshotNote(ObjectKind::kHold, SampleTombstone(), repository),
      "is of kind 5, expected 4");
  add("tombstone_of_another_snapshot",
      EncodeSnapshotNote(ObjectKind::kTombstone, SampleHold(), repository),
      "speaks of snapshot 4041");
  add("tombstone_without_reason", WithoutField(tombstone, 2), "field 0x0002 is missing");
  add("hold_of_another_repository",
      EncodeSnapshotNote(ObjectKind::kHold, SampleHold(), CountingId<RepositoryId>(0x11)),
      "belongs to another repository");
  CondemnedRecord condemned = SampleCondemned();
  std::swap(condemned.packs[0], condemned.packs[1]);
  add("condemned_unsorted", EncodeCondemnedRecord(condemned, repository), "packs do not ascend");
  condemned.packs.clear();
  add("condemned_nothing", EncodeCondemnedRecord(condemned, repository), "condemns no pack");
  add("condemned_without_sessions",
      WithoutField(EncodeCondemnedRecord(SampleCondemned(), repository), 3),
      "field 0x0003 is missing");
}

void AddBadDamage(std::vector<BadFile>* files) {
  const RepositoryId repository = SampleConfig().id;
  const auto add = [&](const char* name, Bytes bytes, const char* message) {
    files->push_back({name, std::move(bytes), Code::kCorruption, message});
  };
  const Bytes damage = EncodeDamageRecord(SampleDamage(), repository);
  add("damage_of_another_repository",
      EncodeDamageRecord(SampleDamage(), CountingId<RepositoryId>(0x11)),
      "belongs to another repository");
  add("damage_without_pack", WithoutField(damage, 0x8003), "field 0x8003 is missing");
  add("damage_offsets_ragged", WithField(damage, {0x8004, Bytes(12), 0}),
      "a list of offsets of 12 bytes");
  DamageRecord unsorted = SampleDamage();
  std::swap(unsorted.offsets[0], unsorted.offsets[1]);
  add("damage_offsets_descend", EncodeDamageRecord(unsorted, repository),
      "offset 96 in the list of frames");
  const Bytes copied = EncodeSnapshotRecord(CopiedSnapshot(), repository);
  Bytes nowhere(56);
  nowhere[20] = 1;
  add("snapshot_origin_nowhere", WithField(copied, {0x11, nowhere, 0}),
      "an origin without repository or sequence");
}

void AddBadQuotas(std::vector<BadFile>* files) {
  const RepositoryId repository = SampleConfig().id;
  const auto add = [&](const char* name, Bytes bytes, const char* message) {
    files->push_back({name, std::move(bytes), Code::kCorruption, message});
  };
  const QuotaTable good = SampleQuotas();
  const Bytes quotas = EncodeQuotaTable(good, repository);
  add("quotas_of_another_repository", EncodeQuotaTable(good, CountingId<RepositoryId>(0x11)),
      "belongs to another repository");
  add("quotas_under_another_name",
      EncodeQuotaTable({CountingId<QuotaTableId>(0x91), 0, 1, {}}, repository),
      "holds the quotas 9192");
  add("quotas_sequence_zero", WithField(quotas, NumberField<uint64_t>(2, 0)), "sequence 0");
  add("quotas_without_sequence", WithoutField(quotas, 2), "field 0x0002 is missing");
  const auto with = [&](std::vector<VolumeQuota> volumes) {
    return EncodeQuotaTable({good.id, 0, 1, std::move(volumes)}, repository);
  };
  add("quotas_descend", with({good.volumes[1], good.volumes[0]}), "names of volumes do not ascend");
  add("quotas_of_one_volume_twice", with({good.volumes[0], good.volumes[0]}),
      "names of volumes do not ascend");
  add("quotas_without_name", with({{"", 1, 2, 3}}), "a quota of 24 bytes");
  add("quotas_name_too_long", with({{std::string(256, 'x'), 1, 2, 3}}), "a quota of 280 bytes");
  add("quotas_name_with_nul", with({{std::string("a\0b", 3), 1, 2, 3}}),
      "the name of a volume holds a NUL");
}

// A pack with some bytes replaced and all checksums of its structures right again. The smallest
// pack: header at 0, frame header at 96, stored byte at 160, footer at 161, trailer at 205.
class BadPack {
 public:
  BadPack() : bytes_(SmallestPack()) {}
  explicit BadPack(Bytes pack) : bytes_(std::move(pack)) {}

  BadPack& Set(size_t at, uint8_t value) {
    bytes_[at] = value;
    return *this;
  }
  Bytes Repaired() {
    const MutableByteSpan all(bytes_);
    RepairPackHeader(all.first(kPackHeaderBytes));
    RepairFrameHeader(all.subspan(kFrame, kFrameHeaderBytes));
    StoreLe<uint64_t>(&bytes_[kTrailer + 48],
                      ComputeChecksum(all.subspan(kFooter, kTrailer - kFooter)));
    RepairTrailer(all.subspan(kTrailer));
    return bytes_;
  }
  Bytes Unrepaired() const { return bytes_; }

  static constexpr size_t kFrame = 96, kStored = 160, kFooter = 161, kTrailer = 205;

 private:
  Bytes bytes_;
};

void AddBadPackEnds(std::vector<BadFile>* files) {
  constexpr size_t kTrailer = BadPack::kTrailer;
  const auto add = [&](const char* name, Bytes bytes, const char* message,
                       Code code = Code::kCorruption) {
    files->push_back({name, std::move(bytes), code, message});
  };
  add("pack_magic", BadPack().Set(0, 0).Repaired(), "has no VARVEPCK magic");
  add("pack_header_checksum", BadPack().Set(40, 0).Unrepaired(), "header checksum does not match");
  add("pack_newer_version", BadPack().Set(8, 2).Repaired(), "format version 2 is newer",
      Code::kUnsupported);
  add("pack_sealed", BadPack().Set(11, 1).Repaired(), "sealed without a salt");
  add("pack_content", BadPack().Set(10, 3).Repaired(), "content kind 3");
  add("pack_reserved", BadPack().Set(12, 1).Repaired(), "reserved bytes of the header are set");
  add("pack_salt_unsealed", BadPack().Set(48, 1).Repaired(), "a salt, but not sealed");
  add("pack_of_another_repository", BadPack().Set(16, 0).Repaired(), "another repository");
  add("pack_under_another_name", BadPack().Set(32, 0).Repaired(), "another pack");
  add("pack_truncated", Cut(SmallestPack(), 1), "trailer has no magic");
  add("pack_too_short", Cut(SmallestPack(), 169), "is 100 bytes, too short for a pack");
  add("pack_trailer_checksum", BadPack().Set(kTrailer + 33, 0).Unrepaired(),
      "trailer checksum does not match");
  add("pack_trailer_newer_version", BadPack().Set(kTrailer + 8, 2).Repaired(),
      "format version 2 is newer", Code::kUnsupported);
  add("pack_trailer_other_pack", BadPack().Set(kTrailer + 32, 0).Repaired(), "another pack");
  add("pack_no_frames", BadPack().Set(kTrailer + 12, 0).Repaired(), "0 frames in a footer of 44");
  add("pack_too_many_frames", BadPack().Set(kTrailer + 12, 2).Repaired(),
      "2 frames in a footer of 44 bytes");
  add("pack_footer_past_end", BadPack().Set(kTrailer + 24, 45).Repaired(),
      "footer at 161 of 45 bytes does not end at 205");
  add("pack_footer_in_header", BadPack().Set(kTrailer + 16, 95).Set(kTrailer + 24, 110).Repaired(),
      "footer at 95 of 110 bytes");
  add("pack_header_and_trailer_differ", BadPack().Set(10, 2).Repaired(), "header and trailer");
}

void AddBadFrames(std::vector<BadFile>* files) {
  constexpr size_t kFrame = BadPack::kFrame, kFooter = BadPack::kFooter;
  const auto add = [&](const char* name, Bytes bytes, const char* message) {
    files->push_back({name, std::move(bytes), Code::kCorruption, message});
  };
  add("pack_footer_checksum", BadPack().Set(kFooter + 20, 0).Unrepaired(),
      "footer checksum does not match");
  add("pack_footer_kind", BadPack().Set(kFooter, 4).Repaired(), "footer entry 0: kind 4");
  add("pack_footer_leaf_among_chunks", BadPack().Set(kFooter, 2).Repaired(),
      "a frame of the other kind of pack");
  add("pack_footer_encoding", BadPack().Set(kFooter + 1, 3).Repaired(), "encoding 3");
  add("pack_footer_delta_cut", BadPack().Set(kFooter + 1, 2).Repaired(),
      "footer entry 0 passes the end");
  add("pack_footer_reserved", BadPack().Set(kFooter + 2, 1).Repaired(), "reserved bytes are set");
  add("pack_footer_raw_length_zero", BadPack().Set(kFooter + 4, 0).Repaired(), "raw length 0");
  add("pack_footer_raw_length_large", BadPack().Set(kFooter + 6, 4).Set(kFooter + 10, 4).Repaired(),
      "raw length 262145");
  add("pack_footer_stored_length", BadPack().Set(kFooter + 8, 2).Repaired(),
      "stored length 2 for raw length 1");
  add("pack_footer_zstd_not_smaller", BadPack().Set(kFooter + 1, 1).Repaired(),
      "stored length 1 for raw length 1");
  add("pack_footer_frames_pass_footer",
      BadPack().Set(kFooter + 4, 2).Set(kFooter + 8, 2).Repaired(),
      "frames end at 162, the footer begins at 161");
  BadPack zero_id;
  for (size_t i = 0; i < 32; ++i)
    zero_id.Set(kFooter + 12 + i, 0);
  add("pack_footer_id_zero", zero_id.Repaired(), "id is zero");
  add("pack_frame_magic", BadPack().Set(kFrame, 0).Repaired(), "frame at 96: no VFRM magic");
  add("pack_frame_checksum", BadPack().Set(kFrame + 30, 0).Unrepaired(),
      "frame at 96: header checksum does not match");
  add("pack_frame_header_length", BadPack().Set(kFrame + 6, 96).Repaired(), "header length");
  add("pack_frame_differs_from_footer", BadPack().Set(kFrame + 17, 0).Repaired(),
      "frame header and footer differ");
  add("pack_stored_bytes", BadPack().Set(BadPack::kStored, 0).Repaired(),
      "stored bytes do not match their checksum");
  const Bytes volume = GoldenVolume();
  const RawFrame run = Frame(ContentKind::kChunk, ChunkOf(volume, kRunChunk));
  const PackHeader header = HeaderOf(PackContent::kChunks, kSmallestPack);
  add("pack_delta_of_itself",
      BuildPack(header, {Encoded(run, Encoding::kDelta, kRun, run.info.id)}),
      "a delta without a base of its own");
  add("pack_delta_without_base", BuildPack(header, {Encoded(run, Encoding::kDelta, kRun)}),
      "a delta without a base of its own");
}

}  // namespace

Bytes GoldenVolume() {
  Bytes volume(kTailChunk * kChunkSizeMin + 1);
  for (uint32_t i = 0; i < kChunkSizeMin; ++i) {
    volume[i] = static_cast<uint8_t>(i * 2654435761U >> 21);
  }
  const MutableByteSpan changed(&volume[kDeltaChunk * kChunkSizeMin], kChunkSizeMin);
  std::copy(volume.begin(), volume.begin() + kChunkSizeMin, changed.begin());
  std::memcpy(&changed[1000], "varve", 5);
  std::fill_n(&volume[kRunChunk * kChunkSizeMin], kChunkSizeMin, uint8_t{0xab});
  volume.back() = 'V';
  return volume;
}

std::vector<GoodFile> GoodFiles() {
  const RepositoryConfig config = SampleConfig();
  RepositoryConfig append_only = config;
  append_only.append_only = true;
  std::vector<RawField> newer = FieldsOf(EncodeConfig(config));
  newer.insert(newer.begin() + 2, 2, TextField(0x7000, "a field of the future, twice"));
  return {
      {"config", EncodeConfig(config)},
      {"config_unknown_field", WithFields(EncodeConfig(config), newer)},
      {"snapshot", EncodeSnapshotRecord(GoldenSnapshot(), config.id)},
      {"snapshot_minimal", EncodeSnapshotRecord(SampleMinimalRecord(), config.id)},
      {"session", EncodeSessionRecord(SampleSession(), config.id)},
      {"reader_session", EncodeSessionRecord(SampleReaderSession(), config.id)},
      {"config_append_only", EncodeConfig(append_only)},
      {"tombstone", EncodeSnapshotNote(ObjectKind::kTombstone, SampleTombstone(), config.id)},
      {"hold", EncodeSnapshotNote(ObjectKind::kHold, SampleHold(), config.id)},
      {"condemned", EncodeCondemnedRecord(SampleCondemned(), config.id)},
      {"damage", EncodeDamageRecord(SampleDamage(), config.id)},
      {"snapshot_copied", EncodeSnapshotRecord(CopiedSnapshot(), config.id)},
      {"snapshot_reused", EncodeSnapshotRecord(ReusingSnapshot(), config.id)},
      {"quotas", EncodeQuotaTable(SampleQuotas(), config.id)},
      {"pack_smallest", SmallestPack()},
      {"pack_chunks", ChunkPack()},
      {"node_leaf", Nodes().front().stored},
      {"node_root", Nodes().back().stored},
      {"pack_nodes", BuildPack(HeaderOf(PackContent::kNodes, kNodePack), Nodes())},
  };
}

std::vector<BadFile> BadFiles() {
  std::vector<BadFile> files;
  AddBadEnvelopes(&files);
  AddBadRecords(&files);
  AddBadSessions(&files);
  AddBadNotes(&files);
  AddBadDamage(&files);
  AddBadQuotas(&files);
  AddBadPackEnds(&files);
  AddBadFrames(&files);
  return files;
}

Status ReadGoldenFile(const std::string& name, ByteSpan bytes) {
  const RepositoryId repository = SampleConfig().id;
  if (name.starts_with("config")) return DecodeConfig(name, bytes).status();
  if (name.starts_with("snapshot")) {
    const SnapshotId id =
        name == "snapshot_minimal" ? SampleMinimalRecord().id : GoldenSnapshot().id;
    return DecodeSnapshotRecord(name, bytes, repository, id).status();
  }
  if (name.starts_with("session")) {
    return DecodeSessionRecord(name, bytes, repository, SampleSession().id).status();
  }
  if (name.starts_with("reader_session")) {
    return DecodeSessionRecord(name, bytes, repository, SampleReaderSession().id).status();
  }
  if (name.starts_with("tombstone")) {
    return DecodeSnapshotNote(ObjectKind::kTombstone, name, bytes, repository,
                              SampleTombstone().snapshot)
        .status();
  }
  if (name.starts_with("hold")) {
    return DecodeSnapshotNote(ObjectKind::kHold, name, bytes, repository, SampleHold().snapshot)
        .status();
  }
  if (name.starts_with("damage")) {
    return DecodeDamageRecord(name, bytes, repository, SampleDamage().id).status();
  }
  if (name.starts_with("quotas")) {
    return DecodeQuotaTable(name, bytes, repository, SampleQuotas().id).status();
  }
  if (name.starts_with("condemned")) {
    return DecodeCondemnedRecord(name, bytes, repository, SampleCondemned().id).status();
  }
  if (name == "node_leaf") return DecodeLeaf(name, bytes, kLeafChunks).status();
  if (name == "node_root") return DecodeInner(name, bytes, 1, 2).status();
  const uint8_t id = name == "pack_chunks"  ? kChunkPack
                     : name == "pack_nodes" ? kNodePack
                                            : kSmallestPack;
  return ReadWholePack(name, bytes, repository, CountingId<PackId>(id)).status();
}

}  // namespace varve

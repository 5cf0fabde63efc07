#include "store/pack_reader.h"

#include <algorithm>

#include "base/fingerprint.h"
#include "base/limits.h"
#include "io/aligned_buffer.h"
#include "store/pack_writer.h"

namespace varve {
namespace {

std::string PackName(const PackId& id) {
  return "pack " + id.Hex();
}

Status CheckOwner(const std::string& name, const PackHeader& header, const PackId& id,
                  const RepositoryId& repository) {
  if (header.repository != repository) {
    return Corruption(name + ": belongs to repository " + header.repository.Short());
  }
  if (header.id != id) return Corruption(name + ": holds pack " + header.id.Hex());
  return {};
}

// A pack in the clear has no business in an encrypted repository, and the other way round.
Status CheckSealed(const Storage& storage, const std::string& name, bool sealed) {
  const bool encrypted = storage.sealing() != nullptr;
  if (sealed == encrypted) return {};
  return Corruption(name + (encrypted ? ": is in the clear, but the repository is encrypted"
                                      : ": is sealed, but the repository is not encrypted"));
}

// The footer's frames, and the salt of a sealed pack. Reads only the last bytes of the pack.
Result<std::vector<FrameInfo>> ReadFooter(Storage& storage, const PackId& id, uint64_t size,
                                          PackSalt* salt = nullptr) {
  const std::string name = PackName(id);
  if (size < kPackHeaderBytes + kPackTrailerBytes || size > kPackSizeMax) {
    return Corruption(name + ": is " + std::to_string(size) + " bytes, no size for a pack");
  }
  uint8_t trailer_bytes[kPackTrailerBytes];
  VARVE_RETURN_IF_ERROR(storage.Read(PackPath(id), size - kPackTrailerBytes, trailer_bytes));
  VARVE_ASSIGN_OR_RETURN(const PackTrailer trailer, DecodePackTrailer(name, trailer_bytes, size));
  if (trailer.id != id) return Corruption(name + ": trailer of pack " + trailer.id.Hex());
  VARVE_RETURN_IF_ERROR(CheckSealed(storage, name, trailer.sealed));
  Bytes footer(trailer.footer_length);
  VARVE_RETURN_IF_ERROR(storage.Read(PackPath(id), trailer.footer_offset, footer));
  return DecodeFooter(name, trailer, footer, salt);
}

// The frames that headers tell of, from the start until one does not decode.
std::vector<PlacedFrame> WalkFrameHeaders(const std::string& name, ByteSpan pack) {
  std::vector<PlacedFrame> frames;
  uint64_t offset = kPackHeaderBytes;
  while (offset < pack.size()) {
    uint64_t checksum = 0;
    const Result<FrameInfo> info = DecodeFrameHeader(name, offset, pack.subspan(offset), &checksum);
    if (!info.ok() || info->FrameBytes() > pack.size() - offset) break;
    frames.push_back({offset, *info});
    offset += info->FrameBytes();
  }
  return frames;
}

// The same from a pack whose end cannot be read: header by header, as far as they can be read.
Result<std::vector<PlacedFrame>> WalkReadableHeaders(Storage& storage, const PackId& id,
                                                     uint64_t size) {
  const std::string name = PackName(id);
  std::vector<PlacedFrame> frames;
  uint64_t offset = kPackHeaderBytes;
  while (offset < size) {
    uint8_t header[kDeltaHeaderBytes];
    const size_t length = std::min<uint64_t>(sizeof(header), size - offset);
    const Status read = storage.Read(PackPath(id), offset, MutableByteSpan(header).first(length));
    if (!read.ok()) {
      if (read.code() == Code::kIo || read.code() == Code::kCorruption) break;
      return read;
    }
    uint64_t checksum = 0;
    const Result<FrameInfo> info =
        DecodeFrameHeader(name, offset, ByteSpan(header).first(length), &checksum);
    if (!info.ok() || info->FrameBytes() > size - offset) break;
    frames.push_back({offset, *info});
    offset += info->FrameBytes();
  }
  return frames;
}

Result<Bytes> ReadWholePack(Storage& storage, const PackId& id) {
  return storage.ReadSmall(PackPath(id), kPackSizeMax);
}

// One pack under ScanPack's eyes.
class PackScan {
 public:
  PackScan(const PackId& id, ByteSpan pack, const std::function<void(const PackDamage&)>& report)
      : name_(PackName(id)), id_(id), pack_(pack), report_(report) {}

  void Run(const RepositoryId& repository) {
    const Result<PackHeader> header = DecodePackHeader(name_, pack_);
    const Status owned =
        header.ok() ? CheckOwner(name_, *header, id_, repository) : header.status();
    if (!owned.ok()) report_({0, owned.message(), {}});
    const Result<std::vector<FrameInfo>> footer = DecodeEnd();
    if (!footer.ok()) report_({EndOffset(), footer.status().message(), {}});
    const std::vector<PlacedFrame> frames =
        footer.ok() ? PlaceFrames(*footer) : WalkFrameHeaders(name_, pack_);
    for (const PlacedFrame& frame : frames)
      CheckFrame(frame);
    if (!footer.ok()) CheckEndOfWalk(frames);
  }

 private:
  Result<std::vector<FrameInfo>> DecodeEnd() {
    VARVE_ASSIGN_OR_RETURN(const PackTrailer trailer,
                           DecodePackTrailer(name_, pack_.last(kPackTrailerBytes), pack_.size()));
    if (trailer.id != id_) return Corruption(name_ + ": trailer of pack " + trailer.id.Hex());
    const Result<PackHeader> header = DecodePackHeader(name_, pack_);
    if (header.ok() && header->content != trailer.content) {
      return Corruption(name_ + ": header and trailer name different contents");
    }
    return DecodeFooter(name_, trailer,
                        pack_.subspan(trailer.footer_offset, trailer.footer_length));
  }

  // Where the end is damaged: in the footer if the trailer is whole.
  uint64_t EndOffset() const {
    const Result<PackTrailer> trailer =
        DecodePackTrailer(name_, pack_.last(kPackTrailerBytes), pack_.size());
    return trailer.ok() && trailer->id == id_ ? trailer->footer_offset
                                              : pack_.size() - kPackTrailerBytes;
  }

  void CheckFrame(const PlacedFrame& frame) {
    const Status status = CheckStoredFrame(
        name_, frame.offset, pack_.subspan(frame.offset, frame.info.FrameBytes()), frame.info);
    if (!status.ok()) {
      report_(
          {frame.offset, status.message(), frame.info.id, frame.info.kind, frame.info.raw_length});
    }
  }

  // Without a footer the frame headers tell of the frames. If what follows the last one is not as
  // long as a footer of these frames and a trailer are, there were others.
  void CheckEndOfWalk(const std::vector<PlacedFrame>& frames) {
    uint64_t end = kPackHeaderBytes;
    uint64_t rest = kPackTrailerBytes;
    for (const PlacedFrame& frame : frames) {
      end = frame.offset + frame.info.FrameBytes();
      rest += frame.info.FooterEntryBytes();
    }
    if (!frames.empty() && frames.back().info.sealed) rest += kSealSaltBytes;
    if (end + rest == pack_.size()) return;
    PackDamage damage{end, name_ + ": frames from " + std::to_string(end) + " on cannot be found"};
    damage.frames_missing = true;
    report_(damage);
  }

  const std::string name_;
  const PackId id_;
  const ByteSpan pack_;
  const std::function<void(const PackDamage&)>& report_;
};

}  // namespace

std::string PackPath(const PackId& id) {
  const std::string hex = id.Hex();
  return "packs/" + hex.substr(0, 2) + "/" + hex;
}

Result<std::vector<PackListing>> ListPacks(Storage& storage, std::vector<std::string>* strangers) {
  std::vector<PackListing> packs;
  VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> shards, storage.disk().List("packs"));
  for (const DirectoryEntry& shard : shards) {
    const std::string directory = "packs/" + shard.name;
    if (!shard.is_directory) {
      if (strangers != nullptr) strangers->push_back(directory);
      continue;
    }
    VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> files, storage.List(directory));
    for (const DirectoryEntry& file : files) {
      PackId id;
      if (PackId::Parse(file.name, &id) && file.name.substr(0, 2) == shard.name) {
        packs.push_back({id, file.size_bytes});
      } else if (strangers != nullptr) {
        strangers->push_back(directory + "/" + file.name);
      }
    }
  }
  std::sort(packs.begin(), packs.end(),
            [](const PackListing& a, const PackListing& b) { return a.id < b.id; });
  return packs;
}

Result<std::vector<PlacedFrame>> ReadPackFooter(Storage& storage, const PackId& id,
                                                const RepositoryId& repository) {
  const std::string name = PackName(id);
  uint8_t header_bytes[kPackHeaderBytes];
  VARVE_ASSIGN_OR_RETURN(const uint64_t size, storage.Size(PackPath(id)));
  VARVE_RETURN_IF_ERROR(storage.Read(PackPath(id), 0, header_bytes));
  VARVE_ASSIGN_OR_RETURN(const PackHeader header, DecodePackHeader(name, header_bytes));
  VARVE_RETURN_IF_ERROR(CheckOwner(name, header, id, repository));
  VARVE_ASSIGN_OR_RETURN(const std::vector<FrameInfo> footer, ReadFooter(storage, id, size));
  return PlaceFrames(footer);
}

Result<std::vector<PlacedFrame>> ReadPackFrames(Storage& storage, const PackId& id,
                                                const RepositoryId& repository) {
  const std::string name = PackName(id);
  uint8_t header_bytes[kPackHeaderBytes];
  VARVE_ASSIGN_OR_RETURN(const uint64_t size, storage.Size(PackPath(id)));
  if (size >= kPackHeaderBytes) {
    const Status read = storage.Read(PackPath(id), 0, header_bytes);
    if (!read.ok() && read.code() != Code::kIo && read.code() != Code::kCorruption) return read;
    const Result<PackHeader> header =
        read.ok() ? DecodePackHeader(name, header_bytes) : Result<PackHeader>(read);
    if (header.ok()) {
      VARVE_RETURN_IF_ERROR(CheckOwner(name, *header, id, repository));
      VARVE_RETURN_IF_ERROR(CheckSealed(storage, name, header->sealed()));
    }
    if (header.status().code() == Code::kUnsupported) return header.status();
  }
  const Result<std::vector<FrameInfo>> footer = ReadFooter(storage, id, size);
  if (footer.ok()) return PlaceFrames(*footer);
  const Code code = footer.status().code();
  if (code != Code::kCorruption && code != Code::kIo) return footer.status();
  VARVE_ASSIGN_OR_RETURN(std::vector<PlacedFrame> frames, WalkReadableHeaders(storage, id, size));
  if (frames.empty()) return footer.status();
  return frames;
}

Result<PackSalt> ReadPackSalt(Storage& storage, const PackId& id) {
  const std::string name = PackName(id);
  uint8_t header_bytes[kPackHeaderBytes];
  VARVE_ASSIGN_OR_RETURN(const uint64_t size, storage.Size(PackPath(id)));
  Status failure = Corruption(name + ": is " + std::to_string(size) + " bytes");
  if (size >= kPackHeaderBytes) {
    const Status read = storage.Read(PackPath(id), 0, header_bytes);
    const Result<PackHeader> header =
        read.ok() ? DecodePackHeader(name, header_bytes) : Result<PackHeader>(read);
    if (header.ok() && header->sealed()) return header->salt;
    failure = header.ok() ? Corruption(name + ": is not sealed") : header.status();
  }
  PackSalt salt{};
  const Result<std::vector<FrameInfo>> footer = ReadFooter(storage, id, size, &salt);
  if (!footer.ok()) return failure;  // both are damaged; the first says it
  return salt;
}

Status ScanPack(Storage& storage, const PackId& id, const RepositoryId& repository,
                const std::function<void(const PackDamage&)>& on_damage) {
  Result<Bytes> pack = ReadWholePack(storage, id);
  if (!pack.ok() && pack.status().code() != Code::kCorruption) return pack.status();
  if (!pack.ok() || pack->size() < kPackHeaderBytes + kPackTrailerBytes) {
    PackDamage damage{0, PackName(id) + ": has no size for a pack"};
    damage.frames_missing = true;
    on_damage(damage);
    return {};
  }
  const Result<PackHeader> header = DecodePackHeader(PackName(id), *pack);
  if (header.ok()) {
    const Status sealed = CheckSealed(storage, PackName(id), header->sealed());
    if (!sealed.ok()) on_damage({0, sealed.message(), {}});
  }
  PackScan(id, *pack, on_damage).Run(repository);
  return {};
}

}  // namespace varve

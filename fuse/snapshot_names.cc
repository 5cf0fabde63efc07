#include "fuse/snapshot_names.h"

#include <algorithm>

#include "base/clock.h"
#include "fuse/volume_tree.h"

namespace varve {
namespace {

constexpr const char* kLatestName = "latest.raw";
constexpr size_t kFileNameBytesMax = 255;

std::string Escaped(char character) {
  const auto byte = static_cast<uint8_t>(character);
  std::string hex = ToHex({&byte, 1});
  std::transform(hex.begin(), hex.end(), hex.begin(), [](char c) { return std::toupper(c); });
  return "%" + hex;
}

}  // namespace

std::string DirectoryName(const std::string& volume_name) {
  std::string name;
  const bool only_dots = volume_name == "." || volume_name == "..";
  for (const char character : volume_name) {
    const bool bad = character == '/' || character == '%' || character == 0 || only_dots;
    name += bad ? Escaped(character) : std::string(1, character);
  }
  // Only a name of very many escapes can pass what a file system takes.
  return name.substr(0, kFileNameBytesMax);
}

std::string SnapshotFileName(const SnapshotRecord& record) {
  std::string time = FormatUtc(record.start_unix_ns).substr(0, 19);  // 2026-01-31T12:00:00
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return time + "Z-" + record.id.Short() + ".raw";
}

SnapshotNames::SnapshotNames() {
  ServedNode root;
  root.inode = root.parent = kRootInode;
  root.may_change = true;
  nodes_[kRootInode] = root;
}

InodeNumber SnapshotNames::NumberOf(const std::string& key) {
  return numbers_.try_emplace(key, kRootInode + 1 + numbers_.size()).first->second;
}

ServedNode& SnapshotNames::Add(const std::string& key, InodeNumber parent, ServedKind kind,
                               const std::string& name, int64_t time_unix_ns) {
  const InodeNumber inode = NumberOf(key);
  entries_[parent][name] = inode;
  ServedNode& node = nodes_[inode];
  node.inode = inode;
  node.parent = parent;
  node.kind = kind;
  node.name = name;
  node.may_change = kind != ServedKind::kFile;
  node.time_unix_ns = std::max(node.time_unix_ns, time_unix_ns);
  return node;
}

void SnapshotNames::Update(const std::vector<SnapshotRecord>& records) {
  entries_.clear();
  total_bytes_ = 0;
  for (const SnapshotRecord& record : records) {
    total_bytes_ += record.size_bytes;
    const int64_t time = record.start_unix_ns;
    const std::string& volume = record.volume_name;
    const InodeNumber directory =
        Add("volume " + volume, kRootInode, ServedKind::kDirectory, DirectoryName(volume), time)
            .inode;
    std::string name = SnapshotFileName(record);
    if (const ServedNode* other = Lookup(directory, name); other != nullptr) {
      // Two of one second with the same beginning of their ids.
      name = name.substr(0, name.find('-') + 1) + record.id.Hex() + ".raw";
    }
    ServedNode& file = Add("snapshot " + record.id.Hex(), directory, ServedKind::kFile, name, time);
    file.size_bytes = record.size_bytes;
    file.data_bytes = record.size_bytes;
    file.attributes = SnapshotAttributes(record);
    records_.try_emplace(file.inode, record);
    // By ascending sequence, so the last one stays.
    ServedNode& latest = Add("latest " + volume, directory, ServedKind::kLink, kLatestName, time);
    latest.target = name;
    latest.size_bytes = name.size();
    nodes_[kRootInode].time_unix_ns = std::max(nodes_[kRootInode].time_unix_ns, time);
  }
}

const ServedNode* SnapshotNames::Find(InodeNumber inode) const {
  const auto found = nodes_.find(inode);
  return found == nodes_.end() ? nullptr : &found->second;
}

const ServedNode* SnapshotNames::Lookup(InodeNumber parent, const std::string& name) const {
  const auto directory = entries_.find(parent);
  if (directory == entries_.end()) return nullptr;
  const auto entry = directory->second.find(name);
  return entry == directory->second.end() ? nullptr : Find(entry->second);
}

std::vector<ServedNode> SnapshotNames::List(InodeNumber directory) const {
  std::vector<ServedNode> nodes;
  const auto found = entries_.find(directory);
  if (found == entries_.end()) return nodes;
  for (const auto& [name, inode] : found->second)
    nodes.push_back(nodes_.at(inode));
  return nodes;
}

const SnapshotRecord* SnapshotNames::RecordOf(InodeNumber file) const {
  const auto found = records_.find(file);
  return found == records_.end() ? nullptr : &found->second;
}

}  // namespace varve

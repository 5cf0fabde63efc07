#include "inside/ext_file_system.h"

extern "C" {
#include <et/com_err.h>
}
#include <ext2fs/ext2fs.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/limits.h"

namespace varve {
namespace {

constexpr int kLinksMax = 40;
constexpr size_t kEntriesMax = 10'000'000;
constexpr size_t kNameBytesMaxExt = 255;
constexpr uint32_t kReadPiece = 1 * kMiB;
constexpr uint64_t kInlineBytesMax = 64 * kKiB;
constexpr uint64_t kBlockZeroOffset = 1024;

// What stands behind an io_channel of libext2fs.
struct Channel {
  VolumeView* volume = nullptr;
  uint64_t offset = 0;
  uint64_t size_bytes = 0;
  Status failure;  // the last one of the volume
};

// ext2fs_open2 hands its io_manager a name and nothing else.
thread_local Channel* opening = nullptr;

errcode_t OpenChannel(const char*, int, io_channel* result);

errcode_t CloseChannel(io_channel channel) {
  if (--channel->refcount > 0) return 0;
  ext2fs_free_mem(&channel);
  return 0;
}

errcode_t SetBlockSize(io_channel channel, int block_size) {
  channel->block_size = block_size;
  return 0;
}

// A negative count is a number of bytes.
errcode_t ReadBlocks(io_channel channel, unsigned long long block, int count, void* data) {
  Channel& of = *static_cast<Channel*>(channel->private_data);
  const auto block_size = static_cast<uint64_t>(channel->block_size);
  const uint64_t length = count < 0 ? static_cast<uint64_t>(-int64_t{count})
                                    : static_cast<uint64_t>(count) * block_size;
  if (block > of.size_bytes / block_size || length > of.size_bytes - block * block_size) {
    return EXT2_ET_SHORT_READ;
  }
  of.failure =
      of.volume->ReadAt(of.offset + block * block_size, {static_cast<uint8_t*>(data), length});
  return of.failure.ok() ? 0 : EIO;
}

errcode_t ReadBlocks32(io_channel channel, unsigned long block, int count, void* data) {
  return ReadBlocks(channel, block, count, data);
}

errcode_t RefuseWrite(io_channel, unsigned long, int, const void*) {
  return EROFS;
}
errcode_t RefuseWrite64(io_channel, unsigned long long, int, const void*) {
  return EROFS;
}
errcode_t FlushNothing(io_channel) {
  return 0;
}

struct_io_manager MakeManager() {
  struct_io_manager manager{};
  manager.magic = EXT2_ET_MAGIC_IO_MANAGER;
  manager.name = "varve volume";
  manager.open = OpenChannel;
  manager.close = CloseChannel;
  manager.set_blksize = SetBlockSize;
  manager.read_blk = ReadBlocks32;
  manager.read_blk64 = ReadBlocks;
  manager.write_blk = RefuseWrite;
  manager.write_blk64 = RefuseWrite64;
  manager.flush = FlushNothing;
  return manager;
}

io_manager VolumeManager() {
  static struct_io_manager manager = MakeManager();
  return &manager;
}

errcode_t OpenChannel(const char*, int, io_channel* result) {
  void* memory = nullptr;
  const errcode_t error = ext2fs_get_memzero(sizeof(struct_io_channel), &memory);
  if (error != 0) return error;
  auto* channel = static_cast<io_channel>(memory);
  channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
  channel->manager = VolumeManager();
  channel->block_size = kBlockZeroOffset;
  channel->refcount = 1;
  channel->private_data = opening;
  *result = channel;
  return 0;
}

InsideKind KindOf(uint16_t mode) {
  if (S_ISREG(mode)) return InsideKind::kFile;
  if (S_ISDIR(mode)) return InsideKind::kDirectory;
  return S_ISLNK(mode) ? InsideKind::kLink : InsideKind::kOther;
}

std::string NameOf(const InsideFile& file) {
  return "inode " + std::to_string(file.inode);
}

// A directory's entries as they come.
struct Listing {
  std::vector<InsideEntry> entries;
  Status status;
};

int AddEntry(ext2_ino_t directory, int, ext2_dir_entry* entry, int, int, char*, void* data) {
  Listing& listing = *static_cast<Listing*>(data);
  InsideEntry found;
  found.name.assign(entry->name, static_cast<size_t>(ext2fs_dirent_name_len(entry)));
  if (found.name == "." || found.name == "..") return 0;
  if (found.name.empty() || found.name.find('/') != std::string::npos ||
      found.name.find('\0') != std::string::npos) {
    found.status = Corruption(
        "directory inode " + std::to_string(directory) +
        ": an entry has a name that is none (in hexadecimal: " + ToHex(AsBytes(found.name)) + ")");
    found.name = "?";
  }
  if (listing.entries.size() >= kEntriesMax) {
    listing.status = Unsupported("directory inode " + std::to_string(directory) + ": more than " +
                                 std::to_string(kEntriesMax) + " entries");
    return DIRENT_ABORT;
  }
  found.file.inode = entry->inode;
  listing.entries.push_back(std::move(found));
  return 0;
}

// The runs of a file's blocks that are mapped.
struct MappedRuns {
  struct Run {
    uint64_t first = 0;
    uint64_t count = 0;
  };
  std::vector<Run> runs;
  uint64_t blocks = 0;
  uint64_t blocks_max = 0;
};

int AddBlock(ext2_filsys, blk64_t*, e2_blkcnt_t number, blk64_t, int, void* data) {
  MappedRuns& mapped = *static_cast<MappedRuns*>(data);
  if (number < 0) return 0;
  const auto block = static_cast<uint64_t>(number);
  // A file cannot hold more blocks than the file system: one that says so would never end.
  if (++mapped.blocks > mapped.blocks_max) return BLOCK_ABORT;
  if (!mapped.runs.empty() && mapped.runs.back().first + mapped.runs.back().count == block) {
    ++mapped.runs.back().count;
  } else {
    mapped.runs.push_back({block, 1});
  }
  return 0;
}

}  // namespace

struct ExtFileSystem::Handle {
  Channel channel;
  ext2_filsys fs = nullptr;
  ~Handle() {
    if (fs != nullptr) ext2fs_close_free(&fs);
  }
};

ExtFileSystem::ExtFileSystem(std::unique_ptr<Handle> handle, uint64_t size_bytes)
    : handle_(std::move(handle)), size_bytes_(size_bytes) {}

ExtFileSystem::~ExtFileSystem() = default;

Result<std::unique_ptr<ExtFileSystem>> ExtFileSystem::Open(VolumeView& volume, uint64_t offset,
                                                           uint64_t size_bytes) {
  initialize_ext2_error_table();
  auto handle = std::make_unique<Handle>();
  handle->channel.volume = &volume;
  handle->channel.offset = offset;
  handle->channel.size_bytes = size_bytes;
  opening = &handle->channel;
  const errcode_t error =
      ext2fs_open2("volume", nullptr, EXT2_FLAG_64BITS, 0, 0, VolumeManager(), &handle->fs);
  opening = nullptr;
  if (error != 0) handle->fs = nullptr;
  std::unique_ptr<ExtFileSystem> opened(new ExtFileSystem(std::move(handle), size_bytes));
  if (error != 0) return opened->Failure("the file system", error);
  return opened;
}

bool ExtFileSystem::needs_replay() const {
  return ext2fs_has_feature_journal_needs_recovery(handle_->fs->super) != 0;
}

Status ExtFileSystem::Failure(const std::string& what, long error) const {
  if (!handle_->channel.failure.ok()) return handle_->channel.failure.WithContext(what);
  if (error == EXT2_ET_FILE_NOT_FOUND) return NotFound(what + " does not exist");
  return Corruption(what + ": " + error_message(error));
}

Result<InsideFile> ExtFileSystem::Get(uint32_t inode) {
  ext2_inode_large details{};
  const errcode_t error = ext2fs_read_inode_full(
      handle_->fs, inode, reinterpret_cast<ext2_inode*>(&details), sizeof(details));
  if (error != 0) return Failure("inode " + std::to_string(inode), error);
  InsideFile file;
  file.inode = inode;
  file.kind = KindOf(details.i_mode);
  file.size_bytes = EXT2_I_SIZE(&details);
  file.mode = details.i_mode & 0777;
  file.user = inode_uid(details);
  file.group = inode_gid(details);
  file.links = details.i_links_count;
  file.modified_unix_ns = int64_t{static_cast<int32_t>(details.i_mtime)} * 1'000'000'000;
  return file;
}

Result<uint32_t> ExtFileSystem::FindIn(uint32_t directory, const std::string& path,
                                       int* links_left) {
  uint32_t current = path.starts_with("/") ? uint32_t{EXT2_ROOT_INO} : directory;
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty() || name == ".") continue;
    if (name.size() > kNameBytesMaxExt) return NotFound(path + " does not exist");
    ext2_ino_t next = 0;
    const errcode_t error = ext2fs_lookup(handle_->fs, current, name.c_str(),
                                          static_cast<int>(name.size()), nullptr, &next);
    if (error == EXT2_ET_NO_DIRECTORY) return NotFound(path + ": no directory on the way");
    if (error != 0) return Failure(path, error);
    VARVE_ASSIGN_OR_RETURN(const InsideFile file, Get(next));
    if (file.kind == InsideKind::kLink) {
      if (--*links_left < 0) return InvalidArgument(path + ": too many links on the way");
      VARVE_ASSIGN_OR_RETURN(const std::string target, ReadLink(file));
      VARVE_ASSIGN_OR_RETURN(next, FindIn(current, target, links_left));
    }
    current = next;
  }
  return current;
}

Result<InsideFile> ExtFileSystem::Find(const std::string& path) {
  int links_left = kLinksMax;
  VARVE_ASSIGN_OR_RETURN(const uint32_t inode, FindIn(EXT2_ROOT_INO, path, &links_left));
  return Get(inode);
}

Result<std::vector<InsideEntry>> ExtFileSystem::List(const InsideFile& directory) {
  Listing listing;
  const errcode_t error =
      ext2fs_dir_iterate2(handle_->fs, directory.inode, 0, nullptr, AddEntry, &listing);
  if (error != 0) return Failure("directory " + NameOf(directory), error);
  VARVE_RETURN_IF_ERROR(listing.status);
  for (InsideEntry& entry : listing.entries) {
    if (!entry.status.ok()) continue;
    const uint32_t inode = entry.file.inode;
    Result<InsideFile> file = Get(inode);
    entry.status = file.status();
    if (file.ok()) entry.file = *file;
  }
  std::sort(listing.entries.begin(), listing.entries.end(),
            [](const InsideEntry& a, const InsideEntry& b) { return a.name < b.name; });
  return std::move(listing.entries);
}

Result<std::string> ExtFileSystem::ReadLink(const InsideFile& link) {
  const uint64_t block_size = handle_->fs->blocksize;
  if (link.size_bytes == 0 || link.size_bytes >= block_size) {
    return Corruption("link " + NameOf(link) + ": its target is " +
                      std::to_string(link.size_bytes) + " bytes");
  }
  ext2_inode inode{};
  errcode_t error = ext2fs_read_inode(handle_->fs, link.inode, &inode);
  if (error != 0) return Failure("link " + NameOf(link), error);
  std::string target(link.size_bytes, 0);
  if (ext2fs_is_fast_symlink(&inode) != 0) {
    if (target.size() > sizeof(inode.i_block)) {
      return Corruption("link " + NameOf(link) + ": its target passes its inode");
    }
    std::memcpy(target.data(), inode.i_block, target.size());
  } else {
    VARVE_RETURN_IF_ERROR(ReadFile(link, [&](uint64_t offset, ByteSpan bytes) {
      const size_t length = std::min<uint64_t>(bytes.size(), target.size() - offset);
      std::memcpy(target.data() + offset, bytes.data(), length);
      return Status();
    }));
  }
  if (target.find('\0') != std::string::npos) {
    return Corruption("link " + NameOf(link) + ": its target holds a zero byte");
  }
  return target;
}

Status ExtFileSystem::ReadFile(const InsideFile& file,
                               const std::function<Status(uint64_t, ByteSpan)>& sink) {
  const ext2_filsys fs = handle_->fs;
  const std::string name = "file " + NameOf(file);
  MappedRuns mapped;
  mapped.blocks_max = size_bytes_ / fs->blocksize + 1;
  errcode_t error = ext2fs_block_iterate3(
      fs, file.inode, BLOCK_FLAG_READ_ONLY | BLOCK_FLAG_DATA_ONLY, nullptr, AddBlock, &mapped);
  if (error == EXT2_ET_INLINE_DATA_CANT_ITERATE && file.size_bytes <= kInlineBytesMax) {
    mapped.runs = {{0, DivideUp(file.size_bytes, fs->blocksize)}};
    error = 0;
  }
  if (error != 0) return Failure(name, error);
  if (mapped.blocks > mapped.blocks_max) {
    return Corruption(name + ": it has more blocks than the file system");
  }
  ext2_file_t opened = nullptr;
  error = ext2fs_file_open(fs, file.inode, 0, &opened);
  if (error != 0) return Failure(name, error);
  const std::unique_ptr<struct ext2_file, errcode_t (*)(ext2_file_t)> closer(opened,
                                                                             ext2fs_file_close);
  Bytes buffer(kReadPiece);
  for (const MappedRuns::Run& run : mapped.runs) {
    uint64_t at = run.first * fs->blocksize;
    const uint64_t end = std::min((run.first + run.count) * fs->blocksize, file.size_bytes);
    while (at < end) {
      const auto wanted = static_cast<uint32_t>(std::min<uint64_t>(end - at, buffer.size()));
      uint32_t got = 0;
      error = ext2fs_file_llseek(opened, at, EXT2_SEEK_SET, nullptr);
      if (error == 0) error = ext2fs_file_read(opened, buffer.data(), wanted, &got);
      if (error != 0) return Failure(name + " at " + std::to_string(at), error);
      if (got == 0) return Corruption(name + ": it ends at " + std::to_string(at));
      VARVE_RETURN_IF_ERROR(sink(at, {buffer.data(), got}));
      at += got;
    }
  }
  return {};
}

}  // namespace varve

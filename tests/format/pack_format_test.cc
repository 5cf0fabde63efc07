#include "format/pack_format.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "format/mutations.h"
#include "format/raw_object.h"
#include "format/sample_objects.h"
#include "format/whole_pack.h"

namespace varve {
namespace {

const PackHeader kHeader{PackContent::kChunks, CountingId<RepositoryId>(1), CountingId<PackId>(2)};

RawFrame FrameOf(Encoding encoding, uint32_t raw_length, uint32_t stored_length, uint8_t id) {
  RawFrame frame;
  frame.info.encoding = encoding;
  frame.info.raw_length = raw_length;
  frame.info.stored_length = stored_length;
  frame.info.id = CountingId<ContentId>(id);
  if (encoding == Encoding::kDelta) frame.info.base = CountingId<ContentId>(77);
  frame.stored.assign(stored_length, id);
  return frame;
}

std::vector<RawFrame> Frames() {
  return {FrameOf(Encoding::kRaw, 3, 3, 10), FrameOf(Encoding::kDelta, 4096, 5, 20),
          FrameOf(Encoding::kZstd, kFrameRawMax, 7, 30), FrameOf(Encoding::kDelta, 2, 1, 40)};
}

std::vector<FrameInfo> InfosOf(const std::vector<RawFrame>& frames) {
  std::vector<FrameInfo> infos;
  for (const RawFrame& frame : frames)
    infos.push_back(frame.info);
  return infos;
}

Result<std::vector<FrameInfo>> Read(ByteSpan pack) {
  return ReadWholePack("pack", pack, kHeader.repository, kHeader.id);
}

TEST(PackFormat, FramesComeBackFromFooterAndFromHeaders) {
  const Result<std::vector<FrameInfo>> frames = Read(BuildPack(kHeader, Frames()));
  ASSERT_TRUE(frames.ok()) << frames.status().message();
  EXPECT_EQ(*frames, InfosOf(Frames()));
}

TEST(PackFormat, NodesComeBack) {
  PackHeader header = kHeader;
  header.content = PackContent::kNodes;
  std::vector<RawFrame> frames = Frames();
  frames[0].info.kind = frames[1].info.kind = ContentKind::kLeaf;
  frames[2].info.kind = frames[3].info.kind = ContentKind::kInner;
  const Result<std::vector<FrameInfo>> read = Read(BuildPack(header, frames));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(*read, InfosOf(frames));
  frames[2].info.kind = ContentKind::kChunk;
  EXPECT_EQ(Read(BuildPack(header, frames)).status().code(), Code::kCorruption);
}

TEST(PackFormat, FramesFollowEachOther) {
  const std::vector<FrameInfo> infos = InfosOf(Frames());
  const std::vector<PlacedFrame> placed = PlaceFrames(infos);
  ASSERT_EQ(placed.size(), 4U);
  EXPECT_EQ(placed[0].offset, 96U);
  EXPECT_EQ(placed[1].offset, 96U + 64 + 3);
  EXPECT_EQ(placed[2].offset, 96U + 64 + 3 + 96 + 5);
  EXPECT_EQ(placed[3].offset, 96U + 64 + 3 + 96 + 5 + 64 + 7);
}

TEST(PackFormat, EveryFlippedBitAndEveryTruncationOfAPackIsRefused) {
  EXPECT_EQ(FindAcceptedMutation(BuildPack(kHeader, Frames()),
                                 [](ByteSpan pack) { return Read(pack).status(); }),
            "");
}

TEST(PackFormat, EveryFlippedBitAndEveryTruncationOfAFrameHeaderIsRefused) {
  for (const RawFrame& frame : Frames()) {
    Bytes header(frame.info.HeaderBytes());
    EncodeFrameHeader(frame.info, 0x1122334455667788, header.data());
    uint64_t checksum = 0;
    const Result<FrameInfo> decoded = DecodeFrameHeader("pack", 96, header, &checksum);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(*decoded, frame.info);
    EXPECT_EQ(checksum, 0x1122334455667788U);
    EXPECT_EQ(
        FindAcceptedMutation(header,
                             [&](ByteSpan bytes) {
                               // What follows the header is not its own business.
                               if (bytes.size() > header.size()) return Corruption("stored bytes");
                               return DecodeFrameHeader("pack", 96, bytes, &checksum).status();
                             }),
        "");
  }
}

TEST(PackFormat, FrameHeadersOutsideTheFormatAreRefused) {
  const auto refused = [](size_t at, uint32_t value, Encoding encoding = Encoding::kZstd) {
    const RawFrame frame = FrameOf(encoding, 4096, 100, 1);
    Bytes header(frame.info.HeaderBytes());
    EncodeFrameHeader(frame.info, 0, header.data());
    StoreLe<uint32_t>(&header[at], value);
    RepairFrameHeader(header);
    uint64_t checksum = 0;
    return DecodeFrameHeader("pack", 96, header, &checksum).status().code() == Code::kCorruption;
  };
  EXPECT_FALSE(refused(8, 4096)) << "as it was";
  EXPECT_TRUE(refused(8, 0)) << "raw length";
  EXPECT_TRUE(refused(8, kFrameRawMax + 1));
  EXPECT_TRUE(refused(8, UINT32_MAX));
  EXPECT_TRUE(refused(8, 100)) << "not smaller than stored";
  EXPECT_TRUE(refused(12, 0)) << "stored length";
  EXPECT_TRUE(refused(12, UINT32_MAX));
  EXPECT_TRUE(refused(4, 0x00400100)) << "kind 0";
  EXPECT_TRUE(refused(4, 0x00400104)) << "kind 4";
  EXPECT_TRUE(refused(4, 0x00400301)) << "encoding 3";
  EXPECT_TRUE(refused(4, 0x00600101)) << "header length of a delta without being one";
  EXPECT_TRUE(refused(4, 0x00400201, Encoding::kDelta)) << "a delta with a short header";
}

TEST(PackFormat, NewerPacksAreUnsupported) {
  for (const size_t at : {size_t{0}, size_t{1}}) {
    Bytes pack = BuildPack(kHeader, Frames());
    const MutableByteSpan part = at == 0 ? MutableByteSpan(pack).first(kPackHeaderBytes)
                                         : MutableByteSpan(pack).last(kPackTrailerBytes);
    StoreLe<uint16_t>(&part[8], 2);
    RepairChecksum(part, part.size() - 8);
    EXPECT_EQ(Read(pack).status().code(), Code::kUnsupported);
    StoreLe<uint16_t>(&part[8], 1);
    part[11] = 2;
    RepairChecksum(part, part.size() - 8);
    EXPECT_EQ(Read(pack).status().code(), Code::kUnsupported) << "an unknown seal";
    part[11] = 1;
    RepairChecksum(part, part.size() - 8);
    EXPECT_EQ(Read(pack).status().code(), Code::kCorruption) << "sealed in one place only";
  }
}

TEST(PackFormat, PacksOfOthersAreRefused) {
  const Bytes pack = BuildPack(kHeader, Frames());
  EXPECT_FALSE(ReadWholePack("pack", pack, CountingId<RepositoryId>(9), kHeader.id).ok());
  EXPECT_FALSE(ReadWholePack("pack", pack, kHeader.repository, CountingId<PackId>(9)).ok());
}

// R9: no number in a trailer may lead outside of the file, whatever its checksum says.
TEST(PackFormat, TrailersThatLeadOutsideAreRefused) {
  const Bytes pack = BuildPack(kHeader, Frames());
  const Bytes good(pack.end() - kPackTrailerBytes, pack.end());
  ASSERT_TRUE(DecodePackTrailer("pack", good, pack.size()).ok());
  const auto refused = [&](uint32_t count, uint64_t offset, uint64_t length, uint64_t file_size) {
    Bytes trailer = good;
    StoreLe<uint32_t>(&trailer[12], count);
    StoreLe<uint64_t>(&trailer[16], offset);
    StoreLe<uint64_t>(&trailer[24], length);
    RepairTrailer(trailer);
    const Status status = DecodePackTrailer("pack", trailer, file_size).status();
    return status.code() == Code::kCorruption;
  };
  const uint64_t size = pack.size(), offset = LoadLe<uint64_t>(&good[16]),
                 length = LoadLe<uint64_t>(&good[24]);
  EXPECT_FALSE(refused(4, offset, length, size)) << "as it was";
  EXPECT_TRUE(refused(0, offset, length, size));
  EXPECT_TRUE(refused(UINT32_MAX, offset, length, size));
  EXPECT_TRUE(refused(4, offset, length, size + 1));
  EXPECT_TRUE(refused(4, offset, length, size - 1));
  EXPECT_TRUE(refused(4, 0, offset + length, size)) << "a footer over the header";
  EXPECT_TRUE(refused(4, UINT64_MAX, offset + length + 1, size)) << "wraps around";
  EXPECT_TRUE(refused(4, offset + length + 1, UINT64_MAX, size)) << "wraps around";
  EXPECT_TRUE(refused(4, offset, UINT64_MAX, size));
  EXPECT_TRUE(refused(4, offset, length, 0));
  EXPECT_TRUE(refused(4, 96, kPackSizeMax + 1 - 96 - 64, kPackSizeMax + 1)) << "too large a pack";
}

TEST(PackFormat, AFooterMustDescribeExactlyItsPack) {
  const std::vector<FrameInfo> infos = InfosOf(Frames());
  const auto refused = [&](const std::vector<FrameInfo>& frames, uint64_t footer_offset) {
    Bytes end;
    AppendFooterAndTrailer(kHeader, frames, footer_offset, &end);
    const ByteSpan bytes(end);
    const Result<PackTrailer> trailer =
        DecodePackTrailer("pack", bytes.last(kPackTrailerBytes), footer_offset + bytes.size());
    if (!trailer.ok()) return true;
    return !DecodeFooter("pack", *trailer, bytes.first(trailer->footer_length)).ok();
  };
  const PlacedFrame last = PlaceFrames(infos).back();
  const uint64_t end = last.offset + last.info.FrameBytes();
  EXPECT_FALSE(refused(infos, end));
  EXPECT_TRUE(refused(infos, end + 1));
  EXPECT_TRUE(refused(infos, end - 1));
  EXPECT_TRUE(refused({}, kPackHeaderBytes)) << "no frames";
}

}  // namespace
}  // namespace varve

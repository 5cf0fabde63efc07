#include "codec/frame_codec.h"

#include <zstd.h>
#include <zstd_errors.h>

namespace varve {
namespace {

void Set(ZSTD_CCtx* context, ZSTD_cParameter parameter, int value) {
  VARVE_CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)));
}

ZSTD_CCtx* NewCompressor(int level) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  VARVE_CHECK(context != nullptr);
  Set(context, ZSTD_c_compressionLevel, level);
  Set(context, ZSTD_c_contentSizeFlag, 1);  // the format asks for it
  Set(context, ZSTD_c_checksumFlag, 0);     // frames have their own
  Set(context, ZSTD_c_dictIDFlag, 0);
  return context;
}

ZSTD_CCtx* NewCompressor(int level, int hash_log, int match_min) {
  ZSTD_CCtx* context = NewCompressor(level);
  Set(context, ZSTD_c_hashLog, hash_log);
  Set(context, ZSTD_c_minMatch, match_min);
  return context;
}

std::optional<size_t> Compress(ZSTD_CCtx* context, ByteSpan raw, MutableByteSpan to) {
  const size_t result = ZSTD_compress2(context, to.data(), to.size(), raw.data(), raw.size());
  if (!ZSTD_isError(result)) return result;
  ZSTD_CCtx_reset(context, ZSTD_reset_session_only);
  // Too small a buffer is the caller's way to say "not if it does not pay"; nothing else may fail.
  VARVE_CHECK(ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall);
  return std::nullopt;
}

}  // namespace

struct FrameEncoder::Contexts {
  explicit Contexts(int level)
      : whole(NewCompressor(level)),
        delta(level == kCompressionLevelDefault ? NewCompressor(level, 14, 6)
                                                : NewCompressor(level)) {}
  ~Contexts() {
    ZSTD_freeCCtx(whole);
    ZSTD_freeCCtx(delta);
  }
  Contexts(const Contexts&) = delete;
  Contexts& operator=(const Contexts&) = delete;

  // One each, because a context whose parameters change sets up its tables anew.
  ZSTD_CCtx* whole;
  ZSTD_CCtx* delta;
};

FrameEncoder::FrameEncoder(int level) : contexts_(std::make_unique<Contexts>(level)) {
  if (level == kCompressionLevelDefault) pages_.emplace();
}
FrameEncoder::~FrameEncoder() = default;
FrameEncoder::FrameEncoder(FrameEncoder&&) noexcept = default;

std::optional<size_t> FrameEncoder::EncodeWhole(ByteSpan raw, MutableByteSpan to) {
  if (pages_ && raw.size() <= PageEncoder::kRawMax) return pages_->Encode(raw, to);
  return Compress(contexts_->whole, raw, to);
}

std::optional<size_t> FrameEncoder::EncodeDelta(ByteSpan raw, ByteSpan base, MutableByteSpan to) {
  // A prefix holds for one compression and is referenced, not copied.
  VARVE_CHECK(!ZSTD_isError(ZSTD_CCtx_refPrefix(contexts_->delta, base.data(), base.size())));
  return Compress(contexts_->delta, raw, to);
}

struct FrameDecoder::Context {
  Context() : zstd(ZSTD_createDCtx()) { VARVE_CHECK(zstd != nullptr); }
  ~Context() { ZSTD_freeDCtx(zstd); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ZSTD_DCtx* zstd;
};

FrameDecoder::FrameDecoder() : context_(std::make_unique<Context>()) {}
FrameDecoder::~FrameDecoder() = default;
FrameDecoder::FrameDecoder(FrameDecoder&&) noexcept = default;

Status FrameDecoder::Decode(ByteSpan stored, ByteSpan base, MutableByteSpan raw) {
  // ZSTD_decompressDCtx takes several frames in a row; the format allows exactly one.
  const size_t frame_bytes = ZSTD_findFrameCompressedSize(stored.data(), stored.size());
  if (ZSTD_isError(frame_bytes) || frame_bytes != stored.size() ||
      ZSTD_getFrameContentSize(stored.data(), stored.size()) != raw.size()) {
    return Corruption("stored bytes are not one zstd frame of " + std::to_string(raw.size()) +
                      " bytes");
  }
  if (!base.empty()) {
    VARVE_CHECK(!ZSTD_isError(ZSTD_DCtx_refPrefix(context_->zstd, base.data(), base.size())));
  }
  const size_t result =
      ZSTD_decompressDCtx(context_->zstd, raw.data(), raw.size(), stored.data(), stored.size());
  if (ZSTD_isError(result)) {
    ZSTD_DCtx_reset(context_->zstd, ZSTD_reset_session_only);
    return Corruption(std::string("zstd: ") + ZSTD_getErrorName(result));
  }
  if (result != raw.size()) return Corruption("zstd: decoded fewer bytes than announced");
  return {};
}

}  // namespace varve

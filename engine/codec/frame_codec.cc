#include "codec/frame_codec.h"

#include <zstd.h>
#include <zstd_errors.h>

#include "codec/literals_section.h"

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

// Level 1 with a table that stays in the first-level cache. With a target length (of 1: no other
// effect) this strategy stores literals plainly.
ZSTD_CCtx* NewPlainCompressor() {
  ZSTD_CCtx* context = NewCompressor(1, 12, 5);
  Set(context, ZSTD_c_targetLength, 1);
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

// Habits. On pages of databases most of level 1's time goes where it gains little: into coding
// literals that are as good as random (compressed or hashed columns), and into short matches in
// text, which entropy coding alone nearly matches. Neighbouring chunks are alike, so each chunk is
// encoded as the one before turned out to want:
//   mixed  matches from 5 bytes, literals entropy-coded
//   text   literals shrink by a quarter or more: matches from 6 bytes
//   dense  literals shrink by less than 1/28 or the chunk did not at all: literals stored plainly
// A dense chunk is judged by a sample of its literals afterwards, and encoded again where that says
// that coding them pays. bench/README.md says what it costs and saves.
struct FrameEncoder::Contexts {
  explicit Contexts(int level)
      : mixed(level == kCompressionLevelDefault ? NewCompressor(level, 12, 5)
                                                : NewCompressor(level)),
        text(NewCompressor(1, 12, 6)),
        dense(NewPlainCompressor()),
        delta(level == kCompressionLevelDefault ? NewCompressor(level, 14, 6)
                                                : NewCompressor(level)) {}
  ~Contexts() {
    for (ZSTD_CCtx* context : {mixed, text, dense, delta})
      ZSTD_freeCCtx(context);
  }
  Contexts(const Contexts&) = delete;
  Contexts& operator=(const Contexts&) = delete;

  // One each, because a context whose parameters change sets up its tables anew.
  ZSTD_CCtx* mixed;
  ZSTD_CCtx* text;
  ZSTD_CCtx* dense;
  ZSTD_CCtx* delta;
};

FrameEncoder::FrameEncoder(int level)
    : contexts_(std::make_unique<Contexts>(level)), adaptive_(level == kCompressionLevelDefault) {}
FrameEncoder::~FrameEncoder() = default;
FrameEncoder::FrameEncoder(FrameEncoder&&) noexcept = default;

std::optional<size_t> FrameEncoder::EncodeAs(Habit habit, ByteSpan raw, MutableByteSpan to) {
  ZSTD_CCtx* const context = habit == Habit::kMixed  ? contexts_->mixed
                             : habit == Habit::kText ? contexts_->text
                                                     : contexts_->dense;
  return Compress(context, raw, to);
}

FrameEncoder::Habit FrameEncoder::Learn(ByteSpan raw, std::optional<ByteSpan> encoded) const {
  if (!encoded) return LooksUneven(raw) ? Habit::kMixed : Habit::kDense;
  const std::optional<LiteralsSection> literals = FindLiterals(*encoded);
  // Few literals say little and cost little.
  if (!literals || literals->length < raw.size() / 8) return Habit::kMixed;
  if (literals->length == literals->stored_length) {
    return LooksUneven(literals->plain) ? Habit::kMixed : Habit::kDense;
  }
  const size_t gain = literals->length - literals->stored_length;
  if (gain > literals->length / 4) return Habit::kText;
  return gain < literals->length / 28 ? Habit::kDense : Habit::kMixed;
}

std::optional<size_t> FrameEncoder::EncodeWhole(ByteSpan raw, MutableByteSpan to) {
  if (!adaptive_) return EncodeAs(Habit::kMixed, raw, to);
  const Habit tried = habit_;
  const auto encode_and_learn = [&](Habit habit) {
    const std::optional<size_t> length = EncodeAs(habit, raw, to);
    habit_ = Learn(raw, length ? std::optional<ByteSpan>(to.first(*length)) : std::nullopt);
    return length;
  };
  const std::optional<size_t> length = encode_and_learn(tried);
  if (tried != Habit::kDense || habit_ == Habit::kDense) return length;
  return encode_and_learn(Habit::kMixed);
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

// How bytes become the stored bytes of a frame and come back: raw, zstd, or a zstd delta against
// one base (engine.md, "Deltas"). The only place that knows the zstd library.
//
// Encoder and decoder are thread-compatible: one each per thread. Their contexts are made once; no
// call allocates. They are each other's twin: what one writes the other reads, and a writer decodes
// every frame again before anybody may rely on it.
//
// At the default level chunks of up to 64 KiB are encoded by our own encoder (page_encoder.h), all
// else by the library. A decoder sees no difference.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/page_encoder.h"

namespace varve {

// The levels of zstd that make sense for 64 KiB frames; 1 is the default.
inline constexpr int kCompressionLevelMin = -5;
inline constexpr int kCompressionLevelMax = 19;
inline constexpr int kCompressionLevelDefault = 1;

class FrameEncoder {
 public:
  explicit FrameEncoder(int level);
  ~FrameEncoder();
  FrameEncoder(FrameEncoder&&) noexcept;
  FrameEncoder& operator=(FrameEncoder&&) = delete;

  // Compresses `raw` on its own. The stored length, or nothing when `to` is too small for the
  // result: that is how a caller says "not if it does not pay".
  std::optional<size_t> EncodeWhole(ByteSpan raw, MutableByteSpan to);
  // The same against `base`, which the decoder must be given again.
  std::optional<size_t> EncodeDelta(ByteSpan raw, ByteSpan base, MutableByteSpan to);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
  std::optional<PageEncoder> pages_;
};

class FrameDecoder {
 public:
  FrameDecoder();
  ~FrameDecoder();
  FrameDecoder(FrameDecoder&&) noexcept;
  FrameDecoder& operator=(FrameDecoder&&) = delete;

  // Decodes exactly raw.size() bytes. Corruption if `stored` is anything but one zstd frame of
  // that size. `base` is empty for a frame that stands alone.
  Status Decode(ByteSpan stored, ByteSpan base, MutableByteSpan raw);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace varve

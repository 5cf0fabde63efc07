// Sealing::Open on any bytes: nothing that was not sealed with the key opens, and what is sealed
// comes back as it was.
#include "codec/repository_sealing.h"
#include "fuzz/small_object_fuzzing.h"
#include "sim/seeded_random.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  static SeededRandom random(1);
  static const Secret master(kMasterKeyBytes);
  static const auto sealing = NewRepositorySealing(master, RepositoryId{}, random);
  static const auto locked = NewLockedSealing(RepositoryId{}, "locked");
  FuzzSmallObject(data, size, [](ByteSpan object) {
    const Bytes stored(object.begin(), object.end());
    const Result<Bytes> opened = sealing->Open("object", stored);
    if (!opened.ok()) CheckRefusal(opened.status());
    const bool passes =
        !IsSmallObject(stored) ||
        (stored.size() > 10 && stored[10] == static_cast<int>(ObjectKind::kKeySlot));
    VARVE_CHECK(!opened.ok() || passes);
    static_cast<void>(locked->Open("object", stored));
    const auto sealed = sealing->Seal("object", {&object, 1});
    if (!sealed.ok() || !sealed->has_value()) return;
    const Result<Bytes> back = sealing->Open("object", **sealed);
    VARVE_CHECK(back.ok() && *back == stored);
  });
  return 0;
}

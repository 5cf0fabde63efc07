// The golden files: small objects and packs of format version 1, byte for byte, and broken ones
// with the words in which a reader must refuse them. tests/golden/good and bad hold the same bytes
// (written by `make_golden`), so that a change of writer or reader cannot pass unseen.
//
// The good ones together are a whole repository: config, one snapshot of a volume, two packs of
// chunks and one of nodes. tools/decode restores it.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace varve {

struct GoodFile {
  std::string name;
  Bytes bytes;
};

struct BadFile {
  std::string name;
  Bytes bytes;
  Code code = Code::kCorruption;
  std::string message;  // a part of it
};

std::vector<GoodFile> GoodFiles();
std::vector<BadFile> BadFiles();

// The volume that the good snapshot is of.
Bytes GoldenVolume();

// Reads a golden file as what its name says it is: config…, snapshot…, session…, node…, pack….
Status ReadGoldenFile(const std::string& name, ByteSpan bytes);

}  // namespace varve

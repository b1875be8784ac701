// SPDX-License-Identifier: Apache-2.0
// The bytes of an archive, as they are and with the right checks: what the reader accepts, a writer writes the same.
#include <optional>

#include "archive_bytes.h"
#include "capi/archive_format.h"

namespace {

using namespace jzse;
using capi::ArchiveReader;

fuzz::MemoryFile& Source() {
  static fuzz::MemoryFile file;
  return file;
}
fuzz::MemoryFile& Target() {
  static fuzz::MemoryFile file;
  return file;
}

// Writes one record again; false if it is malformed.
bool Repeat(const ArchiveReader& reader, ArchiveReader::Type type, capi::ArchiveWriter* writer) {
  switch (type) {
    case ArchiveReader::Type::kState: {
      const auto state = reader.State();
      if (!state.ok()) return false;
      fuzz::Require(!state->path.empty() && state->path.size() <= base::kPathSizeMax, "a path beyond the bounds");
      return writer->State(*state).ok();
    }
    case ArchiveReader::Type::kPiece:
      return !reader.payload().empty() && writer->Piece(reader.payload()).ok();
    case ArchiveReader::Type::kEndContent: {
      const auto hash = reader.EndContent();
      return hash.ok() && writer->EndContent(*hash).ok();
    }
    case ArchiveReader::Type::kEnd: {
      const auto counts = reader.End();
      return counts.ok() && writer->End(*counts).ok();
    }
  }
  return false;
}

void Read(const std::string& bytes) {
  ArchiveReader reader(Source().Holding(bytes));
  const auto begin = reader.Begin();
  if (!begin.ok()) return;
  capi::ArchiveWriter writer(Target().Holding(""));
  fuzz::Require(writer.Begin(*begin).ok(), "the header cannot be written");
  for (;;) {
    const auto type = reader.Next();
    if (!type.ok() || !Repeat(reader, *type, &writer)) return;
    if (*type != ArchiveReader::Type::kEnd) continue;
    if (reader.AtEnd().ok()) fuzz::Require(Target().Content() == bytes, "one archive, two encodings");
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Read(std::string(fuzz::View(data, size)));
  Read(fuzz::SealedArchive(fuzz::View(data, size)));
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Encodings: what is encoded comes back exactly; bytes that were damaged either are refused or are the one encoding of
// what they decode to; nothing crashes. Names: canonical forms are fixed points.
#include <catch2/catch.hpp>
#include <algorithm>
#include <vector>

#include "budget.h"
#include "model/model.h"

namespace jzse::model {
namespace {

using Storage = Content::Storage;

Content SomeContent(base::Prng& prng) {
  Content content;
  content.kind = static_cast<ContentKind>(prng.Below(4));
  if (content.kind == ContentKind::kDeleted) return content;
  if (prng.OneIn(2)) content.mode = static_cast<uint32_t>(prng.Next());
  if (prng.OneIn(2)) content.mtime_ns = static_cast<int64_t>(prng.Next() >> prng.Below(64));
  if (prng.OneIn(4)) content.content_type = "text/plain; charset=\u00e9";
  if (prng.OneIn(4)) {
    for (size_t i = prng.Below(4); i > 0; --i) content.metadata.emplace_back(std::string(i, 'k'), "value\n");
    std::sort(content.metadata.begin(), content.metadata.end());
  }
  if (content.kind == ContentKind::kDirectory) return content;
  const std::string bytes = prng.Bytes(32);
  content.hash = base::Hash256::FromBytes(bytes);
  content.storage = static_cast<Storage>(prng.Below(4));
  content.size = 1 + prng.Below(4096);
  if (content.kind == ContentKind::kSymlink && content.storage == Storage::kChunked) content.storage = Storage::kNone;
  if (content.storage == Storage::kChunked) {
    content.manifest = prng.Bytes(1 + prng.Below(100));
    content.size = 1 + prng.Below(base::kFileSizeMax);
  }
  if (content.storage == Storage::kReference) content.reference = 1 + (prng.Next() >> prng.Below(64)) / 2;
  return content;
}

Dot SomeNewDot(base::Prng& prng, const FileRecord& record) {
  const base::ReplicaId replica = prng.OneIn(2) ? record.id.replica : 1 + prng.Below(5);
  return {replica, record.vector.Get(replica) + 1 + prng.Below(300)};
}

FileRecord SomeRecord(base::Prng& prng) {
  const char* const paths[] = {"a", "dir/file.txt", "\u4eac/\u00e9", "x/y/z"};
  const auto path = [&] { return std::string(paths[prng.Below(std::size(paths))]); };
  const auto stamp = [&] { return Stamp::At(prng.Below(prng.OneIn(2) ? 3 : Stamp::kMsMax)); };
  FileRecord record = NewRecord(path(), SomeContent(prng), {1 + prng.Next() / 2, 1 + prng.Below(1000)}, stamp());
  const bool keep = prng.OneIn(3);
  FileRecord other = record;
  for (size_t steps = prng.Below(8); steps > 0; --steps) {
    FileRecord& side = prng.OneIn(2) ? record : other;
    if (prng.OneIn(3)) {
      SetPath(side, path(), SomeNewDot(prng, side), std::max(stamp(), Stamp{side.path.stamp.value + 1}));
    } else {
      SetContent(side, SomeContent(prng), SomeNewDot(prng, side), stamp(), keep);
    }
    if (prng.OneIn(3)) record = Merge(record, other);
  }
  return record;
}

std::string Encoded(const FileRecord& record) {
  std::string out;
  base::Encoder encoder(&out);
  Encode(record, encoder);
  return out;
}

std::string Mutated(base::Prng& prng, std::string bytes, const std::string& other) {
  for (size_t times = 1 + prng.Below(3); times > 0 && !bytes.empty(); --times) {
    const size_t at = prng.Below(bytes.size());
    switch (prng.Below(6)) {
      case 0: bytes[at] = static_cast<char>(bytes[at] ^ (1 << prng.Below(8))); break;
      case 1: bytes[at] = static_cast<char>(prng.Next()); break;
      case 2: bytes.erase(at, 1 + prng.Below(4)); break;
      case 3: bytes.insert(at, prng.Bytes(1 + prng.Below(4))); break;
      case 4: bytes.resize(at); break;
      case 5: bytes = bytes.substr(0, at) + other.substr(std::min(other.size(), prng.Below(other.size() + 1))); break;
    }
  }
  return bytes;
}

struct Counts {
  uint64_t accepted = 0, refused = 0;
};

std::string CheckRecordBytes(const std::string& bytes, Counts* counts) {
  base::Decoder decoder(bytes);
  FileRecord record;
  if (!Decode(decoder, &record)) {
    ++counts->refused;
    return decoder.ok() ? "refused, but the decoder goes on" : "";
  }
  ++counts->accepted;
  if (!CheckRecord(record).ok()) return "an invalid record was accepted";
  if (Encoded(record) != bytes.substr(0, bytes.size() - decoder.remaining())) return "one record, two encodings";
  return "";
}

TEST_CASE("file records: exact round trips, damaged bytes") {
  Counts counts;
  const auto each = [&counts](uint64_t seed) -> std::string {
    base::Prng prng(seed);
    const FileRecord record = SomeRecord(prng), other = SomeRecord(prng);
    const std::string bytes = Encoded(record), other_bytes = Encoded(other);
    base::Decoder decoder(bytes);
    FileRecord decoded = other;
    if (!Decode(decoder, &decoded) || !decoder.done() || decoded != record) return "the record did not come back";
    if (record != other && bytes == other_bytes) return "two records, one encoding";
    for (int i = 0; i < 8; ++i) {
      const std::string problem = CheckRecordBytes(Mutated(prng, bytes, other_bytes), &counts);
      if (!problem.empty()) return problem;
    }
    return CheckRecordBytes(prng.Bytes(prng.Below(200)), &counts);
  };
  CHECK(prop::Search(60'000, each) == "");
  CHECK(counts.refused > 0);
  if (std::getenv("JZSE_PROP_SEED") == nullptr) CHECK(counts.accepted > 0);  // mutants reach beyond the first check
}

TEST_CASE("version vectors and policies: exact round trips, damaged bytes") {
  const auto each = [](uint64_t seed) -> std::string {
    base::Prng prng(seed);
    VersionVector vector;
    for (size_t i = prng.Below(6); i > 0; --i) vector.Advance({1 + (prng.Next() >> prng.Below(64)) / 2, 1 + prng.Below(400)});
    std::string bytes;
    base::Encoder encoder(&bytes);
    vector.Encode(encoder);
    NamespacePolicy policy;
    policy.quota_bytes = prng.Next() >> prng.Below(64);
    policy.compression = static_cast<int8_t>(prng.Below(20));
    policy.conflict = static_cast<ConflictStrategy>(prng.Below(4));
    std::string policy_bytes;
    base::Encoder policy_encoder(&policy_bytes);
    Encode(policy, policy_encoder);
    for (int i = 0; i < 9; ++i) {
      const bool intact = i == 0;
      const std::string vector_mutant = intact ? bytes : Mutated(prng, bytes, policy_bytes);
      base::Decoder decoder(vector_mutant);
      VersionVector decoded;
      std::string again;
      base::Encoder again_encoder(&again);
      const bool ok = decoded.Decode(decoder);
      if (ok) decoded.Encode(again_encoder);
      if (ok && again != vector_mutant.substr(0, again.size())) return "one vector, two encodings";
      if (intact && (!ok || decoded != vector)) return "the vector did not come back";
      const std::string policy_mutant = intact ? policy_bytes : Mutated(prng, policy_bytes, bytes);
      base::Decoder policy_decoder(policy_mutant);
      const auto decoded_policy = DecodePolicy(policy_decoder);
      std::string policy_again;
      base::Encoder policy_again_encoder(&policy_again);
      if (decoded_policy.ok()) Encode(*decoded_policy, policy_again_encoder);
      if (policy_again != policy_mutant.substr(0, policy_again.size())) return "one policy, two encodings";
      if (intact && (!decoded_policy.ok() || *decoded_policy != policy)) return "the policy did not come back";
    }
    return "";
  };
  CHECK(prop::Search(40'000, each) == "");
}

void AppendUtf8(uint32_t code, std::string* text) {
  if (code < 0x80) {
    text->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    text->push_back(static_cast<char>(0xc0 | code >> 6));
  } else {
    if (code < 0x10000) {
      text->push_back(static_cast<char>(0xe0 | code >> 12));
    } else {
      text->push_back(static_cast<char>(0xf0 | code >> 18));
      text->push_back(static_cast<char>(0x80 | (code >> 12 & 63)));
    }
    text->push_back(static_cast<char>(0x80 | (code >> 6 & 63)));
  }
  if (code >= 0x80) text->push_back(static_cast<char>(0x80 | (code & 63)));
}

std::string SomeName(base::Prng& prng) {
  static constexpr uint32_t kRanges[][2] = {{0x20, 0x7e}, {0x2e, 0x2f}, {0xa0, 0x17f}, {0x300, 0x36f}, {0x900, 0x97f},
                                            {0x1100, 0x11ff}, {0x1e00, 0x1fff}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
                                            {0x1d100, 0x1d1ff}, {0, 0x10ffff}};
  std::string name;
  for (size_t i = prng.Below(12); i > 0; --i) {
    const auto& range = kRanges[prng.Below(std::size(kRanges))];
    AppendUtf8(range[0] + static_cast<uint32_t>(prng.Below(range[1] - range[0] + 1)), &name);
  }
  return prng.OneIn(20) ? name + prng.Bytes(2) : name;
}

TEST_CASE("names: canonical forms are fixed points, and derived names of them are canonical") {
  uint64_t accepted = 0;
  const auto each = [&accepted](uint64_t seed) -> std::string {
    base::Prng prng(seed);
    const std::string raw = SomeName(prng);
    for (const NamespaceKind kind : {NamespaceKind::kTree, NamespaceKind::kKeys}) {
      const auto name = CanonicalName(kind, raw);
      if (!name.ok()) {
        if (name.status().message().find('\n') != absl::string_view::npos) return "a message of two lines";
        continue;
      }
      ++accepted;
      const auto again = CanonicalName(kind, *name);
      if (!again.ok() || *again != *name) return "a canonical name is no fixed point: " + Quoted(raw);
      if (!IsPlainText(*name)) return "a canonical name is no plain text: " + Quoted(raw);
      const std::string derived = DerivedPath(kind, *name, {1 + prng.Next() / 2, 1 + prng.Next() / 2});
      const auto derived_again = CanonicalName(kind, derived);
      if (!derived_again.ok() || *derived_again != derived) return "a derived name is not canonical: " + Quoted(raw);
      for (size_t size = 0; size <= name->size(); ++size) {
        const auto prefix = CanonicalPrefix(kind, name->substr(0, size));
        if (prefix.ok() && prefix->size() != size) return "a prefix of a canonical name is not canonical: " + Quoted(raw);
      }
    }
    return "";
  };
  CHECK(prop::Search(100'000, each) == "");
  if (std::getenv("JZSE_PROP_SEED") == nullptr) CHECK(accepted > 0);
}

}  // namespace
}  // namespace jzse::model

// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of the corpora: what the real encoders make of small stores, and a few inputs for the targets that
// have a language of their own.   fuzz_make_seeds FOLDER   fills FOLDER/TARGET/seed-*
// What fuzzing found besides lies in the corpora under the names that libFuzzer gave.
#include <sys/stat.h>

#include <fstream>

#include "archive_bytes.h"
#include "sim_handle.h"
#include "store/file_entry.h"
#include "store/compress.h"
#include "store/manifest.h"
#include "store/record.h"

namespace {

using namespace jzse;
using base::Bytes;
using store::RecordType;

constexpr int kSeedsMax = 8;  // of one kind
constexpr size_t kSeedSizeMax = 4100;

std::string root;
std::map<std::string, int> written;

void Seed(const std::string& target, Bytes bytes, const std::string& kind = "seed") {
  if (bytes.size() > kSeedSizeMax) return;
  const int number = written[target + kind]++;
  if (number >= kSeedsMax) return;
  mkdir((root + "/" + target).c_str(), 0755);
  std::ofstream file(root + "/" + target + "/" + kind + "-" + std::to_string(number), std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  fuzz::Require(file.good(), "a seed cannot be written");
}

std::string Selected(int selector, Bytes bytes) {
  return std::string(1, static_cast<char>(selector)) + std::string(bytes);
}

template <typename Value, typename Encode>
std::string Encoded(const Value& value, Encode encode) {
  std::string bytes;
  base::Encoder encoder(&bytes);
  encode(value, encoder);
  return bytes;
}

// ---- from the records of a store

void SeedChange(Bytes payload, const store::Location& location, base::Sequence sequence) {
  const auto change = store::DecodeChange(payload);
  fuzz::Require(change.ok(), "a change that does not decode");
  const model::FileRecord& file = change->file;
  const auto encode = [](const model::FileRecord& record, base::Encoder& encoder) { model::Encode(record, encoder); };
  const std::string record = Encoded(file, encode);
  Seed("file_record", record);
  model::FileRecord edited = file, moved = file;
  const uint64_t counter = file.vector.Get(77) + 5;
  model::SetContent(edited, file.winner().content, {77, counter}, {file.path.stamp.value + 70000});
  model::SetPath(moved, "elsewhere", {78, counter}, {file.path.stamp.value + 80000});
  Seed("merge", Encoded(edited, encode) + Encoded(moved, encode));
  Seed("file_record", Encoded(model::Merge(edited, moved), encode), "merged");
  Seed("version_vector", Encoded(edited.vector, [](const auto& v, base::Encoder& e) { v.Encode(e); }) +
                             Encoded(moved.vector, [](const auto& v, base::Encoder& e) { v.Encode(e); }));
  Seed("names", file.path.path);
  const model::Content& content = file.winner().content;
  if (!content.manifest.empty()) Seed("manifest", content.manifest);
  store::FileEntry entry{sequence, location, change->type, change->floor, 1, file, sequence};
  Seed("index_value", Selected(6, store::EncodeFileEntry(store::VersionKey(1, file.id, sequence), entry)), "version");
  entry.file = edited;
  Seed("index_value", Selected(6, store::EncodeFileEntry(store::VersionKey(1, file.id, sequence), entry)), "edited");
  entry.file.path.path = "a/b";  // the path that the target gives all keys
  Seed("index_value", Selected(0, store::EncodeFileEntry(store::PathKey(1, "a/b"), entry)), "file");
  entry.file = model::Merge(edited, moved);
  entry.file.path.path = "a/b";
  Seed("index_value", Selected(0, store::EncodeFileEntry(store::PathKey(1, "a/b"), entry)), "whole");
  Seed("index_value", Selected(1, store::EncodeHolder({location, 2})), "holder");
}

void SeedPayload(const store::RecordHeader& header, Bytes payload, const store::Location& location) {
  Seed("payload", Selected(static_cast<int>(header.type) - 1, payload),
       "type" + std::to_string(static_cast<int>(header.type)));
  switch (header.type) {
    case RecordType::kChange: SeedChange(payload, location, header.sequence); break;
    case RecordType::kNamespace: {
      const auto record = store::DecodeNamespace(payload);
      fuzz::Require(record.ok(), "a namespace that does not decode");
      Seed("policy", Encoded(record->policy, [](const auto& p, base::Encoder& e) { model::Encode(p, e); }));
      const store::NamespaceEntry entry{*record, header.sequence, location, {1, 2, 3, 4, 5}};
      Seed("index_value", Selected(3, store::EncodeNamespaceEntry(entry)), "namespace");
      break;
    }
    case RecordType::kChunk:
      Seed("index_value", Selected(2, store::EncodeChunkEntry({location, header.sequence})), "chunk");
      if (const auto chunk = store::DecodeChunk(payload); chunk.ok() && chunk->encoding == store::InlineEncoding::kZstd)
        Seed("content", Selected(0, std::string{static_cast<char>(chunk->size >> 8), static_cast<char>(chunk->size)} +
                                        std::string(chunk->bytes)));
      break;
    case RecordType::kVersionDrop: case RecordType::kFooter: break;
  }
}

void SeedStore(const fuzz::SampleStore& sample) {
  Seed("identity", store::EncodeIdentity(sample.identity));
  if (const auto census = sample.env->Content(crash::kCensusPath); census.ok()) {
    Seed("census", *census);
    Seed("census", Bytes(*census).substr(24, census->size() - 40));
  }
  for (const std::string& path : sample.segments) {
    const std::string bytes = *sample.env->Content(path);
    Seed("segment_header", Bytes(bytes).substr(0, 360));
    Seed("trailer", Bytes(bytes).substr(bytes.size() - store::kTrailerSize));
  }
  std::string journal("\0\0\0", 3);  // not read-only, one segment, of the commit stream
  std::string journal_records, journal_groups;
  size_t journal_count = 0;
  for (const fuzz::PlacedRecord& record : sample.records) {
    const std::string bytes = *sample.env->Content(record.file);
    const uint32_t size = store::RecordSize(record.header.length);
    const Bytes whole = Bytes(bytes).substr(record.offset, size);
    Bytes payload = store::PayloadOf(record.header, whole);
    Seed("record_frame", whole);
    if (record.header.type == RecordType::kFooter) {
      Seed("footer_page", payload);
      continue;
    }
    if ((record.header.flags & store::kFlagGroupFirst) != 0) payload.remove_prefix(store::kGroupPrefixSize);
    SeedPayload(record.header, payload, {record.segment, static_cast<uint32_t>(record.offset), size});
    if (payload.size() > 400 || journal_count == 15) continue;
    ++journal_count;
    journal_records.push_back(static_cast<char>(static_cast<int>(record.header.type) - 1));
    journal_records += std::string("\1", 1) + static_cast<char>(payload.size() >> 8) + static_cast<char>(payload.size());
    journal_records += payload;
    journal_groups.push_back('\0');
  }
  journal.push_back(static_cast<char>(journal_count));
  Seed("journal", journal + journal_records + journal_groups);
  journal[2] = '\x0b';  // sealed
  Seed("journal", journal + journal_records + journal_groups);
  for (const std::string& file : sample.files)
    if (file.find("MANIFEST") != std::string::npos) Seed("leveldb_log", *sample.env->Content(file));
}

// ---- archives

// A real archive in the language of SealedArchive.
std::string Unsealed(Bytes archive) {
  std::string input(1, archive[12]);
  for (size_t at = 32; at + 20 <= archive.size();) {
    const uint32_t head = base::LoadLe<uint32_t>(archive.data() + at);
    const size_t length = head & 0xffffff;
    const auto type = static_cast<char>(head >> 24);
    const bool hash = type == 3;
    input.push_back(hash ? static_cast<char>(type | 0x80) : type);
    input.push_back(static_cast<char>(hash ? 0 : length >> 8));
    input.push_back(static_cast<char>(hash ? 0 : length));
    if (!hash) input.append(archive.substr(at + 4, length));
    at += 4 + length + 16;
  }
  return input;
}

void SeedArchives() {
  for (const char* prefix : {"a", "of", "l", "moved"}) {
    const auto env = fuzz::SampleOf(fuzz::Sample::kCompacted).env->CloneKilled();
    jzse_store* const store = fuzz::OpenHandle(*env);
    fuzz::MemoryFile file;
    jzse_archive_options options = JZSE_ARCHIVE_OPTIONS_INIT;
    options.versions = 1;
    options.prefix = prefix;
    fuzz::Require(jzse_archive_export(store, "default", file.Holding(""), &options, nullptr, nullptr) == JZSE_OK, "no export");
    const std::string archive = file.Content();
    Seed("archive", archive, "whole");
    Seed("archive", Unsealed(archive), "records");
    Seed("archive_import", Selected(1, Unsealed(archive)), "records");
    Seed("archive_import", Selected(3, archive), "whole");
    fuzz::Require(jzse_store_close(store, nullptr) == JZSE_OK, "the store does not close");
  }
}

// ---- by hand

void SeedTexts() {
  for (const char* text : {"a/b/c", "e\xcc\x81", "//x", "a/../b", "\xed\x9f\xbf", "dir/name.tar.gz", "\xf0\x9f\x98\x80/x"})
    Seed("names", text, "text");
  Seed("merge_text", "a\nb\nc\nd\n\x1f" "a\nB\nc\nd\n\x1f" "a\nb\nc\nD\n");
  Seed("merge_text", "a\nb\x1f" "a\nb\n\x1f" "x\na\nb");
  Seed("merge_text", "1\n2\n3\n\x1f" "1\n3\n\x1f" "1\n2\n3\n4\n");
  for (const char* text : {"64K", "1.5GiB", "90", "15m", "4w", "0644", "web:/a/", ":12:30", "18446744073709551615", "a\x1b[31m"})
    Seed("cli_text", text);
  for (const char* text : {"put\nfile\nweb:a\n--if-match\n*", "-s\nstore\nls\n-l\nweb:", "ns\ncreate\nx\nkind=keys",
                           "config\nset\ndefault\nversions-max=3", "--help", "completion\nbash", "get\n--version\n7\na", "verify\n--repair",
                           "cp\nhttp://h:1/web/a%20b\nhttp://h:1/web/c", "config\nhttp://[::1]:80/web\nversions=1"})
    Seed("cli_command_line", text);
}

void SeedNoise() {
  for (uint64_t i = 0; i < 6; ++i) {
    base::Prng prng(100 + i);
    Seed("chunker", prng.Bytes(500));
    Seed("c_api", prng.Bytes(300));
    Seed("hostile_store", prng.Bytes(40));
    Seed("manifest", prng.Bytes(200), "noise");
    Seed("leveldb_log", prng.Bytes(200), "noise");
    Seed("content", prng.Bytes(100), "noise");
    // Each kind of call often enough that something is there to be called upon.
    std::string calls(1, static_cast<char>(i));
    for (int call = 0; call < 30; ++call)
      calls += std::string(1, static_cast<char>(call % 3 == 0 ? 0 : prng.Below(39))) + std::string(2, '\0') + prng.Bytes(4);
    Seed("c_api", calls, "calls");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  root = argv[1];
  mkdir(root.c_str(), 0755);
  SeedStore(fuzz::SampleOf(fuzz::Sample::kCompacted));
  SeedStore(fuzz::SampleOf(fuzz::Sample::kClosed));
  store::Applied applied;
  applied.store = {1, 2};
  Seed("index_value", Selected(4, store::EncodeApplied(applied)), "applied");
  SeedArchives();
  SeedTexts();
  SeedNoise();
  return 0;
}

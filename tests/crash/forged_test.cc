// SPDX-License-Identifier: Apache-2.0
// Records that are not what they should be and have the right check all the same, as nobody but a forger, or memory that failed
// before the check was made, would leave them. Whatever they say, the store opens or says why not, every call ends with a
// documented code, and nothing aborts.
#include <catch2/catch.hpp>

#include "budget.h"
#include "faulty_index.h"
#include "store/manifest.h"
#include "store/record.h"
#include "store/segment.h"
#include "store_world.h"

namespace jzse::crash {
namespace {

using base::Is;
using engine::Transaction;
using io::SimEnv;
using store::RecordType;

model::NamespacePolicy SmallChunks() {
  model::NamespacePolicy policy;
  policy.versions_max = 2;
  policy.chunk_min = 4096;
  policy.chunk_average = 8192;
  policy.chunk_max = 16384;
  return policy;
}

const std::string& Large() {
  static const auto* const large = new std::string(Noise(2, 200'000));  // in two levels
  return *large;
}

enum class Life { kClosed, kKilled, kUnswitched, kUnswitchedBulk };

// Every kind of record; compacted and written on. kUnswitched: compacted again, but the index still names the old places, of
// changes or of chunks.
std::unique_ptr<SimEnv> Disk(Life life) {
  auto env = std::make_unique<SimEnv>();
  IndexFaults faults;
  engine::Options options = QuietOptions();
  options.around_index = faults.Around();
  auto store = Store::Open(*env, kStore, options);
  REQUIRE(store.ok());
  const auto put = [&](const char* path, const std::string& data) { REQUIRE(Put(**store, "n", path, data).ok()); };
  REQUIRE((*store)->CreateNamespace("n", SmallChunks()).ok());
  put("a", "first");
  put("a", "second");
  put("large", Large());
  put("gone", "soon");
  REQUIRE(Delete(**store, "n", "gone").ok());
  engine::CompactOptions full;
  full.full = true;
  REQUIRE((*store)->Compact(full).ok());
  for (const char* content : {"1", "2", "3", "4"}) put("often", content);
  put("shared", Prose(3, 3000));
  Transaction t;
  REQUIRE((*store)->AddCopy(t, "n", "shared", "n", "copy", {}).ok());
  REQUIRE((*store)->AddMove(t, "n", "a", "moved", {}).ok());
  REQUIRE((*store)->Commit(std::move(t)).ok());
  const auto versions = (*store)->ListVersions("n", "often");
  REQUIRE(versions.ok());
  (void)(*versions)->Next();
  const auto second = (*versions)->Next();
  REQUIRE((second.ok() && *second != nullptr));
  Transaction drop;
  REQUIRE((*store)->AddDeleteVersion(drop, "n", "often", (*second)->info.sequence).ok());
  REQUIRE((*store)->Commit(std::move(drop)).ok());
  put("second large", Noise(4, 100'000));
  if (life == Life::kUnswitched || life == Life::kUnswitchedBulk) {
    put("large", Noise(5, 30'000));
    faults.Plan(IndexFaults::kFlush, life == Life::kUnswitched ? 2 : 3, false, true);
    CHECK_FALSE((*store)->Compact(full).ok());
  }
  if (life == Life::kClosed) REQUIRE((*store)->Close().ok());
  auto killed = env->CloneKilled();
  store->reset();
  return killed;
}

struct Placed {
  std::string file;
  base::SegmentId segment = 0;
  store::StoreId store;
  uint64_t offset = 0;
  store::RecordHeader header;
};

std::vector<Placed> RecordsOf(const SimEnv& env) {
  std::vector<Placed> records;
  for (const std::string& file : SegmentPaths(env)) {
    const std::string bytes = *env.Content(file);
    const auto header = store::DecodeSegmentHeader(Bytes(bytes).substr(0, base::kSegmentHeaderSize));
    REQUIRE(header.ok());
    const store::RecordSealer sealer(header->store, header->id);
    for (uint64_t offset = base::kSegmentHeaderSize; offset < bytes.size(); offset += 8) {
      Placed placed{file, header->id, header->store, offset, {}};
      const Bytes view = Bytes(bytes).substr(offset);
      if (!store::ParseRecordHeader(view, view.size(), &placed.header)) continue;
      const uint32_t size = store::RecordSize(placed.header.length);
      if (!store::RecordValid(sealer, offset, placed.header, view.substr(0, size))) continue;
      records.push_back(placed);
      offset += size - 8;
    }
  }
  return records;
}

// Lets `change` change the payload, behind a group's prefix, in place, and makes the check right again.
void Forge(SimEnv& env, const Placed& record, const std::function<void(std::string*)>& change) {
  std::string bytes = *env.Content(record.file);
  const size_t prefix = (record.header.flags & store::kFlagGroupFirst) != 0 ? store::kGroupPrefixSize : 0;
  const size_t begin = record.offset + base::kRecordHeaderSize + prefix, length = record.header.length - prefix;
  std::string payload = bytes.substr(begin, length);
  change(&payload);
  payload.resize(length);
  bytes.replace(begin, length, payload);
  const uint32_t size = store::RecordSize(record.header.length);
  const size_t body = size - base::kRecordCheckSize;
  const base::Hash128 check =
      store::RecordSealer(record.store, record.segment).CheckAt(record.offset, Bytes(bytes).substr(record.offset, body));
  base::StoreLe(bytes.data() + record.offset + body, check.low);
  base::StoreLe(bytes.data() + record.offset + body + 8, check.high);
  REQUIRE(env.Put(record.file, bytes).ok());
}

// What no honest writer would say of a file, with an encoding of the same size.
void ForgeChange(std::string* payload, int kind) {
  auto change = store::DecodeChange(*payload);
  if (!change.ok()) return;
  model::Content& content = change->file.contents.front().content;
  if (kind == 0 && !content.manifest.empty()) content.manifest[0] = 'X';
  if (kind == 1) content.size ^= 1;
  if (kind == 2) change->file.path.stamp = model::Stamp::At(model::Stamp::kMsMax, UINT16_MAX);  // no greater one is valid
  if (kind == 3 && !content.manifest.empty()) content.manifest[1] = 3;
  if (kind == 4 && !content.manifest.empty()) {  // the same in all, but cut elsewhere
    auto node = store::DecodeNode(content.manifest);
    if (!node.ok() || node->level != 0 || node->entries.size() < 2) return;
    ++node->entries[0].size;
    --node->entries[1].size;
    content.manifest = store::EncodeNode(*node);
  }
  if (!model::CheckRecord(change->file).ok()) return;
  std::string bytes;
  store::EncodeChange(*change, &bytes);
  if (bytes.size() == payload->size()) *payload = bytes;
}

// The entry says something else, or nothing that can be read; the page is one all the same.
void ForgePage(std::string* payload, size_t number, bool empty) {
  const auto entries = store::DecodeFooterPage(*payload);
  if (!entries.ok() || number >= entries->size()) return;
  store::FooterPageBuilder builder;
  for (size_t i = 0; i < entries->size(); ++i) {
    store::FooterEntry entry = (*entries)[i];
    if (i == number && empty) entry.summary.assign(entry.summary.size(), '\0');
    if (i == number && !empty) entry.header.sequence ^= 1;
    builder.Add(entry.header, entry.offset, entry.summary);
  }
  const std::string bytes = builder.Take();
  if (bytes.size() == payload->size()) *payload = bytes;
}

// Everything that there is to do; the first code that no document knows of.
std::string Exercise(SimEnv& env) {
  std::string problem;
  const auto heard = [&](const char* call, const Status& status) {
    const Code code = base::CodeOf(status);
    const bool documented = status.ok() || code == Code::kCorrupt || code == Code::kNotFound || code == Code::kBusy ||
                            code == Code::kExists || code == Code::kUnsupported || code == Code::kTooLarge;
    if (!documented && problem.empty()) problem = std::string(call) + ": " + std::string(status.message());
  };
  for (int life = 0; life < 2; ++life) {
    auto opened = OpenOn(env);
    heard("open", opened.status());
    if (!opened.ok()) return problem;
    Store& store = **opened;
    if (life == 1) {  // by what was written last, whatever has become of the rest
      heard("verify", store.Verify({}).status());
      heard("close", store.Close());
      return problem;
    }
    heard("dump", DumpOf(store).status());
    for (const char* path : {"moved", "large", "often", "shared", "copy", "second large", "gone"}) {
      heard("get", Get(store, "n", path).status());
      heard("get again", Get(store, "n", path).status());
      const auto reader = store.OpenReader("n", path, {});
      heard("open a reader", reader.status());
      if (!reader.ok()) continue;
      std::vector<engine::Extent> extents;
      heard("extents", (*reader)->Extents(0, 100, &extents));
      char buffer[100];
      heard("read", (*reader)->ReadAt((*reader)->info().size / 2, buffer, sizeof buffer).status());
    }
    const auto feed = store.OpenFeed({});
    for (int i = 0; feed.ok() && i < 100; ++i) {
      const auto event = (*feed)->Next(0);
      heard("feed", event.status());
      if (!event.ok() || *event == nullptr) break;
    }
    engine::VerifyOptions repair;
    heard("verify", store.Verify(repair).status());
    heard("put the same", Put(store, "n", "same", Large()));
    engine::CompactOptions full;
    full.full = true;
    heard("compact", store.Compact(full).status());
    const auto commit = [&](const char* call, const std::function<Status(Transaction&)>& add) {
      Transaction t;
      Status status = add(t);
      if (status.ok()) status = store.Commit(std::move(t)).status();
      heard(call, status);
    };
    engine::PutOptions attributes;
    attributes.attributes.mode = 0600;
    for (const char* path : {"often", "moved", "shared"}) {
      commit("attributes", [&](Transaction& t) { return store.AddSetAttributes(t, "n", path, attributes); });
      commit("put", [&](Transaction& t) { return store.AddPut(t, "n", path, "new", true, {}); });
      commit("move", [&](Transaction& t) { return store.AddMove(t, "n", path, std::string(path) + " away", {}); });
      commit("delete", [&](Transaction& t) { return store.AddDelete(t, "n", std::string(path) + " away", {}); });
      commit("delete at once", [&](Transaction& t) { return store.AddDelete(t, "n", path, {}); });
    }
    heard("drop", store.DropNamespace("n"));
    heard("close", store.Close());
  }
  return problem;
}

struct Forgery {
  std::string name;
  std::function<void(std::string*)> change;
};

std::vector<Forgery> ForgeriesOf(const Placed& record) {
  std::vector<Forgery> all;
  const auto byte = [&](size_t at, uint8_t flip) {
    all.push_back({"byte " + std::to_string(at), [at, flip](std::string* payload) {
                     if (at < payload->size()) (*payload)[at] = static_cast<char>((*payload)[at] ^ flip);
                   }});
  };
  all.push_back({"empty", [](std::string* payload) { payload->assign(payload->size(), '\0'); }});
  if (record.header.type == RecordType::kChunk) {
    for (const size_t at : {0, 1, 33, 34, 35, 36, 37, 38}) byte(at, 3);
    all.push_back({"last byte", [](std::string* payload) { payload->back() = static_cast<char>(payload->back() ^ 1); }});
  } else if (record.header.type == RecordType::kChange) {
    for (int kind = 0; kind < 5; ++kind)
      all.push_back({"change " + std::to_string(kind), [kind](std::string* payload) { ForgeChange(payload, kind); }});
    all.push_back({"last byte", [](std::string* payload) { payload->back() = static_cast<char>(payload->back() ^ 1); }});
  }
  for (size_t number = 0; record.header.type == RecordType::kFooter && number < 40; ++number)
    for (const bool empty : {true, false})
      all.push_back({(empty ? "emptied " : "renumbered ") + std::to_string(number),
                     [number, empty](std::string* payload) { ForgePage(payload, number, empty); }});
  base::Prng prng(record.offset);
  const size_t head = std::min<size_t>(record.header.length, 300);
  for (int i = 0; i < 12; ++i) byte(prng.Below(head), static_cast<uint8_t>(1 + prng.Below(255)));
  return all;
}

void ForgeAll(Life life, bool with_index) {
  const auto pristine = Disk(life);
  const auto records = RecordsOf(*pristine);
  const char* const kinds[] = {"closed", "killed", "unswitched", "unswitched-bulk"};
  Sweep sweep(std::string("forged-") + kinds[static_cast<int>(life)] + (with_index ? "" : "-without-index"),
              records.size() * 20, 40);
  for (const Placed& record : records)
    for (const Forgery& forgery : ForgeriesOf(record)) {
      const auto name = [&] { return record.file + ":" + std::to_string(record.offset) + ":" + forgery.name; };
      if (!sweep.Take(name)) continue;
      const auto env = pristine->CloneKilled();
      Forge(*env, record, forgery.change);
      if (!with_index) RemoveIndex(*env);
      const std::string problem = Exercise(*env);
      if (!problem.empty()) sweep.Failed(name(), problem);
    }
  CHECK(sweep.failed() == 0);
}

TEST_CASE("a forged record of a closed store") {
  ForgeAll(Life::kClosed, true);
  ForgeAll(Life::kClosed, false);
}
TEST_CASE("a forged record of a killed store") {
  ForgeAll(Life::kKilled, true);
  ForgeAll(Life::kKilled, false);
}
TEST_CASE("a forged record of a store killed before the index named the places that compaction made") {
  ForgeAll(Life::kUnswitched, true);
  ForgeAll(Life::kUnswitchedBulk, true);
  ForgeAll(Life::kUnswitched, false);
}

TEST_CASE("an extent is checked anew: what was forged since the file was opened is damage") {
  const auto env = Disk(Life::kKilled);
  const auto store = OpenOn(*env);
  REQUIRE(store.ok());
  const auto reader = (*store)->OpenReader("n", "shared", {});
  REQUIRE(reader.ok());
  std::vector<engine::Extent> extents;
  CHECK(Is((*reader)->Extents(0, 1, &extents), Code::kUnsupported));  // a simulated disk has no descriptors
  for (const Placed& record : RecordsOf(*env))
    if (record.header.sequence == (*reader)->info().sequence && record.header.type == RecordType::kChange)
      Forge(*env, record, [](std::string* payload) { payload->assign(payload->size(), '\0'); });
  CHECK(Is((*reader)->Extents(0, 1, &extents), Code::kCorrupt));
}

}  // namespace
}  // namespace jzse::crash

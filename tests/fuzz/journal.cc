// SPDX-License-Identifier: Apache-2.0
// Recovery over segments that were forged whole: every check is right, every payload the input's. Replay and rebuild end in an
// index whose entries all decode, or in an error; never in a crash.
#include <algorithm>
#include <vector>

#include "fuzz.h"
#include "io/sim_env.h"
#include "store/recovery.h"
#include "store/segment.h"

namespace {

using namespace jzse;
using fuzz::Choices;
using fuzz::Require;

constexpr char kDirectory[] = "/s";
const store::Identity kIdentity{{1, 2}, 9, "local"};

struct Forged {
  store::RecordHeader header;
  std::string payload;  // without group prefix
};

// Records of one segment; sequences usually rise by one.
std::vector<Forged> TakeRecords(Choices& choices, store::Stream stream, base::Sequence* sequence) {
  std::vector<Forged> records;
  for (size_t count = choices.Below(16); count > 0 && !choices.empty(); --count) {
    Forged record;
    const uint8_t kind = choices.Byte();
    record.header.type = static_cast<store::RecordType>(1 + kind % 4);
    if (stream == store::Stream::kBulk && kind < 224) record.header.type = store::RecordType::kChunk;
    const uint8_t step = choices.Byte();
    *sequence += step < 240 ? 1 : step < 248 ? step - 240 : choices.Number(step < 252 ? 2 : 8);
    record.header.sequence = std::max<base::Sequence>(*sequence, 1);
    record.payload = choices.Take(choices.Number(2));
    records.push_back(std::move(record));
  }
  return records;
}

class SegmentForger {
 public:
  SegmentForger(const store::SegmentHeader& header)
      : header_(header), sealer_(header.store, header.id), bytes_(store::EncodeSegmentHeader(header)) {}

  // A group of its own for each record in a commit stream, unless the input says that it goes on with the one before.
  void Append(Choices& choices, const Forged& record, base::Sequence durable) {
    store::RecordHeader header = record.header;
    std::string payload = record.payload;
    if (header_.stream == store::Stream::kCommit) {
      const uint8_t kind = choices.Byte();
      store::GroupPrefix prefix;
      prefix.records = kind < 224 ? 1 : kind % 4;
      prefix.bytes = store::RecordSize(payload.size() + store::kGroupPrefixSize);
      prefix.durable = kind % 16 == 15 ? choices.Number(8) : durable;
      prefix.previous_check = check_;
      if (kind % 8 == 7) {
        header.group_position = kind / 32;
      } else {
        header.flags = store::kFlagGroupFirst;
        char room[store::kGroupPrefixSize];
        store::StoreGroupPrefix(prefix, room);
        payload.insert(0, room, sizeof room);
      }
    }
    header.length = static_cast<uint32_t>(payload.size());
    Note(header, record.payload);
    Write(header, payload);
  }

  std::string Seal(Choices& choices, bool sealed) {
    if (!sealed) return bytes_ + std::string(4096, '\0');
    store::Trailer trailer;
    trailer.footer_begin = bytes_.size();
    trailer.records = records_;
    trailer.first = first_;
    trailer.last = last_;
    store::RecordHeader header;
    header.type = store::RecordType::kFooter;
    const std::string page = choices.Byte() < 240 ? footer_.Take() : std::string(choices.String(255));
    Write(header, page);
    trailer.footer_end = bytes_.size();
    return bytes_ + store::EncodeTrailer(sealer_, trailer);
  }

 private:
  void Write(const store::RecordHeader& header, const std::string& payload) {
    const uint64_t offset = bytes_.size();
    const size_t position = store::BeginRecord(header, &bytes_);
    bytes_.append(payload);
    store::FinishRecord(sealer_, offset, position, &bytes_);
    check_ = base::LoadLe<uint64_t>(bytes_.data() + bytes_.size() - 16);
  }
  void Note(const store::RecordHeader& header, base::Bytes payload) {
    const auto size = store::SummarySize(header.type, payload);
    footer_.Add({header, static_cast<uint32_t>(bytes_.size()), std::string(payload.substr(0, size.ok() ? *size : 99))});
    first_ = records_++ == 0 ? header.sequence : std::min(first_, header.sequence);
    last_ = std::max(last_, header.sequence);
  }

  const store::SegmentHeader header_;
  const store::RecordSealer sealer_;
  std::string bytes_;
  store::FooterPageBuilder footer_;
  uint64_t records_ = 0, check_ = 0;
  base::Sequence first_ = 0, last_ = 0;
};

void Forge(Choices& choices, io::SimEnv& env) {
  base::Sequence sequence = 0, ordinal = 0;
  store::SegmentHeader header;
  header.store = kIdentity.store;
  header.replica = kIdentity.replica;
  for (size_t count = 1 + choices.Below(4); count > 0 && !choices.empty(); --count) {
    const uint8_t kind = choices.Byte();
    header.stream = static_cast<store::Stream>(1 + kind % 3);
    ++header.id;
    header.first_sequence = sequence + 1;
    header.replaces.clear();
    if (header.stream == store::Stream::kCold && header.id > 1) header.replaces = {header.id - 1 - (kind / 16) % header.id};
    if (kind / 16 == 15) header.previous_end = choices.Number(3);
    SegmentForger forger(header);
    base::Sequence* const counter = header.stream == store::Stream::kBulk ? &ordinal : &sequence;
    const base::Sequence durable = *counter;
    for (const Forged& record : TakeRecords(choices, header.stream, counter)) forger.Append(choices, record, durable);
    const std::string bytes = forger.Seal(choices, (kind & 8) != 0);
    Require(env.Put(std::string(kDirectory) + "/segments/" + store::SegmentFileName(header.id), bytes).ok(), "no disk");
    header.previous = header.id;
    header.previous_end = bytes.size();
  }
}

void CheckIndex(store::Index& index) {
  const auto cursor = index.NewCursor(nullptr, store::CursorUse::kLookUp);
  for (cursor->Seek(""); cursor->valid(); cursor->Next()) {
    const base::Bytes value = cursor->value();
    bool decodes = true;
    switch (cursor->key().front()) {
      case 'P': case 'T': case 'V': decodes = store::DecodeFileEntry(cursor->key(), value).ok(); break;
      case 'H': decodes = store::DecodeHolder(value).ok(); break;
      case 'C': decodes = store::DecodeChunkEntry(value).ok(); break;
      case 'N': decodes = store::DecodeNamespaceEntry(value).ok(); break;
      case 'M': decodes = store::DecodeApplied(value).ok(); break;
      default: decodes = false;
    }
    Require(decodes, "an index entry that does not decode");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Choices choices(fuzz::View(data, size));
  io::SimEnv env;
  Require(env.CreateDir(kDirectory).ok() && env.CreateDir(std::string(kDirectory) + "/segments").ok(), "no disk");
  store::RecoveryOptions options;
  options.map_index = true;
  options.read_only = choices.Flag();
  Forge(choices, env);
  store::SegmentFactory factory(env, std::string(kDirectory) + "/segments", kIdentity.store, kIdentity.replica, UINT64_MAX);
  store::SegmentSet segments;
  store::Census census(env, kDirectory, kIdentity.store, segments, {});
  const auto recovered = store::Recover(env, kDirectory, kIdentity, options, factory, segments, census);
  if (!recovered.ok()) return 0;
  CheckIndex(recovered->index->index());

  store::LiveIndex rebuilt(store::NewMapIndex(), store::Applied{});
  store::Recovered result;
  store::RebuildLimits limits;
  limits.live = true;
  limits.sequence = recovered->sequence;
  limits.ordinal = recovered->ordinal;
  if (store::RebuildIndex(segments, rebuilt, kIdentity, limits, &result, nullptr).ok() && rebuilt.Drain().ok())
    CheckIndex(rebuilt.index());
  return 0;
}

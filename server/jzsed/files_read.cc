// SPDX-License-Identifier: Apache-2.0
// GET and HEAD of files: validators, conditions, ranges, metadata.
#include <new>
#include <nlohmann/json.hpp>

#include "http/conditional.h"
#include "http/date.h"
#include "http/range.h"
#include "jzsed/content.h"
#include "jzsed/replies.h"
#include "jzsed/routes.h"
#include "jzsed/service.h"

namespace jzse::jzsed {
namespace {

constexpr size_t kSmallMax = 64 * 1024;  // contents up to this travel in memory with the head
constexpr size_t kMultipartOverheadMax = 512;

void AddEntryFields(const jzse_file_info& info, Reply* reply) {
  reply->Add("ETag", Quoted(info.etag));
  reply->Add("Last-Modified", http::FormatHttpDate(info.mtime_ns >= 0 ? info.mtime_ns / 1'000'000'000
                                                                    : (info.mtime_ns - 999'999'999) / 1'000'000'000));
  reply->Add("x-jzse-sequence", std::to_string(info.sequence));
  reply->Add("x-jzse-file", FileIdOf(info));
  reply->Add("x-jzse-mtime", http::FormatRfc3339(info.mtime_ns, 9));
  reply->Add("x-jzse-changed", http::FormatRfc3339(static_cast<int64_t>(info.changed_ms) * 1'000'000, 3));
  reply->Add("x-jzse-kind", KindName(info.kind));
  if (info.mode != 0) reply->Add("x-jzse-mode", ModeText(info.mode));
}

bool IsFieldText(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f) return false;
  }
  return true;
}

void AddMetadata(const Metadata& metadata, Reply* reply) {
  static constexpr std::string_view kPlain = " !\"#$&'()*+,/:;<=>?@[\\]^`{|}";  // printable, except %
  for (const auto& [key, value] : metadata.pairs) {
    if (http::IsToken(key)) reply->Add("x-jzse-meta-" + key, http::PercentEncode(value, kPlain));
  }
}

struct Answer {
  const Request& request;
  const jzse_file_info& info;
  const std::string& content_type;
};

// One range, or several with their parts' heads between them.
std::vector<Stretch> Stretches(const Answer& answer, const std::vector<http::ByteRange>& ranges, Reply* reply) {
  std::vector<Stretch> stretches;
  if (ranges.size() == 1) {
    reply->Add("Content-Range", http::ContentRange(ranges[0], answer.info.size));
    reply->Add("Content-Type", answer.content_type);
    stretches.push_back({"", ranges[0].first, ranges[0].size()});
    return stretches;
  }
  const std::string boundary = "jzse-" + answer.request.id;
  reply->Add("Content-Type", "multipart/byteranges; boundary=" + boundary);
  for (const http::ByteRange& range : ranges) {
    std::string head = (stretches.empty() ? "--" : "\r\n--") + boundary + "\r\nContent-Type: " + answer.content_type +
                       "\r\nContent-Range: " + http::ContentRange(range, answer.info.size) + "\r\n\r\n";
    stretches.push_back({std::move(head), range.first, range.size()});
  }
  stretches.push_back({"\r\n--" + boundary + "--\r\n", 0, 0});
  return stretches;
}

uint64_t SizeOf(const std::vector<Stretch>& stretches) {
  uint64_t size = 0;
  for (const Stretch& stretch : stretches) size += stretch.text.size() + stretch.size;
  return size;
}

constexpr size_t kHeadRoom = 1024;

// A content: in memory already, behind room for the answer's head, or behind a reader.
struct Held {
  std::string whole;
  std::optional<Reader> reader;
  bool hot = false;  // on the loop, and its beginning is in memory
};

// A problem after the content was promised cannot be told any more, so small bodies are read before.
std::optional<Error> ReadSmall(Held& held, const std::vector<Stretch>& stretches, std::string* body) {
  for (const Stretch& stretch : stretches) {
    body->append(stretch.text);
    const size_t at = body->size();
    body->resize(at + static_cast<size_t>(stretch.size));
    if (stretch.size == 0) continue;
    if (!held.reader) {
      held.whole.copy(body->data() + at, static_cast<size_t>(stretch.size), kHeadRoom + static_cast<size_t>(stretch.offset));
      continue;
    }
    const auto count = held.reader->ReadAt(stretch.offset, ByteRoom(body->data() + at, static_cast<size_t>(stretch.size)));
    if (!count) return count.error();
    if (*count != stretch.size) return Error(JZSE_CORRUPT, "the content is shorter than its size");
  }
  return std::nullopt;
}

Reply WithContent(Service& service, const Answer& answer, Reply reply, Held held) {
  const Request& request = answer.request;
  http::RangeSet set;
  const std::string_view range = request.head.Get("range");
  const http::Validators validators{true, answer.info.etag, answer.info.mtime_ns / 1'000'000'000};
  if (!range.empty() && request.head.method == http::Method::kGet &&
      http::RangeApplies(request.head.Get("if-range"), validators))
    set = http::ParseRange(range, answer.info.size);
  if (set.verdict == http::RangeSet::Verdict::kUnsatisfiable) {
    Reply refused = serve::Refuse(request, 416, "HTTP_RANGE", "no range lies within the content's " +
                                                                  std::to_string(answer.info.size) + " bytes");
    refused.Add("Content-Range", "bytes */" + std::to_string(answer.info.size));
    return refused;
  }
  std::vector<Stretch> stretches;
  if (set.verdict != http::RangeSet::Verdict::kPartial && !held.reader) {
    reply.Add("Content-Type", answer.content_type);
    reply.length = answer.info.size;
    reply.body = std::move(held.whole);
    reply.body_gap = kHeadRoom;
    return reply;
  }
  if (set.verdict == http::RangeSet::Verdict::kPartial) {
    reply.status = 206;
    stretches = Stretches(answer, set.ranges, &reply);
  } else {
    reply.Add("Content-Type", answer.content_type);
    stretches.push_back({"", 0, answer.info.size});
  }
  reply.length = SizeOf(stretches);
  if (request.head_only()) return reply;
  if (*reply.length <= kSmallMax + kMultipartOverheadMax) {
    if (const auto error = ReadSmall(held, stretches, &reply.body)) return Failed(request, *error);
    return reply;
  }
  auto content = OpenContent(std::move(*held.reader), std::move(stretches), service.server.shared(), held.hot);
  if (!content) return Failed(request, content.error());
  reply.source = std::move(content->source);
  reply.first = std::move(content->first);
  return reply;
}

}  // namespace

namespace {

// Everything that GET says of a version besides its content.
HotFiles::Version Describe(const jzse_file_info& info, const Result<Metadata>& metadata) {
  Reply reply;
  AddEntryFields(info, &reply);
  HotFiles::Version version{info.sequence, "", "application/octet-stream"};
  if (metadata) {
    AddMetadata(*metadata, &reply);
    if (!metadata->content_type.empty() && IsFieldText(metadata->content_type)) version.content_type = metadata->content_type;
  }
  reply.Add("Accept-Ranges", "bytes");
  // A stored page must not act in the name of the console, which has the same origin.
  reply.fields.append("X-Content-Type-Options: nosniff\r\nContent-Security-Policy: sandbox\r\n");
  version.fields = std::move(reply.fields);
  return version;
}

// The answer for what was found.
Reply AnswerWith(Service& service, const Request& request, const jzse_file_info& info, const HotFiles::Version& version, Held held) {
  if (info.kind == JZSE_KIND_DIRECTORY) return Failed(request, JZSE_EXISTS, "this is a directory; list it with ?prefix=");
  Reply reply;
  reply.fields = version.fields;
  const http::Conditions conditions = http::TakeConditions(request.head);
  if (!conditions.empty()) {
    const http::Validators validators{true, info.etag, info.mtime_ns / 1'000'000'000};
    switch (http::Evaluate(conditions, validators, /*reading=*/true)) {
      case http::Verdict::kProceed: break;
      case http::Verdict::kNotModified: reply.status = 304; return reply;
      case http::Verdict::kFailed: return Failed(request, JZSE_PRECONDITION, "a precondition does not hold");
      case http::Verdict::kMalformed: return BadRequest(request, "a precondition is malformed");
    }
  }
  return WithContent(service, Answer{request, info, version.content_type}, std::move(reply), std::move(held));
}

// On the pool.
Reply Read(Service& service, Request& request) {
  QueryReader query(request);
  GetOptions options;
  options.version = query.Number("version", 1, UINT64_MAX >> 1).value_or(0);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  const Namespace ns = service.store[request.captures[0]];
  auto reader = ns.OpenReader(request.captures[1], options);
  if (!reader) return Failed(request, reader.error());
  const FileInfo info = reader->info();
  const HotFiles::Version version = Describe(info, reader->GetMetadata());
  Held held;
  held.reader.emplace(std::move(*reader));
  return AnswerWith(service, request, info, version, std::move(held));
}

void* PlaceSmall(void* text, uint64_t size) {
  if (size > kSmallMax) return nullptr;
  auto& whole = *static_cast<std::string*>(text);
  whole.resize(kHeadRoom + static_cast<size_t>(size));
  return whole.data() + kHeadRoom;
}

// On the loop: one look-up, one read. Nothing if the file is none that is read at once, or if anything is wrong.
std::optional<Reply> ReadHot(Service& service, serve::Connection& connection, HotFiles& hot, HotFiles::Read* read) {
  const Request& request = connection.request();
  Held held;
  held.whole = connection.Spare();
  FileInfo info = Initial<FileInfo>();
  const std::string &ns = request.captures[0], &path = request.captures[1];
  const int code = jzse_get_into(service.store.get(), ns.c_str(), path.c_str(), nullptr, PlaceSmall, &held.whole, &info, nullptr);
  if (code == JZSE_CLOSED) read->large = true;
  if (code != JZSE_OK) return std::nullopt;
  const HotFiles::Version* known = hot.Find(info.sequence);
  if (known != nullptr) return AnswerWith(service, request, info, *known, std::move(held));
  // The version that was read, whatever happened to the path meanwhile.
  GetOptions options;
  options.version = info.sequence;
  const HotFiles::Version made = Describe(info, service.store[ns].GetMetadata(path, options));
  hot.Keep(made);
  return AnswerWith(service, request, info, made, std::move(held));
}

// The same for contents that go piece by piece: the first of them must be in memory.
std::optional<Reply> ReadHotLarge(Service& service, const Request& request, HotFiles& hot, HotFiles::Read* read) {
  auto reader = service.store[request.captures[0]].OpenReader(request.captures[1]);
  if (!reader) return std::nullopt;
  const FileInfo info = reader->info();
  read->large = info.size > kSmallMax;
  if (!read->large || !reader->Span(0, JZSE_SPAN_CACHED)) return std::nullopt;
  const HotFiles::Version* const known = hot.Find(info.sequence);
  const HotFiles::Version made = known != nullptr ? *known : Describe(info, reader->GetMetadata());
  if (known == nullptr) hot.Keep(made);
  Held held;
  held.reader.emplace(std::move(*reader));
  held.hot = true;
  return AnswerWith(service, request, info, made, std::move(held));
}

// What was read a moment ago is read at once: the hand-over would cost more than the read.
std::optional<Reply> ReadAtOnce(Service& service, serve::Connection& connection) {
  serve::Loop& loop = connection.loop();
  Request& request = connection.request();
  HotFiles& hot = *service.hot[loop.index()];
  if (!request.target.query.empty()) return std::nullopt;
  HotFiles::Read* const read = hot.Touch(request.captures[0], request.captures[1], loop.now_ms());
  if (read == nullptr) return std::nullopt;
  try {
    if (!read->large) return ReadHot(service, connection, hot, read);
    if (!request.head.Get("range").empty()) return std::nullopt;  // whose beginning may be anywhere
    return ReadHotLarge(service, request, hot, read);
  } catch (const std::bad_alloc&) {
    return std::nullopt;  // the pool may have better luck
  }
}

}  // namespace

void GetFile(Service& service, serve::Connection& connection) {
  if (auto reply = ReadAtOnce(service, connection)) return connection.Answer(std::move(*reply));
  connection.Do([&service](Request& request) { return Read(service, request); });
}

Reply GetMetadata(Service& service, Request& request) {
  QueryReader query(request);
  GetOptions options;
  options.version = query.Number("version", 1, UINT64_MAX >> 1).value_or(0);
  if (auto problem = query.Problem(request)) return std::move(*problem);
  const Namespace ns = service.store[request.captures[0]];
  const auto info = ns.Stat(request.captures[1], options);
  if (!info) return Failed(request, info.error());
  Json json = EntryJson(request.captures[1], *info);
  json["content_type"] = "";
  json["metadata"] = Json::object();
  options.version = info->sequence;
  if (const auto metadata = ns.GetMetadata(request.captures[1], options)) {
    json["content_type"] = metadata->content_type;
    for (const auto& pair : metadata->pairs) json["metadata"][pair.first] = pair.second;
  }
  Reply reply = JsonReply(200, json);
  if (info->etag[0] != '\0') reply.Add("ETag", Quoted(info->etag));
  return reply;
}

}  // namespace jzse::jzsed

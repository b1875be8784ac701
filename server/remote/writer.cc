// SPDX-License-Identifier: Apache-2.0
// Contents that are one request: from memory, repeated if need be; or of unknown size, in chunks and once.
#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "http/date.h"
#include "http/digest.h"
#include "http/head.h"
#include "http/target.h"
#include "remote/contents.h"
#include "remote/entries.h"

namespace jzse::remote {
namespace {

constexpr int kAnswerMs = 300'000;

bool IsFieldText(std::string_view text) {
  return !text.empty() && text.front() != ' ' && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

// Whether the attributes can travel as fields of a PUT.
bool FitsFields(const jzse_put_options& options) {
  if (options.content_type != nullptr && !IsFieldText(options.content_type)) return false;
  for (size_t i = 0; i < options.metadata_count; ++i) {
    const std::string_view key = options.metadata[i].key;
    if (!http::IsToken(key) || std::any_of(key.begin(), key.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) return false;
    if (std::string_view(options.metadata[i].value).size() > 2048) return false;  // fields have a bound
  }
  return options.metadata_count < 60;
}

bool IsTag(std::string_view tag) { return tag == "*" || (IsFieldText(tag) && tag.find('"') == std::string_view::npos); }

std::string TagField(const char* name, const char* tag) {
  if (tag == nullptr) return "";
  return std::string(name) + ": " + (std::string_view(tag) == "*" ? "*" : "\"" + std::string(tag) + "\"") + "\r\n";
}

std::string FieldsOf(const jzse_put_options& options) {
  std::string fields = TagField("If-Match", options.if_match) + TagField("If-None-Match", options.if_none_match);
  if (options.content_type != nullptr) fields += "Content-Type: " + std::string(options.content_type) + "\r\n";
  if (options.mtime_ns != 0) fields += "x-jzse-mtime: " + http::FormatRfc3339(options.mtime_ns, 9) + "\r\n";
  if (options.mode != 0) fields += "x-jzse-mode: " + AttributesJson(options)["mode"].get<std::string>() + "\r\n";
  if (options.kind == JZSE_KIND_SYMLINK) fields += "x-jzse-kind: symlink\r\n";
  for (size_t i = 0; i < options.metadata_count; ++i)
    fields += "x-jzse-meta-" + std::string(options.metadata[i].key) + ": " + http::PercentEncode(options.metadata[i].value) + "\r\n";
  return fields;
}

int Check(const std::string& path, const jzse_put_options& options, jzse_error* error) {
  for (const char* tag : {options.if_match, options.if_none_match}) {
    if (tag != nullptr && !IsTag(tag)) return access::Fail(error, JZSE_PRECONDITION, path + ": '" + tag + "' is no etag");
  }
  return JZSE_OK;
}

int InfoOf(const Answer& answer, const std::string& path, jzse_file_info* info, jzse_error* error) {
  if (ReadEntry(Json::parse(answer.body, nullptr, false), nullptr, info)) return JZSE_OK;
  return access::Fail(error, JZSE_UNSUPPORTED, path + ": the answer is not as a jzsed's");
}

// One put that goes as JSON: for attributes that fields cannot hold.
std::string BatchOf(const std::string& ns, const std::string& path, std::string_view content, const jzse_put_options& options) {
  Json put = AttributesJson(options);
  put["op"] = "put";
  put["namespace"] = ns;
  put["path"] = path;
  put["base64"] = http::Base64Encode(content);
  if (options.if_match != nullptr) put["if_match"] = options.if_match;
  if (options.if_none_match != nullptr) put["if_none_match"] = options.if_none_match;
  if (options.kind == JZSE_KIND_SYMLINK) put["kind"] = "symlink";
  return Json{{"operations", Json::array({put})}}.dump();
}

bool AllUtf8(const std::string& path, const jzse_put_options& options) {
  bool good = IsUtf8(path) && (options.content_type == nullptr || IsUtf8(options.content_type));
  for (size_t i = 0; i < options.metadata_count; ++i)
    good = good && IsUtf8(options.metadata[i].key) && IsUtf8(options.metadata[i].value);
  return good;
}

// After a lost answer: whether what was sent is there.
bool IsThere(Client* client, const std::string& ns, const std::string& path, std::string_view content, const jzse_put_options& options,
             jzse_file_info* info) {
  if (Describe(client, ns, path, 0, info, nullptr, nullptr) != JZSE_OK || info->size != content.size()) return false;
  if ((options.mtime_ns != 0 && info->mtime_ns != options.mtime_ns) || info->mode != options.mode) return false;
  if (content.size() <= kInlineMax) return Hex(Sha256(content)) == info->etag;
  access::ReadOptions read;
  read.version = info->sequence;
  std::unique_ptr<access::Reader> reader;
  if (OpenReader(client, ns, path, read, &reader, nullptr) != JZSE_OK) return false;
  std::string piece(256 * 1024, '\0');
  for (size_t at = 0, count = 0;; at += count) {
    if (reader->Read(piece.data(), piece.size(), &count, nullptr) != JZSE_OK) return false;
    if (count == 0) return at == content.size();
    if (content.size() - at < count || std::memcmp(content.data() + at, piece.data(), count) != 0) return false;
  }
}

// A content of a size that nobody knows: one request, in chunks.
class ChunkedPut {
 public:
  explicit ChunkedPut(Client* client) : client_(*client) {}

  int Begin(const std::string& ns, const std::string& path, const jzse_put_options& options, jzse_error* error) {
    if (!FitsFields(options))
      return access::Fail(error, JZSE_UNSUPPORTED, path + ": such metadata of so large a content needs its size: put it from a file");
    Call call;
    call.method = "PUT";
    call.target = Target(ns, "files", path);
    call.fields = FieldsOf(options) + "Transfer-Encoding: chunked\r\n";
    if (const int code = client_.Connect(&wire_, error); code != JZSE_OK) return code;
    return Sent(wire_->Send(client_.HeadOf(call) + "\r\n", ""), error);
  }
  int Write(std::string_view bytes, jzse_error* error) {
    if (bytes.empty()) return JZSE_OK;
    if (!wire_->sent_all()) return JZSE_OK;  // the answer waits for Finish
    char size[24];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    std::string chunk(size);
    chunk.append(bytes).append("\r\n");
    return Sent(wire_->Send("", chunk), error);
  }
  int Finish(Answer* answer, jzse_error* error) {
    Trouble trouble;
    const bool whole = wire_->sent_all();
    if (whole) trouble = wire_->Send("", "0\r\n\r\n");
    if (trouble) return client_.Fail(trouble, error);
    const int code = client_.Finish(std::move(wire_), kAnswerMs, answer, error);
    if (code == JZSE_IO && whole && error != nullptr)
      return access::Fail(error, code, std::string(error->message) + "; whether it was stored is not known");
    return code;
  }

 private:
  int Sent(const Trouble& trouble, jzse_error* error) { return trouble ? client_.Fail(trouble, error) : JZSE_OK; }

  Client& client_;
  std::unique_ptr<Wire> wire_;
};

class HttpWriter : public access::Writer {
 public:
  HttpWriter(Client* client, const std::string& ns, const std::string& path, const jzse_put_options& options)
      : client_(client), ns_(ns), path_(path), options_(options) {}

  int Write(const void* data, size_t size, jzse_error* error) override {
    const std::string_view bytes(static_cast<const char*>(data), size);
    if (chunked_) return chunked_->Write(bytes, error);
    held_.append(bytes);
    if (held_.size() <= kWholeMax) return JZSE_OK;
    chunked_ = std::make_unique<ChunkedPut>(client_);
    int code = chunked_->Begin(ns_, path_, options_, error);
    if (code == JZSE_OK) code = chunked_->Write(std::exchange(held_, std::string()), error);
    return code;
  }

  int Commit(jzse_file_info* info, jzse_error* error) override {
    if (!chunked_) return PutWhole(client_, ns_, path_, held_, options_, info, error);
    Answer answer;
    const int code = chunked_->Finish(&answer, error);
    return code == JZSE_OK ? InfoOf(answer, path_, info, error) : code;
  }

 private:
  Client* const client_;
  const std::string ns_, path_;
  const jzse_put_options options_;
  std::string held_;
  std::unique_ptr<ChunkedPut> chunked_;
};

}  // namespace

int PutWhole(Client* client, const std::string& ns, const std::string& path, std::string_view content, const jzse_put_options& options,
             jzse_file_info* info, jzse_error* error) {
  if (const int code = Check(path, options, error); code != JZSE_OK) return code;
  jzse_file_info unused = JZSE_FILE_INFO_INIT;
  if (info == nullptr) info = &unused;
  const bool as_fields = FitsFields(options);
  std::string batch;
  Call call;
  call.has_body = true;
  call.repeat = Repeat::kCaller;  // with a look in between
  call.wait_ms = kAnswerMs;
  if (as_fields) {
    call.method = "PUT";
    call.target = Target(ns, "files", path);
    call.fields = FieldsOf(options) + "Content-Digest: sha-256=:" + http::Base64Encode(Sha256(content)) + ":\r\n";
    call.body = content;
  } else {
    if (!AllUtf8(path, options)) return access::Fail(error, JZSE_INVALID, path + ": names and metadata must be UTF-8");
    batch = BatchOf(ns, path, content, options);
    call.method = "POST";
    call.target = "/v1/batch";
    call.fields = "Content-Type: application/json\r\n";
    call.body = batch;
  }
  Patience patience(*client);
  for (bool ever_lost = false;;) {
    Answer answer;
    bool lost = false;
    jzse_error failure = JZSE_ERROR_INIT;
    const int code = client->Exchange(call, &answer, &failure, &lost);
    if (code == JZSE_OK) return as_fields ? InfoOf(answer, path, info, error) : Describe(client, ns, path, 0, info, nullptr, error);
    const bool refused = code == JZSE_PRECONDITION || code == JZSE_EXISTS;
    ever_lost = ever_lost || lost;
    if (ever_lost && (lost || refused) && !client->Interrupted() && IsThere(client, ns, path, content, options, info)) return JZSE_OK;
    if (!lost || client->Interrupted() || !patience.Pause()) return access::Fail(error, code, failure.message);
  }
}

int OpenWriter(Client* client, const std::string& ns, const std::string& path, const access::WriteOptions& options,
               std::unique_ptr<access::Writer>* writer, jzse_error* error) {
  if (const int code = Check(path, options.put, error); code != JZSE_OK) return code;
  if (options.size && *options.size > kWholeMax) return OpenUpload(client, ns, path, options, writer, error);
  *writer = std::make_unique<HttpWriter>(client, ns, path, options.put);
  return JZSE_OK;
}

}  // namespace jzse::remote

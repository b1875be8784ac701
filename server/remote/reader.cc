// SPDX-License-Identifier: Apache-2.0
// Downloads: streamed, pinned to the version that was met first, and continued where they were cut.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "http/digest.h"
#include "http/target.h"
#include "remote/contents.h"
#include "remote/entries.h"

namespace jzse::remote {
namespace {

class HttpReader : public access::Reader {
 public:
  HttpReader(Client* client, std::string ns, std::string path, const access::ReadOptions& options)
      : client_(*client), ns_(std::move(ns)), path_(std::move(path)), version_(options.version), at_(options.offset), patience_(*client) {
    end_ = options.length > UINT64_MAX - options.offset ? UINT64_MAX : options.offset + options.length;
    whole_ = at_ == 0 && end_ == UINT64_MAX;
  }
  ~HttpReader() override { client_.Return(std::move(wire_)); }

  int Open(bool info_first, jzse_error* error) {
    if (!info_first) return Start(error);
    const int code = Describe(&client_, ns_, path_, version_, &info_, nullptr, error);
    if (code != JZSE_OK) return code;
    if (info_.kind != JZSE_KIND_FILE && info_.kind != JZSE_KIND_SYMLINK) return Start(error);  // is told why not
    Pin();
    return JZSE_OK;
  }

  const jzse_file_info& info() const override { return info_; }

  void Seek(uint64_t offset) override {
    wire_.reset();
    held_.clear();
    at_ = offset;
    whole_ = false;
  }

  int Read(void* buffer, size_t size, size_t* count, jzse_error* error) override {
    *count = 0;
    while (at_ < end_ && size > 0) {
      if (!held_.empty()) {
        *count = static_cast<size_t>(std::min<uint64_t>(size, end_ - at_));
        std::memcpy(buffer, held_.data() + at_, *count);
        at_ += *count;
        return JZSE_OK;
      }
      if (wire_ == nullptr) {
        if (const int code = Start(error); code != JZSE_OK) return code;
        continue;
      }
      Trouble trouble = wire_->ReceiveBody(buffer, static_cast<size_t>(std::min<uint64_t>(size, end_ - at_)), count);
      at_ += *count;
      if (*count > 0) {
        patience_.Progressed();
        if (at_ == end_) Finish();
        return JZSE_OK;
      }
      if (!trouble) trouble = {Trouble::Kind::kLost, "the content ended before its time"};
      wire_.reset();
      if (trouble.kind == Trouble::Kind::kInterrupted || !patience_.Pause()) return client_.Fail(trouble, error);
    }
    return JZSE_OK;
  }

 private:
  // Lets others use the connection.
  void Finish() {
    char none = 0;
    size_t count = 0;
    if (!wire_->ReceiveBody(&none, 1, &count)) client_.Return(std::move(wire_));
    wire_.reset();
  }

  // From now on: this version.
  void Pin() {
    pinned_ = true;
    version_ = info_.sequence;
    end_ = std::min(end_, info_.size);
  }

  // Asks for the content from at_ on.
  int Start(jzse_error* error) {
    Call call;
    call.method = "GET";
    call.target = Target(ns_, "files", path_, version_ == 0 ? "" : "version=" + std::to_string(version_));
    const bool ranged = at_ > 0 || (pinned_ ? end_ < info_.size : end_ != UINT64_MAX);
    if (ranged) {
      if (at_ >= end_) return JZSE_OK;
      call.fields = "Range: bytes=" + std::to_string(at_) + "-" + (end_ == UINT64_MAX ? "" : std::to_string(end_ - 1)) + "\r\n";
    }
    if (pinned_) call.fields += "If-Match: \"" + std::string(info_.etag) + "\"\r\n";
    AnswerHead head;
    jzse_error refusal = JZSE_ERROR_INIT;
    const int code = client_.Begin(call, &patience_, &wire_, &head, &refusal);
    if (code != JZSE_OK) return Refused(ranged, code, refusal, error);
    return Begun(head, ranged, error);
  }

  int Refused(bool ranged, int code, const jzse_error& refusal, jzse_error* error) {
    if (pinned_ && at_ > 0 && (code == JZSE_NOT_FOUND || code == JZSE_PRECONDITION)) {
      return access::Fail(error, JZSE_PRECONDITION, path_ + ": was changed while it was read");
    }
    // Beyond the end there is nothing, which is no mistake; what is there is asked once more.
    if (ranged && !pinned_ && code == JZSE_INVALID) {
      jzse_file_info info = JZSE_FILE_INFO_INIT;
      if (Describe(&client_, ns_, path_, version_, &info, nullptr, nullptr) == JZSE_OK && at_ >= info.size) {
        info_ = info;
        Pin();
        return JZSE_OK;
      }
    }
    return access::Fail(error, code, refusal.message);
  }

  int Begun(const AnswerHead& head, bool ranged, jzse_error* error) {
    const std::string& range = head.Get("content-range");
    uint64_t size = head.length.value_or(0);
    if (ranged) {
      const std::string wanted = "bytes " + std::to_string(at_) + "-";
      const size_t slash = range.rfind('/');
      if (head.status != 206 || range.compare(0, wanted.size(), wanted) != 0 || slash == std::string::npos)
        return access::Fail(error, JZSE_IO, path_ + ": the server sends another part than was asked for");
      size = std::strtoull(range.c_str() + slash + 1, nullptr, 10);
    }
    if (!head.length) return access::Fail(error, JZSE_IO, path_ + ": the server does not say how long the content is");
    jzse_file_info info = JZSE_FILE_INFO_INIT;
    if (!ReadFields(head, size, &info)) return access::Fail(error, JZSE_UNSUPPORTED, path_ + ": the answer is not as a jzsed's");
    if (pinned_) {
      if (std::string_view(info.etag) != info_.etag) return access::Fail(error, JZSE_PRECONDITION, path_ + ": was changed while it was read");
    } else {
      info_ = info;
      Pin();
    }
    return whole_ && info_.size <= kInlineMax ? ReadSmall(error) : JZSE_OK;
  }

  // Nothing of a small content is given out before all of it was compared with its ETag.
  int ReadSmall(jzse_error* error) {
    std::string content;
    Trouble trouble = ReadAll(wire_.get(), &content);
    client_.Return(std::move(wire_));
    if (!trouble && content.size() == info_.size && Hex(Sha256(content)) == info_.etag) {
      held_ = std::move(content);
      return JZSE_OK;
    }
    if (!trouble) trouble = {Trouble::Kind::kLost, path_ + ": the content was damaged on its way"};
    if (trouble.kind == Trouble::Kind::kInterrupted || !patience_.Pause()) return client_.Fail(trouble, error);
    return Start(error);
  }

  Client& client_;
  const std::string ns_, path_;
  uint64_t version_;
  uint64_t at_, end_;
  bool whole_ = false, pinned_ = false;
  jzse_file_info info_ = JZSE_FILE_INFO_INIT;
  Patience patience_;
  std::unique_ptr<Wire> wire_;
  std::string held_;  // a small content, all of it
};

}  // namespace

std::string Target(std::string_view ns, const char* what, std::string_view path, const std::string& query) {
  return "/v1/namespaces/" + http::PercentEncode(ns) + "/" + what + "/" + http::PercentEncode(path, "/") + (query.empty() ? "" : "?" + query);
}

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    text.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return text;
}

std::string Sha256(std::string_view bytes) {
  http::Digester digester(http::DigestKind::kSha256);
  digester.Update(bytes);
  return digester.Finish();
}

int Describe(Client* client, const std::string& ns, const std::string& path, uint64_t version, jzse_file_info* info,
             access::Metadata* metadata, jzse_error* error) {
  Call call;
  call.method = "GET";
  call.target = Target(ns, "metadata", path, version == 0 ? "" : "version=" + std::to_string(version));
  Answer answer;
  const int code = client->Exchange(call, &answer, error);
  if (code != JZSE_OK) return code;
  const Json json = Json::parse(answer.body, nullptr, false);
  if (!ReadEntry(json, nullptr, info)) return access::Fail(error, JZSE_UNSUPPORTED, path + ": the answer is not as a jzsed's");
  if (metadata == nullptr) return JZSE_OK;
  if (const auto type = json.find("content_type"); type != json.end() && type->is_string()) metadata->content_type = type->get<std::string>();
  if (const auto pairs = json.find("metadata"); pairs != json.end() && pairs->is_object()) {
    for (const auto& pair : pairs->items()) {
      if (pair.value().is_string()) metadata->pairs.emplace_back(pair.key(), pair.value().get<std::string>());
    }
  }
  return JZSE_OK;
}

int OpenReader(Client* client, const std::string& ns, const std::string& path, const access::ReadOptions& options,
               std::unique_ptr<access::Reader>* reader, jzse_error* error) {
  auto made = std::make_unique<HttpReader>(client, ns, path, options);
  const int code = made->Open(options.info_first, error);
  if (code == JZSE_OK) *reader = std::move(made);
  return code;
}

}  // namespace jzse::remote

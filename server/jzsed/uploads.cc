// SPDX-License-Identifier: Apache-2.0
// Resumable uploads: the tus 1.0 protocol over UploadStore.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "http/date.h"
#include "http/digest.h"
#include "jzsed/replies.h"
#include "jzsed/routes.h"
#include "jzsed/service.h"
#include "jzsed/tus.h"
#include "jzsed/upload_store.h"

namespace jzse::jzsed {
namespace {

constexpr char kVersion[] = "1.0.0";
constexpr char kExtensions[] = "creation,creation-with-upload,expiration,checksum,termination";
constexpr std::string_view kUploadType = "application/offset+octet-stream";

Reply Tus(Reply reply) {
  reply.Add("Tus-Resumable", kVersion);
  return reply;
}

void AddState(const Upload& upload, Reply* reply) {
  reply->Add("Upload-Offset", std::to_string(upload.offset));
  reply->Add("Upload-Expires", http::FormatHttpDate(upload.expires_s));
}

std::optional<Reply> CheckVersion(const Request& request) {
  if (request.head.Get("tus-resumable") == kVersion) return std::nullopt;
  Reply reply = serve::Refuse(request, 412, "HTTP_TUS_VERSION", "Tus-Resumable must be 1.0.0");
  reply.Add("Tus-Version", kVersion);
  return reply;
}

Reply Busy(const Request& request) {
  return Tus(serve::ProblemReply({409, "HTTP_UPLOAD_BUSY", "another request works on this upload", true}, request.id));
}

// A client that sends nothing for so long gives way to the next one: it may be gone without a word.
constexpr int64_t kSilentMs = 5000;

// Takes the body of a PATCH, or of a creation with upload, in parts.
class UploadSink : public serve::Sink {
 public:
  struct Begin {
    bool create = false;
    uint64_t length = 0;          // to create
    UploadTarget target;          // to create
    std::string id;               // to continue
    uint64_t offset = 0;          // that the client believes in
    std::optional<http::WantedDigest> checksum;
    uint64_t body_size = 0;       // 0: chunked, unknown
  };

  UploadSink(Service& service, serve::Connection& connection, Begin begin)
      : service_(service), request_(connection.request()), begin_(std::move(begin)), yield_(connection.WhenSilent(kSilentMs)) {
    if (begin_.checksum) digester_.emplace(begin_.checksum->kind);
  }

  std::optional<Reply> Write(std::string_view bytes) override {
    auto refused = Take(bytes);
    if (refused) Release();
    return refused;
  }

  // The lock goes before the answer does: the client's next request may overtake the rest.
  Reply Finish() override {
    Reply reply = Complete();
    Release();
    return reply;
  }

  void Abandon() override {
    if (part_ && !begin_.checksum && part_size_ > 0) CommitPart();
    Release();
  }

 private:
  std::optional<Reply> Take(std::string_view bytes) {
    if (auto refused = Open()) return refused;
    if (bytes.size() > upload_.length - upload_.offset - part_size_)
      return Tus(serve::Refuse(request_, 413, "HTTP_TOO_LARGE", "the body goes beyond Upload-Length"));
    if (digester_) digester_->Update(bytes);
    while (!bytes.empty()) {
      if (!part_) {
        auto part = service_.uploads->OpenPart(upload_.id, upload_.offset);
        if (!part) return Tus(Failed(request_, part.error()));
        part_.emplace(std::move(*part));
      }
      // With a checksum nothing of it may stay if it fails, so all of it is one part.
      const uint64_t room = begin_.checksum ? bytes.size() : kPartMax - part_size_;
      const std::string_view piece = bytes.substr(0, static_cast<size_t>(std::min<uint64_t>(room, bytes.size())));
      if (const auto written = part_->Write(piece); !written) return Tus(Failed(request_, written.error()));
      part_size_ += piece.size();
      bytes.remove_prefix(piece.size());
      if (!begin_.checksum && part_size_ == kPartMax) {
        if (auto refused = CommitPart()) return refused;
      }
    }
    return std::nullopt;
  }

  Reply Complete() {
    if (auto refused = Open()) return std::move(*refused);
    if (digester_ && digester_->Finish() != begin_.checksum->value)
      return Tus(serve::Refuse(request_, 460, "HTTP_CHECKSUM", "the body does not have the checksum that was sent with it"));
    if (auto refused = CommitPart()) return std::move(*refused);
    auto now = service_.uploads->Find(upload_.id);
    if (!now) return Tus(Failed(request_, now.error()));
    if (!now->done && now->offset == now->length) {
      const auto assembled = service_.uploads->Assemble(&*now);
      if (!assembled) return Tus(Failed(request_, assembled.error()));
    }
    Reply reply;
    reply.status = begin_.create ? 201 : 204;
    if (begin_.create) reply.Add("Location", "/v1/uploads/" + upload_.id);
    AddState(*now, &reply);
    return Tus(std::move(reply));
  }

  void Release() {
    part_.reset();
    lock_.reset();
  }

  std::optional<Reply> Open() {
    if (lock_) return std::nullopt;
    if (begin_.create) {
      auto id = service_.uploads->Create(begin_.length, begin_.target);
      if (!id) return Tus(Failed(request_, id.error()));
      begin_.id = *id;
    }
    lock_ = service_.uploads->Lock(begin_.id, yield_);
    if (lock_ == nullptr) return Busy(request_);
    auto upload = service_.uploads->Find(begin_.id);
    if (!upload) return Tus(Failed(request_, upload.error()));
    upload_ = std::move(*upload);
    if (upload_.offset != begin_.offset)
      return Tus(serve::Refuse(request_, 409, "HTTP_UPLOAD_OFFSET", "the upload is at offset " + std::to_string(upload_.offset)));
    if (begin_.body_size > upload_.length - upload_.offset)
      return Tus(serve::Refuse(request_, 413, "HTTP_TOO_LARGE", "the body goes beyond Upload-Length"));
    return std::nullopt;
  }

  std::optional<Reply> CommitPart() {
    if (!part_) return std::nullopt;
    const auto info = part_->Commit();
    part_.reset();
    if (!info) return Tus(Failed(request_, info.error()));
    upload_.offset += part_size_;
    part_size_ = 0;
    return std::nullopt;
  }

  Service& service_;
  const Request& request_;
  Begin begin_;
  Upload upload_;
  const std::function<void()> yield_;  // ends the connection if its client is silent
  std::shared_ptr<void> lock_;
  std::optional<http::Digester> digester_;
  std::optional<Writer> part_;
  uint64_t part_size_ = 0;
};

// Checksum and size of the body. A refusal if they are malformed.
std::optional<Reply> ReadBody(const Request& request, UploadSink::Begin* begin) {
  if (const http::Field* checksum = request.head.Find("upload-checksum")) {
    begin->checksum = http::ParseUploadChecksum(checksum->value);
    if (!begin->checksum) return Tus(BadRequest(request, "Upload-Checksum is no sha256 checksum"));
  }
  if (request.head.Get("content-type") != kUploadType)
    return Tus(serve::Refuse(request, 415, "HTTP_MEDIA_TYPE", "the body must be application/offset+octet-stream"));
  begin->body_size = request.head.length;
  return std::nullopt;
}

}  // namespace

void UploadOptions(Service& service, serve::Connection& connection) {
  Reply reply = NoContent();
  reply.Add("Tus-Version", kVersion);
  reply.Add("Tus-Extension", kExtensions);
  reply.Add("Tus-Max-Size", std::to_string(service.config().upload_size_max));
  reply.Add("Tus-Checksum-Algorithm", "sha256");
  connection.Answer(Tus(std::move(reply)));
}

void CreateUpload(Service& service, serve::Connection& connection) {
  const Request& request = connection.request();
  QueryReader query(request);
  if (auto problem = query.Problem(request)) return connection.Answer(std::move(*problem));
  if (auto refused = CheckVersion(request)) return connection.Answer(std::move(*refused));
  UploadSink::Begin begin;
  begin.create = true;
  const auto length = http::ParseNumber(request.head.Get("upload-length"));
  if (!length) return connection.Answer(Tus(BadRequest(request, "Upload-Length is missing or no number")));
  begin.length = *length;
  if (*length > service.config().upload_size_max)
    return connection.Answer(Tus(serve::Refuse(request, 413, "HTTP_TOO_LARGE", "Upload-Length is beyond Tus-Max-Size")));
  std::string problem = ReadUploadMetadata(request.head.Get("upload-metadata"), &begin.target);
  if (begin.target.ns == kUploadsNamespace) problem = "this namespace is the server's own";
  if (!problem.empty()) return connection.Answer(Tus(BadRequest(request, problem)));
  if (request.head.has_body()) {
    if (auto refused = ReadBody(request, &begin)) return connection.Answer(std::move(*refused));
    return connection.Stream(std::make_unique<UploadSink>(service, connection, std::move(begin)));
  }
  auto sink = std::make_shared<UploadSink>(service, connection, std::move(begin));
  connection.Do([sink](Request&) { return sink->Finish(); });
}

Reply HeadUpload(Service& service, Request& request) {
  if (auto refused = CheckVersion(request)) return std::move(*refused);
  const std::string& id = request.captures[0];
  auto upload = service.uploads->Find(id);
  if (!upload) return Tus(Failed(request, upload.error()));
  // All bytes are there, but the last PATCH was killed before the target was written. Only then is the lock wanted: whoever
  // just looks must not turn a PATCH away.
  if (!upload->done && upload->offset == upload->length) {
    if (const auto lock = service.uploads->Lock(id)) {
      upload = service.uploads->Find(id);
      if (!upload) return Tus(Failed(request, upload.error()));
      if (!upload->done) {
        const auto assembled = service.uploads->Assemble(&*upload);
        if (!assembled) return Tus(Failed(request, assembled.error()));
      }
    }
  }
  Reply reply;
  AddState(*upload, &reply);
  reply.Add("Upload-Length", std::to_string(upload->length));
  reply.Add("Cache-Control", "no-store");
  return Tus(std::move(reply));
}

void PatchUpload(Service& service, serve::Connection& connection) {
  const Request& request = connection.request();
  if (auto refused = CheckVersion(request)) return connection.Answer(std::move(*refused));
  UploadSink::Begin begin;
  begin.id = request.captures[0];
  const auto offset = http::ParseNumber(request.head.Get("upload-offset"));
  if (!offset) return connection.Answer(Tus(BadRequest(request, "Upload-Offset is missing or no number")));
  begin.offset = *offset;
  if (auto refused = ReadBody(request, &begin)) return connection.Answer(std::move(*refused));
  if (request.head.has_body())
    return connection.Stream(std::make_unique<UploadSink>(service, connection, std::move(begin)));
  auto sink = std::make_shared<UploadSink>(service, connection, std::move(begin));
  connection.Do([sink](Request&) { return sink->Finish(); });
}

Reply DeleteUpload(Service& service, Request& request) {
  if (auto refused = CheckVersion(request)) return std::move(*refused);
  const auto lock = service.uploads->Lock(request.captures[0]);
  if (lock == nullptr) return Busy(request);
  const auto upload = service.uploads->Find(request.captures[0]);
  if (!upload) return Tus(Failed(request, upload.error()));
  const auto dropped = service.uploads->Drop(request.captures[0]);
  return Tus(dropped ? NoContent() : Failed(request, dropped.error()));
}

}  // namespace jzse::jzsed

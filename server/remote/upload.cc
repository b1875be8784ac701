// SPDX-License-Identifier: Apache-2.0
// Uploads in pieces (tus), and the notes of those that a later run may go on with (README.md, section 6).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "http/date.h"
#include "http/digest.h"
#include "remote/contents.h"
#include "remote/entries.h"

namespace jzse::remote {
namespace {

constexpr int kAnswerMs = 300'000;
constexpr size_t kLocationMax = 512;
constexpr int kBusyMax = 5;  // times --wait

// Where the URL of an unfinished upload is kept.
class Note {
 public:
  // `key` "": nowhere.
  Note(const std::string& directory, const std::string& key) {
    if (!directory.empty() && !key.empty()) file_ = directory + "/uploads/" + Hex(Sha256(key));
  }
  std::string Read() const {
    std::string text;
    if (file_.empty()) return text;
    std::ifstream in(file_);
    std::getline(in, text);
    return text.size() <= kLocationMax && text.compare(0, 12, "/v1/uploads/") == 0 ? text : std::string();
  }
  // Best effort: without a note the next run begins anew.
  void Write(const std::string& location) const {
    if (file_.empty()) return;
    std::error_code ec;
    const std::filesystem::path directory = std::filesystem::path(file_).parent_path();
    std::filesystem::create_directories(directory, ec);
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, ec);
    const std::string fresh = file_ + "." + std::to_string(getpid());
    {
      std::ofstream out(fresh);
      out << location << "\n";
    }
    if (std::rename(fresh.c_str(), file_.c_str()) != 0) std::remove(fresh.c_str());
  }
  void Remove() const {
    if (!file_.empty()) std::remove(file_.c_str());
  }

 private:
  std::string file_;
};

std::string MetadataField(const std::string& ns, const std::string& path, const jzse_put_options& options, jzse_error* error) {
  std::string field;
  bool good = true;
  const auto add = [&](const std::string& key, const std::string& value) {
    for (const char c : key) good = good && c > 0x20 && c < 0x7f && c != ',';
    field += (field.empty() ? "" : ",") + key + " " + http::Base64Encode(value);
  };
  add("namespace", ns);
  add("path", path);
  if (options.content_type != nullptr) add("content_type", options.content_type);
  if (options.if_match != nullptr) add("if_match", options.if_match);
  if (options.if_none_match != nullptr) add("if_none_match", options.if_none_match);
  if (options.mtime_ns != 0) add("mtime", http::FormatRfc3339(options.mtime_ns, 9));
  if (options.mode != 0) add("mode", AttributesJson(options)["mode"].get<std::string>());
  for (size_t i = 0; i < options.metadata_count; ++i) add(std::string("meta-") + options.metadata[i].key, options.metadata[i].value);
  if (good && field.size() < 8000) return field;
  access::Fail(error, JZSE_UNSUPPORTED, path + ": such metadata cannot travel with so large a content; put it without, in pieces or locally");
  return "";
}

class Upload : public access::Writer {
 public:
  Upload(Client* client, std::string ns, std::string path, const access::WriteOptions& options)
      : client_(*client), ns_(std::move(ns)), path_(std::move(path)), size_(*options.size), patience_(*client) {
    piece_.reserve(kWholeMax);
  }

  // What no later run can go on with, the server need not keep.
  ~Upload() override {
    if (!remembered_ && !complete_ && !gone_ && !location_.empty() && !client_.Interrupted()) Drop();
  }

  int Open(const access::WriteOptions& options, jzse_error* error) {
    const std::string metadata = MetadataField(ns_, path_, options.put, error);
    if (metadata.empty()) return JZSE_UNSUPPORTED;
    const std::string key = options.source.empty() ? "" : client_.url().Base() + "\n" + metadata + "\n" + options.source;
    remembered_ = !key.empty() && !client_.options().state_directory.empty();
    note_ = std::make_unique<Note>(client_.options().state_directory, key);
    location_ = note_->Read();
    if (!location_.empty() && Ask(nullptr) == JZSE_OK && length_ == size_ && offset_ < size_) {
      present_ = offset_;
      return JZSE_OK;
    }
    offset_ = 0;
    return Create(metadata, error);
  }

  uint64_t present() const override { return present_; }

  int Write(const void* data, size_t size, jzse_error* error) override {
    std::string_view bytes(static_cast<const char*>(data), size);
    if (bytes.size() > size_ - offset_ - piece_.size()) return Changed(error);
    while (!bytes.empty()) {
      // The last piece waits for Commit: its answer is that of the whole.
      if (piece_.size() == kWholeMax) {
        if (const int code = SendPiece(error); code != JZSE_OK) return code;
      }
      const size_t room = static_cast<size_t>(kWholeMax) - piece_.size();
      piece_.append(bytes.substr(0, room));
      bytes.remove_prefix(std::min(room, bytes.size()));
    }
    return JZSE_OK;
  }

  int Commit(jzse_file_info* info, jzse_error* error) override {
    if (offset_ + piece_.size() != size_) return Changed(error);
    if (const int code = SendPiece(error); code != JZSE_OK) return code;
    if (const int code = Complete(error); code != JZSE_OK) return code;
    note_->Remove();
    return Describe(&client_, ns_, path_, 0, info, nullptr, error);
  }

 private:
  Call Request(const char* method) const {
    Call call;
    call.method = method;
    call.target = location_;
    call.fields = "Tus-Resumable: 1.0.0\r\n";
    call.wait_ms = kAnswerMs;
    return call;
  }

  // The source is not what it was: what is there of it is of no use.
  int Changed(jzse_error* error) {
    Drop();
    return access::Fail(error, JZSE_BUSY, path_ + ": the source changed its size while it was sent");
  }

  void Drop() {
    Answer answer;
    client_.Exchange(Request("DELETE"), &answer, nullptr);
    note_->Remove();
    location_.clear();
  }

  int Create(const std::string& metadata, jzse_error* error) {
    Call call = Request("POST");
    call.target = "/v1/uploads";
    call.fields += "Upload-Length: " + std::to_string(size_) + "\r\nUpload-Metadata: " + metadata + "\r\n";
    call.has_body = true;
    Answer answer;
    if (const int code = client_.Exchange(call, &answer, error); code != JZSE_OK) return code;
    location_ = answer.head.Get("location");
    if (location_.size() > kLocationMax || location_.compare(0, 12, "/v1/uploads/") != 0)
      return access::Fail(error, JZSE_UNSUPPORTED, path_ + ": the answer is not as a jzsed's");
    note_->Write(location_);
    return JZSE_OK;
  }

  // How far the server is.
  int Ask(jzse_error* error) {
    Answer answer;
    const int code = client_.Exchange(Request("HEAD"), &answer, error);
    if (code != JZSE_OK) {
      if (code == JZSE_NOT_FOUND) note_->Remove();
      return code == JZSE_NOT_FOUND ? access::Fail(error, code, path_ + ": the server no longer knows of this upload; begin again") : code;
    }
    offset_ = std::strtoull(answer.head.Get("upload-offset").c_str(), nullptr, 10);
    length_ = std::strtoull(answer.head.Get("upload-length").c_str(), nullptr, 10);
    return JZSE_OK;
  }

  // Until all of piece_ is there.
  int SendPiece(jzse_error* error) {
    const uint64_t begin = offset_, end = begin + piece_.size();
    while (offset_ < end) {
      if (offset_ < begin) return access::Fail(error, JZSE_IO, path_ + ": the server lost a part of the upload");
      if (const int code = Patch(std::string_view(piece_).substr(static_cast<size_t>(offset_ - begin)), error); code != JZSE_OK) return code;
    }
    piece_.clear();
    return JZSE_OK;
  }

  // One PATCH; after a failure that may pass, the server's offset instead.
  int Patch(std::string_view bytes, jzse_error* error) {
    Call call = Request("PATCH");
    call.fields += "Content-Type: application/offset+octet-stream\r\nUpload-Offset: " + std::to_string(offset_) + "\r\n";
    if (!bytes.empty()) call.fields += "Upload-Checksum: sha256 " + http::Base64Encode(Sha256(bytes)) + "\r\n";
    call.body = bytes;
    call.has_body = true;
    call.repeat = Repeat::kCaller;  // not before the offset was asked for
    Answer answer;
    jzse_error failure = JZSE_ERROR_INIT;
    bool lost = false;
    const int code = client_.Exchange(call, &answer, &failure, &lost);
    if (code == JZSE_OK) {
      offset_ += bytes.size();
      complete_ = offset_ == size_;
      busy_count_ = 0;
      patience_.Progressed();
      return JZSE_OK;
    }
    // A wrong offset is answered as busy, too: the answer to an earlier PATCH was lost. So is what still writes the target, and what
    // comes while the server has not yet noticed that the connection before is dead (half a minute).
    if (code == JZSE_BUSY && (bytes.empty() || ++busy_count_ < kBusyMax)) patience_.Progressed();
    const bool passes = lost || code == JZSE_BUSY || code == JZSE_CORRUPT;
    if (!passes || client_.Interrupted() || !patience_.Pause()) {
      if (code == JZSE_PRECONDITION || code == JZSE_EXISTS) Drop();
      gone_ = lost;
      return access::Fail(error, code, failure.message);
    }
    const uint64_t before = offset_;
    if (const int asked = Ask(error); asked != JZSE_OK) {
      gone_ = true;
      return asked;
    }
    if (offset_ > before) patience_.Progressed();
    return JZSE_OK;
  }

  // The last PATCH writes the target. Where its answer was lost, an empty one asks whether that is done.
  int Complete(jzse_error* error) {
    while (!complete_) {
      if (offset_ < size_) return access::Fail(error, JZSE_IO, path_ + ": the server lost a part of the upload");
      if (const int code = Patch({}, error); code != JZSE_OK) return code;
    }
    return JZSE_OK;
  }

  Client& client_;
  const std::string ns_, path_;
  const uint64_t size_;
  Patience patience_;
  std::unique_ptr<Note> note_;
  std::string location_, piece_;
  int busy_count_ = 0;
  bool remembered_ = false, gone_ = false;
  uint64_t offset_ = 0, length_ = 0, present_ = 0;
  bool complete_ = false;  // the server said so
};

}  // namespace

int OpenUpload(Client* client, const std::string& ns, const std::string& path, const access::WriteOptions& options,
               std::unique_ptr<access::Writer>* writer, jzse_error* error) {
  auto made = std::make_unique<Upload>(client, ns, path, options);
  const int code = made->Open(options, error);
  if (code == JZSE_OK) *writer = std::move(made);
  return code;
}

}  // namespace jzse::remote

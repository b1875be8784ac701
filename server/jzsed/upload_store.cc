// SPDX-License-Identifier: Apache-2.0
#include "jzsed/upload_store.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>

#include "http/date.h"
#include "jzsed/service.h"

namespace jzse::jzsed {
namespace {

constexpr std::chrono::seconds kSweepPause{300};
constexpr size_t kCopyBuffer = 1024 * 1024;

int64_t NowSeconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string NewId() {
  std::random_device device;
  char text[40];
  std::snprintf(text, sizeof text, "%08x%08x%08x%08x", device(), device(), device(), device());
  return text;
}

bool IsId(std::string_view id) {
  return id.size() == 32 && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string PartKey(const std::string& id, uint64_t offset) {
  char text[24];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(offset));
  return id + "/part/" + text;
}

Json TargetJson(const UploadTarget& target) {
  Json json = {{"namespace", target.ns}, {"path", target.path}, {"mtime_ns", target.attributes.mtime_ns},
               {"mode", target.attributes.mode}, {"metadata", target.attributes.metadata}};
  if (target.attributes.content_type) json["content_type"] = *target.attributes.content_type;
  if (target.attributes.if_match) json["if_match"] = *target.attributes.if_match;
  if (target.attributes.if_none_match) json["if_none_match"] = *target.attributes.if_none_match;
  return json;
}

std::optional<std::string> Member(const Json& json, const char* name) {
  return json.contains(name) ? std::optional<std::string>(json[name].get<std::string>()) : std::nullopt;
}

// What Create wrote. Anything else there is damage.
bool ParseInfo(std::string_view text, Upload* upload) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return false;
  try {
    upload->length = json.at("length").get<uint64_t>();
    if (!json.contains("target")) return true;
    const Json& target = json["target"];
    upload->target.ns = target.at("namespace").get<std::string>();
    upload->target.path = target.at("path").get<std::string>();
    Attributes& attributes = upload->target.attributes;
    attributes.mtime_ns = target.at("mtime_ns").get<int64_t>();
    attributes.mode = target.at("mode").get<uint32_t>();
    attributes.metadata = target.at("metadata").get<std::vector<std::pair<std::string, std::string>>>();
    attributes.content_type = Member(target, "content_type");
    attributes.if_match = Member(target, "if_match");
    attributes.if_none_match = Member(target, "if_none_match");
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

Error NotFound() { return Error(JZSE_NOT_FOUND, "there is no upload of that id, or it has expired"); }

}  // namespace

UploadStore::UploadStore(Store& store, log::Log& log, std::chrono::seconds lifetime)
    : store_(store), log_(log), lifetime_(lifetime), thread_([this] { Run(); }) {}

UploadStore::~UploadStore() { Stop(); }

void UploadStore::Stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<void> UploadStore::Lock(const std::string& id, std::function<void()> wanted) {
  std::lock_guard lock(mutex_);
  const auto [held, taken] = locked_.try_emplace(id, std::move(wanted));
  if (!taken && held->second) held->second();
  if (!taken) return nullptr;
  return std::shared_ptr<void>(this, [id](void* self) {
    auto& store = *static_cast<UploadStore*>(self);
    std::lock_guard unlock(store.mutex_);
    store.locked_.erase(id);
  });
}

Result<void> UploadStore::EnsureNamespace() {
  std::lock_guard lock(mutex_);
  if (namespace_made_) return {};
  NamespaceConfig config;
  config.kind = JZSE_NAMESPACE_KEYS;
  config.versions_max = 0;
  const auto made = store_.CreateNamespace(kUploadsNamespace, config);
  if (!made && made.code() != JZSE_EXISTS) return made.error();
  namespace_made_ = true;
  return {};
}

Result<std::string> UploadStore::Create(uint64_t length, const UploadTarget& target) {
  const auto space = store_.GetNamespaceInfo(target.ns);
  if (!space) return space.error();
  // A writer checks the name; it is given up at once.
  const auto probe = store_[target.ns].OpenWriter(target.path);
  if (!probe) return probe.error();
  if (auto made = EnsureNamespace(); !made) return made.error();
  std::string id = NewId();
  const std::string info = Json({{"length", length}, {"target", TargetJson(target)}}).dump(-1, ' ', false, Json::error_handler_t::replace);
  const auto put = store_[kUploadsNamespace].Put(id + "/info", info);
  if (!put) return put.error();
  return id;
}

Result<Upload> UploadStore::Find(const std::string& id) {
  if (!IsId(id)) return NotFound();
  const Namespace uploads = store_[kUploadsNamespace];
  ListOptions options;
  const std::string prefix = id + "/";
  options.prefix = prefix.c_str();
  auto list = uploads.List(options);
  if (!list) return list.code() == JZSE_NOT_FOUND ? NotFound() : list.error();
  Upload upload;
  upload.id = id;
  std::string info_key;
  uint64_t changed_ms = 0;
  while (const jzse_list_entry* entry = list->Next()) {
    const std::string_view name = std::string_view(entry->path).substr(prefix.size());
    changed_ms = std::max<uint64_t>(changed_ms, entry->info.changed_ms);
    upload.done = upload.done || name == "done";
    if (name == "done" || name == "info") info_key = entry->path;
    if (name.substr(0, 5) != "part/") continue;
    const uint64_t offset = std::strtoull(name.substr(5).data(), nullptr, 16);
    upload.parts.push_back({entry->path, offset, entry->info.size});
    upload.offset = offset + entry->info.size;
  }
  if (list->error()) return *list->error();
  if (info_key.empty()) return NotFound();
  upload.expires_s = static_cast<int64_t>((changed_ms + 999) / 1000) + lifetime_.count();  // never less than promised
  if (upload.expires_s <= NowSeconds()) return NotFound();
  const auto info = uploads.Get(info_key);
  if (!info) return info.error();
  if (!ParseInfo(info->view(), &upload)) return Error(JZSE_CORRUPT, "upload " + id + ": its description is damaged");
  if (upload.done) upload.offset = upload.length;
  return upload;
}

Result<Writer> UploadStore::OpenPart(const std::string& id, uint64_t offset) {
  return store_[kUploadsNamespace].OpenWriter(PartKey(id, offset));
}

Result<void> UploadStore::DropParts(const Upload& upload, uint64_t from) {
  auto group = store_.BeginGroup();
  if (!group) return group.error();
  bool any = false;
  for (const Upload::Part& part : upload.parts) {
    if (part.offset < from) continue;
    any = true;
    if (auto added = group->Delete(kUploadsNamespace, part.key); !added) return added.error();
  }
  return any ? group->Commit() : Result<void>();
}

Result<void> UploadStore::Assemble(Upload* upload) {
  PutOptions options;
  static_cast<jzse_put_options&>(options) = upload->target.attributes.Options();
  auto writer = store_[upload->target.ns].OpenWriter(upload->target.path, options);
  if (!writer) return writer.error();
  std::string buffer(kCopyBuffer, '\0');
  for (const Upload::Part& part : upload->parts) {
    auto reader = store_[kUploadsNamespace].OpenReader(part.key);
    if (!reader) return reader.error();
    while (true) {
      const auto count = reader->Read(ByteRoom(buffer.data(), buffer.size()));
      if (!count) return count.error();
      if (*count == 0) break;
      if (auto written = writer->Write({buffer.data(), *count}); !written) return written.error();
    }
  }
  auto group = store_.BeginGroup();
  if (!group) return group.error();
  if (auto added = group->Add(std::move(*writer)); !added) return added.error();
  for (const Upload::Part& part : upload->parts) {
    if (auto added = group->Delete(kUploadsNamespace, part.key); !added) return added.error();
  }
  if (auto added = group->Delete(kUploadsNamespace, upload->id + "/info"); !added) return added.error();
  const std::string mark = Json({{"length", upload->length}}).dump();
  if (auto added = group->Put(kUploadsNamespace, upload->id + "/done", mark); !added) return added.error();
  if (auto committed = group->Commit(); !committed) return committed.error();
  upload->done = true;
  upload->parts.clear();
  return {};
}

Result<void> UploadStore::Drop(const std::string& id) {
  ListOptions options;
  const std::string prefix = id + "/";
  options.prefix = prefix.c_str();
  auto list = store_[kUploadsNamespace].List(options);
  if (!list) return list.error();
  auto group = store_.BeginGroup();
  if (!group) return group.error();
  while (const jzse_list_entry* entry = list->Next()) {
    if (auto added = group->Delete(kUploadsNamespace, entry->path); !added) return added.error();
  }
  if (list->error()) return *list->error();
  return group->Commit();
}

void UploadStore::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    Sweep();
    lock.lock();
    wake_.wait_for(lock, kSweepPause, [this] { return stop_; });
  }
}

void UploadStore::Sweep() {
  ListOptions options;
  options.delimiter = "/";
  auto list = store_[kUploadsNamespace].List(options);
  if (!list) return;  // no upload was ever begun
  while (const jzse_list_entry* entry = list->Next()) {
    std::string id = entry->path;
    if (!id.empty() && id.back() == '/') id.pop_back();
    const auto held = Lock(id);
    if (held == nullptr) continue;
    auto upload = Find(id);
    Result<void> done;
    if (!upload && upload.code() == JZSE_NOT_FOUND) done = Drop(id);
    else if (upload && !upload->done && upload->offset == upload->length) done = Assemble(&*upload);
    else continue;
    log_.Write(done ? log::Level::kInfo : log::Level::kWarning, "upload_swept",
               {{"upload", id}, {"what", upload ? "finished" : "expired"}, {"error", done ? "" : done.error().message()}});
    std::lock_guard lock(mutex_);
    if (stop_) return;
  }
}

}  // namespace jzse::jzsed

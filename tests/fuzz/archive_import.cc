// SPDX-License-Identifier: Apache-2.0
// Import of hostile archives through the C API: an answer of its list, a report that tells how much was stored, and what is
// stored can be read. An archive that was imported whole can be exported and imported again.
// libFuzzer: -max_len=4096
#include "archive_bytes.h"
#include "sim_handle.h"

namespace {

using namespace jzse;
using fuzz::Require;

void Count(jzse_store* store, uint64_t* files) {
  jzse_list* list = nullptr;
  Require(jzse_list_open(store, "default", nullptr, &list, nullptr) == JZSE_OK, "a listing fails after an import");
  for (;;) {
    const jzse_list_entry* entry = nullptr;
    Require(jzse_list_next(list, &entry, nullptr) == JZSE_OK, "a listing fails after an import");
    if (entry == nullptr) break;
    ++*files;
    if (entry->info.kind == JZSE_KIND_DIRECTORY) continue;
    void* data = nullptr;
    size_t size = 0;
    Require(jzse_get(store, "default", entry->path, nullptr, &data, &size, nullptr, nullptr) == JZSE_OK &&
                size == entry->info.size,
            "what was imported cannot be read");
    jzse_free(data);
  }
  jzse_list_close(list);
}

int Import(jzse_store* store, const char* ns, int fd, bool versions, jzse_archive_report* report) {
  jzse_archive_options options = JZSE_ARCHIVE_OPTIONS_INIT;
  options.versions = versions ? 1 : 0;
  jzse_error error = JZSE_ERROR_INIT;
  const int code = jzse_archive_import(store, ns, fd, &options, report, &error);
  Require(code <= 0 && code >= JZSE_BUSY && (code == JZSE_OK || error.code == code), "a code that the API has not");
  Require(code == JZSE_OK || error.message[0] != '\0', "a failure without a message");
  return code;
}

void Run(const std::string& archive, bool versions) {
  static fuzz::MemoryFile source, copy;
  const auto env = fuzz::SampleOf(fuzz::Sample::kEmpty).env->CloneKilled();
  jzse_store* const store = fuzz::OpenHandle(*env);
  jzse_archive_report report = JZSE_ARCHIVE_REPORT_INIT;
  const int code = Import(store, "default", source.Holding(archive), versions, &report);
  uint64_t files = 0;
  Count(store, &files);
  // A damaged archive may end between a file's older version and its newest.
  Require(files <= report.files + report.versions, "more files than were reported");
  if (code == JZSE_OK) {
    jzse_archive_options options = JZSE_ARCHIVE_OPTIONS_INIT;
    options.versions = versions ? 1 : 0;
    const int fd = copy.Holding("");
    Require(jzse_archive_export(store, "default", fd, &options, nullptr, nullptr) == JZSE_OK, "cannot be exported again");
    Require(jzse_namespace_create(store, "again", nullptr, nullptr) == JZSE_OK, "no second namespace");
    lseek(fd, 0, SEEK_SET);
    jzse_archive_report again = JZSE_ARCHIVE_REPORT_INIT;
    Require(Import(store, "again", fd, versions, &again) == JZSE_OK, "an export cannot be imported");
    Require(again.files >= files, "an export that has lost files");
  }
  Require(jzse_store_close(store, nullptr) == JZSE_OK, "the store does not close");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const base::Bytes input = fuzz::View(data + 1, size - 1);
  Run((data[0] & 2) != 0 ? std::string(input) : fuzz::SealedArchive(input), (data[0] & 1) != 0);
  return 0;
}

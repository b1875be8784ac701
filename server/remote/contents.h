// SPDX-License-Identifier: Apache-2.0
// Contents on their way: readers (reader.cc) and writers (writer.cc, upload.cc) over a Client.
// Threads: functions from any; what they give belongs to one at a time.
#ifndef JZSE_REMOTE_CONTENTS_H_
#define JZSE_REMOTE_CONTENTS_H_

#include <memory>
#include <string>
#include <string_view>

#include "access/access.h"
#include "remote/client.h"

namespace jzse::remote {

constexpr uint64_t kWholeMax = 4 * 1024 * 1024;  // contents up to this are one PUT, and pieces of an upload are so large
constexpr uint64_t kInlineMax = 64 * 1024;       // contents up to this have their SHA-256 as ETag

// "/v1/namespaces/NS/WHAT/PATH?query".
std::string Target(std::string_view ns, const char* what, std::string_view path, const std::string& query = "");
std::string Hex(std::string_view bytes);
std::string Sha256(std::string_view bytes);  // 32 bytes

// GET of `metadata`: all that is known of a file. `metadata` may be null.
int Describe(Client* client, const std::string& ns, const std::string& path, uint64_t version, jzse_file_info* info,
             access::Metadata* metadata, jzse_error* error);

int OpenReader(Client* client, const std::string& ns, const std::string& path, const access::ReadOptions& options,
               std::unique_ptr<access::Reader>* reader, jzse_error* error);
int OpenWriter(Client* client, const std::string& ns, const std::string& path, const access::WriteOptions& options,
               std::unique_ptr<access::Writer>* writer, jzse_error* error);
// An upload in pieces (tus) of a content whose size is known.
int OpenUpload(Client* client, const std::string& ns, const std::string& path, const access::WriteOptions& options,
               std::unique_ptr<access::Writer>* writer, jzse_error* error);
// A content that is in memory, in one request.
int PutWhole(Client* client, const std::string& ns, const std::string& path, std::string_view content, const jzse_put_options& options,
             jzse_file_info* info, jzse_error* error);

}  // namespace jzse::remote

#endif  // JZSE_REMOTE_CONTENTS_H_

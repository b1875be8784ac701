// SPDX-License-Identifier: Apache-2.0
// What handlers have in common: the library's errors as replies, its structs as JSON, JSON bodies with their rules, queries.
#ifndef JZSE_SERVER_JZSED_REPLIES_H_
#define JZSE_SERVER_JZSED_REPLIES_H_

#include <jzse/jzse.hpp>

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/target.h"
#include "serve/message.h"

namespace jzse::jzsed {

using serve::Reply;
using serve::Request;
using Json = nlohmann::ordered_json;

// A failure of the library. README.md has the table.
Reply Failed(const Request& request, int code, const std::string& message, long operation = -1);
inline Reply Failed(const Request& request, const Error& error, long operation = -1) {
  return Failed(request, error.code(), error.message(), operation);
}
Reply BadRequest(const Request& request, std::string detail);
Reply JsonReply(int status, const Json& json);
Reply NoContent();

std::string Quoted(const char* etag);                  // "\"...\""
std::string FileIdOf(const jzse_file_info& info);
std::string ModeText(uint32_t mode);
const char* KindName(uint32_t kind);
Json EntryJson(const std::string& path, const jzse_file_info& info);
// An Entry, with ETag and x-jzse-sequence as fields.
Reply EntryReply(int status, const std::string& path, const jzse_file_info& info);
std::string FileLocation(const std::string& ns, const std::string& path);

// A query that was checked: what nobody asked for is refused.
class QueryReader {
 public:
  explicit QueryReader(const Request& request);
  std::optional<std::string> Text(std::string_view name);
  std::optional<uint64_t> Number(std::string_view name, uint64_t min, uint64_t max);
  bool Flag(std::string_view name);
  // A refusal, if anything was wrong; to be asked last.
  std::optional<Reply> Problem(const Request& request);

 private:
  std::optional<http::Query> query_;
  std::string problem_;
};

// The members of a JSON object with their kinds; what is unknown, missing or of another kind is a problem.
class BodyReader {
 public:
  explicit BodyReader(const Request& request);          // an empty body is an empty object
  explicit BodyReader(const Json& object);
  ~BodyReader();

  std::string Text(const char* name);                    // required
  std::optional<std::string> OptionalText(const char* name);
  std::optional<uint64_t> Number(const char* name);
  bool Flag(const char* name, bool otherwise);
  const Json* Array(const char* name);
  std::vector<std::pair<std::string, std::string>> Pairs(const char* name);
  bool Has(const char* name) const;
  void Wrong(const std::string& problem);
  // The first problem, "" if there is none; to be asked last, as it finds members that nobody asked for.
  const std::string& problem();

 private:
  const Json* Take(const char* name);

  std::unique_ptr<Json> json_;
  std::vector<std::string> asked_;
  std::string problem_;
};

// What describes a content besides its bytes, with the memory that jzse_put_options points into.
struct Attributes {
  std::optional<std::string> if_match, if_none_match, content_type;
  std::vector<std::pair<std::string, std::string>> metadata;
  int64_t mtime_ns = 0;
  uint32_t mode = 0;
  uint32_t kind = JZSE_KIND_FILE;

  // Valid as long as this is, and until it is called again.
  const jzse_put_options& Options();

 private:
  std::vector<jzse_pair> pairs_;
  PutOptions options_;
};
// content_type, metadata, mtime and mode of a JSON object.
void ReadAttributes(BodyReader* body, Attributes* attributes);
// False: no octal number of up to four digits.
bool ParseMode(std::string_view text, uint32_t* mode);

}  // namespace jzse::jzsed

#endif  // JZSE_SERVER_JZSED_REPLIES_H_

// SPDX-License-Identifier: Apache-2.0
#include "output.h"

#include <langinfo.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "exit_codes.h"
#include "text.h"

namespace jzse::cli {
namespace {

using Json = nlohmann::ordered_json;

Json ToTree(const std::vector<Field>& fields) {
  Json object = Json::object();
  for (const Field& field : fields) {
    object[field.name] = std::visit(
        [](const auto& value) -> Json {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, Pairs>) {
            Json inner = Json::object();
            for (const auto& [key, text] : value) inner[key] = text;
            return inner;
          } else {
            return value;
          }
        },
        field.value);
  }
  return object;
}

const char* Sequence(Color color) {
  switch (color) {
    case Color::kDirectory:
      return "\033[1;34m";
    case Color::kSymlink:
      return "\033[36m";
    case Color::kError:
      return "\033[1;31m";
    case Color::kWarning:
      return "\033[33m";
    case Color::kGood:
      return "\033[32m";
    case Color::kDim:
      return "\033[2m";
    case Color::kNone:
      break;
  }
  return "";
}

}  // namespace

Record& Record::AddAll(const Record& other) {
  fields_.insert(fields_.end(), other.fields_.begin(), other.fields_.end());
  return *this;
}

std::string Record::ToJson() const {
  // A name that is not UTF-8 can only come from outside of a store; its bad bytes become U+FFFD.
  return ToTree(fields_).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Record FileRecord(std::string_view ns, std::string_view path, const jzse_file_info& info) {
  Record record;
  record.Add("namespace", ns).Add("path", path).Add("kind", KindName(info.kind));
  if (info.kind == JZSE_KIND_PREFIX) return record;
  if (info.kind == JZSE_KIND_DIRECTORY && info.sequence == 0) return record.Add("implied", true);
  if (info.kind == JZSE_KIND_FILE || info.kind == JZSE_KIND_SYMLINK) record.Add("size", info.size);
  if (info.kind != JZSE_KIND_DELETED) {
    record.Add("mtime", UtcTime(info.mtime_ns)).Add("mtime_ns", info.mtime_ns);
    if (info.mode != 0) record.Add("mode", OctalMode(info.mode));
  }
  record.Add("changed_ms", info.changed_ms).Add("version", info.sequence);
  record.Add("file", fmt::format("{:016x}-{}", info.file_replica, info.file_counter));
  if (info.etag[0] != '\0') record.Add("etag", std::string_view(info.etag));
  return record;
}

Output::Output(const Options& options) : options_(options) {
  const auto env = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string_view(value == nullptr ? "" : value);
  };
  out_tty_ = isatty(STDOUT_FILENO) == 1;
  err_tty_ = isatty(STDERR_FILENO) == 1;
  const bool dumb = env("TERM").empty() || env("TERM") == "dumb";
  const bool color = !options.no_color && env("NO_COLOR").empty() && !dumb;
  color_out_ = color && out_tty_ && !options.json;
  color_err_ = color && err_tty_;
  status_possible_ = err_tty_ && !options.quiet && !dumb;
  unicode_ = std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

std::string Output::Name(std::string_view name) const {
  return out_tty_ ? EscapeName(name) : std::string(name);
}

std::string Output::Paint(Color color, std::string_view text) const {
  if (!color_out_ || color == Color::kNone) return std::string(text);
  return fmt::format("{}{}\033[0m", Sequence(color), text);
}

void Output::Line(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (out_tty_) WipeStatus();
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
      std::fputc('\n', stdout) == EOF) {
    if (!failed_) failed_errno_ = errno;
    failed_ = true;
  }
}

bool Output::Bytes(const void* data, size_t size) {
  const std::lock_guard lock(mutex_);
  if (out_tty_) WipeStatus();
  if (!failed_ && std::fwrite(data, 1, size, stdout) != size) {
    failed_errno_ = errno;
    failed_ = true;
  }
  return !failed_;
}

void Output::Flush() {
  const std::lock_guard lock(mutex_);
  if (std::fflush(stdout) != 0 && !failed_) {
    failed_errno_ = errno;
    failed_ = true;
  }
}

bool Output::Finish() {
  SetStatus("");
  Flush();
  if (failed_) Fail(kExitFailure, fmt::format("standard output: {}", std::strerror(failed_errno_)));
  return !failed_;
}

void Output::Talk(Color color, std::string_view lead, std::string_view text) {
  const std::lock_guard lock(mutex_);
  std::fflush(stdout);
  const std::string status = status_;
  WipeStatus();
  const bool paint = color_err_ && color != Color::kNone;
  const std::string line = fmt::format("{}jzse:{}{} {}\n", paint ? Sequence(color) : "", lead,
                                       paint ? "\033[0m" : "", EscapeName(text));
  std::fwrite(line.data(), 1, line.size(), stderr);
  if (!status.empty()) {
    status_ = status;
    std::fwrite(status.data(), 1, status.size(), stderr);
  }
}

void Output::Note(std::string_view text) {
  if (!options_.quiet) Talk(Color::kNone, "", text);
}

void Output::Warn(std::string_view text) {
  if (!options_.quiet) Talk(Color::kWarning, " warning:", text);
}

int Output::Fail(int exit_code, std::string_view text) {
  Talk(Color::kError, "", text);
  return exit_code;
}

int Output::Fail(const jzse_error& error, std::string_view hint) {
  std::string text = error.message[0] != '\0' ? error.message : jzse_code_name(error.code);
  if (!hint.empty()) text += fmt::format(" ({})", hint);
  return Fail(ExitCodeOf(error.code), text);
}

void Output::SetStatus(std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (!status_possible_) return;
  WipeStatus();
  status_ = line;
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void Output::WipeStatus() {
  if (status_.empty()) return;
  std::fputs("\r\033[K", stderr);
  status_.clear();
}

}  // namespace jzse::cli

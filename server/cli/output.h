// SPDX-License-Identifier: Apache-2.0
// Where the command speaks: data on standard output, talk on standard error.
//
// Invariants
//   1. Data is text lines or, with --json, one JSON object a line; nothing else goes to standard
//   output
//      except the contents that `cat` and `get -` were asked for.
//   2. Talk never holds raw control characters, and names in data do not when a terminal reads
//   them.
//   3. The status line (a progress bar) exists only on a terminal and is wiped before anything else
//   is
//      written there.
// Threads: every member may be called from any thread.
#ifndef JZSE_CLI_OUTPUT_H_
#define JZSE_CLI_OUTPUT_H_

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "jzse/jzse.h"

namespace jzse::cli {

// The fields of one JSON object, in order.
using Pairs = std::vector<std::pair<std::string, std::string>>;  // an object of strings in it
struct Field {
  std::string name;
  std::variant<bool, int64_t, uint64_t, double, std::string, Pairs> value;
};
class Record {
 public:
  template <class T>
  Record& Add(std::string_view name, const T& value) {
    Field& field = fields_.emplace_back(Field{std::string(name), false});
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, Pairs>) {
      field.value = value;
    } else if constexpr (std::is_floating_point_v<T>) {
      field.value = static_cast<double>(value);
    } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
      field.value = static_cast<int64_t>(value);
    } else if constexpr (std::is_integral_v<T>) {
      field.value = static_cast<uint64_t>(value);
    } else {
      field.value = std::string(value);
    }
    return *this;
  }
  Record& AddAll(const Record& other);
  const std::vector<Field>& fields() const { return fields_; }
  std::string ToJson() const;

 private:
  std::vector<Field> fields_;
};

// A file as every verb shows it.
Record FileRecord(std::string_view ns, std::string_view path, const jzse_file_info& info);

enum class Color { kNone, kDirectory, kSymlink, kError, kWarning, kGood, kDim };

class Output {
 public:
  struct Options {
    bool json = false;
    bool quiet = false;
    bool verbose = false;
    bool no_color = false;
  };
  explicit Output(const Options& options);
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  bool json() const { return options_.json; }
  bool quiet() const { return options_.quiet; }
  bool verbose() const { return options_.verbose; }
  bool shows_progress() const { return status_possible_; }
  bool unicode() const { return unicode_; }

  // Standard output.
  void Line(std::string_view text);
  void Emit(const Record& record) { Line(record.ToJson()); }
  bool Bytes(const void* data, size_t size);      // contents; false once writing fails
  std::string Name(std::string_view name) const;  // escaped if a terminal reads it
  std::string Paint(Color color, std::string_view text) const;
  void Flush();
  // False if something could not be written; then it has been said.
  bool Finish();

  // Standard error. Fail returns the exit code it was given or derived.
  void Note(std::string_view text);  // not with --quiet
  void Warn(std::string_view text);  // not with --quiet
  int Fail(int exit_code, std::string_view text);
  int Fail(const jzse_error& error) { return Fail(error, {}); }
  int Fail(const jzse_error& error, std::string_view hint);

  // The status line; "" wipes it.
  void SetStatus(std::string_view line);

 private:
  void Talk(Color color, std::string_view lead, std::string_view text);
  void WipeStatus();

  const Options options_;
  bool out_tty_ = false, err_tty_ = false, status_possible_ = false, unicode_ = false;
  bool color_out_ = false, color_err_ = false;
  std::mutex mutex_;
  std::string status_;
  bool failed_ = false;
  int failed_errno_ = 0;
};

}  // namespace jzse::cli

#endif  // JZSE_CLI_OUTPUT_H_

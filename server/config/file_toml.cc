// SPDX-License-Identifier: Apache-2.0
// TOML 1.0 by toml++, which gives every value its place. Compiled header-only. Some malformed files (a letter beyond ASCII where a
// key should begin) make toml++ 3.3 assert, which would end a running server at SIGHUP: its assertions throw here.
#include <algorithm>
#include <sstream>

namespace jzse::config {
struct TomlAssertion {};
[[noreturn]] void FailTomlAssertion() { throw TomlAssertion{}; }
}  // namespace jzse::config

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#define TOML_ASSERT(condition) ((condition) ? void() : jzse::config::FailTomlAssertion())
#include <toml++/toml.h>

#include "config/file.h"

namespace jzse::config {
namespace {

// What a scalar would be as text, or nothing for dates, lists and tables.
bool ScalarText(const toml::node& node, std::string* text) {
  if (const auto* string = node.as_string()) *text = string->get();
  else if (const auto* boolean = node.as_boolean()) *text = boolean->get() ? "true" : "false";
  else if (const auto* integer = node.as_integer()) *text = std::to_string(integer->get());
  else if (const auto* real = node.as_floating_point()) {
    std::ostringstream out;
    out << real->get();
    *text = out.str();
  } else return false;
  return true;
}

Entry MakeEntry(std::string_view key, int line, const toml::node& node) {
  Entry entry;
  entry.key = key;
  entry.line = line;
  if (const auto* array = node.as_array()) {
    entry.list = true;
    for (const toml::node& element : *array)
      if (!ScalarText(element, &entry.texts.emplace_back())) entry.problem = "a list of something other than texts";
  } else if (!ScalarText(node, &entry.texts.emplace_back())) {
    entry.problem = node.is_table() ? "a section; there are none, settings stand at the top" : "a date or time";
  }
  return entry;
}

}  // namespace

Document ParseToml(std::string_view text) {
  Document document;
  try {
    const toml::table table = toml::parse(text);
    for (const auto& [key, node] : table)
      document.entries.push_back(MakeEntry(key.str(), static_cast<int>(key.source().begin.line), node));
  } catch (const toml::parse_error& error) {
    document.error = error.description();
    document.error_line = static_cast<int>(error.source().begin.line);
    return document;
  } catch (const TomlAssertion&) {
    document.error = "not TOML";
    return document;
  }
  std::stable_sort(document.entries.begin(), document.entries.end(),
                   [](const Entry& a, const Entry& b) { return a.line < b.line; });
  return document;
}

}  // namespace jzse::config

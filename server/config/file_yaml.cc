// SPDX-License-Identifier: Apache-2.0
// YAML by yaml-cpp, by its event parser rather than its tree: an alias is then an event like others, and a file of
// aliases to aliases cannot grow. Its exceptions end here.
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "config/file.h"

namespace jzse::config {
namespace {

struct Stop {};  // thrown to leave the parser early

// Depth 1 is in the map, 2 in a list of it. What stands deeper is a problem of its key.
class Reader : public YAML::EventHandler {
 public:
  explicit Reader(Document* document) : document_(*document) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    if (depth_ == 0) return;  // an empty document
    if (ExpectsKey()) return Key("", mark);
    Wrong("nothing (null)");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    if (ExpectsKey()) return Key("*", mark);
    Wrong("an alias");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    if (depth_ == 0) return Fail("must be a map", mark);
    if (ExpectsKey()) return Key(value, mark);
    if (tag == "?" && (value.empty() || value == "~" || value == "null")) return Wrong("nothing (null)");
    if (depth_ <= 2) document_.entries.back().texts.push_back(value);
    if (depth_ == 1) key_next_ = true;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    if (depth_ == 0) Fail("must be a map", mark);
    if (ExpectsKey()) Key("[]", mark), complex_key_ = depth_ + 1;
    else if (depth_ == 1) document_.entries.back().list = true;
    else Note("a list in a list");
    ++depth_;
  }
  void OnSequenceEnd() override { Leave(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    if (ExpectsKey()) Key("{}", mark), complex_key_ = depth_ + 1;
    else if (depth_ > 0) Note("a map; there are no sections, settings stand at the top");
    ++depth_;
    if (depth_ == 1) key_next_ = true;
  }
  void OnMapEnd() override { Leave(); }

 private:
  bool ExpectsKey() const { return depth_ == 1 && key_next_; }
  void Key(const std::string& name, const YAML::Mark& mark) {
    Entry& entry = document_.entries.emplace_back();
    entry.key = name;
    entry.line = mark.line + 1;
    key_next_ = false;
  }
  void Note(const char* what) {
    if (document_.entries.empty()) return;
    Entry& entry = document_.entries.back();
    if (entry.problem.empty()) entry.problem = what;
  }
  void Wrong(const char* what) {
    Note(what);
    if (depth_ == 1) key_next_ = true;
  }
  [[noreturn]] void Fail(const char* what, const YAML::Mark& mark) {
    document_.error = what;
    document_.error_line = mark.line + 1;
    throw Stop{};
  }
  // A list or map that was a key is followed by that key's value.
  void Leave() {
    const bool was_key = depth_ == complex_key_;
    if (was_key) complex_key_ = 0;
    --depth_;
    if (depth_ == 1) key_next_ = !was_key;
  }

  Document& document_;
  int depth_ = 0;
  int complex_key_ = 0;
  bool key_next_ = false;
};

}  // namespace

Document ParseYaml(std::string_view text) {
  Document document;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Reader reader(&document);
    if (!parser.HandleNextDocument(reader)) return document;
    Document ignored;
    Reader second(&ignored);
    if (parser.HandleNextDocument(second)) document.error = "more than one document";
  } catch (const Stop&) {
    if (document.error.empty()) document.error = "more than one document";  // it stopped in the second
  } catch (const YAML::Exception& error) {
    document.error = error.msg;
    document.error_line = error.mark.is_null() ? 0 : error.mark.line + 1;
  }
  return document;
}

}  // namespace jzse::config

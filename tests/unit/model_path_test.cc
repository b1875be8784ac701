// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "model/model.h"

namespace jzse::model {
namespace {

using base::Code;

std::string Repeat(const std::string& text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

std::string Tree(std::string_view raw) {
  const auto name = CanonicalName(NamespaceKind::kTree, raw);
  return name.ok() ? *name : "refused: " + std::string(name.status().message());
}

Code TreeCode(std::string_view raw) { return base::CodeOf(CanonicalName(NamespaceKind::kTree, raw).status()); }
Code KeyCode(std::string_view raw) { return base::CodeOf(CanonicalName(NamespaceKind::kKeys, raw).status()); }

TEST_CASE("ordinary names stay as they are") {
  for (const char* name : {"a", "a/b/c.txt", ".bashrc", "...", "a b", "~", "a\\b", "-", "caf\u00e9/\u4eac.txt", "\U0001f600"}) {
    CHECK(Tree(name) == name);
    CHECK(KeyCode(name) == Code::kOk);
  }
}

TEST_CASE("names are composed: one spelling for what looks the same") {
  CHECK(Tree("cafe\u0301") == "caf\u00e9");
  CHECK(Tree("A\u030a/x") == "\u00c5/x");
  CHECK(Tree("\u212b") == "\u00c5");                                  // Angstrom sign
  CHECK(Tree("\u1112\u1161\u11ab") == "\ud55c");                      // Hangul jamo
  CHECK(Tree("q\u0307\u0323") == "q\u0323\u0307");                    // canonical order of marks
  CHECK(Tree("\ufb01") == "\ufb01");                                  // a ligature is not canonical equivalence
  CHECK(*CanonicalName(NamespaceKind::kKeys, "e\u0301") == "\u00e9");
}

TEST_CASE("tree: segments must be names") {
  for (const char* name : {"", "/", "/a", "a/", "a//b", ".", "..", "./a", "a/.", "a/../b", "a/./b", "//"}) {
    CHECK(TreeCode(name) == Code::kInvalid);
  }
  CHECK_THAT(Tree("/a"), Catch::Contains("begins with a slash"));
  CHECK_THAT(Tree("a/"), Catch::Contains("ends with a slash"));
  CHECK_THAT(Tree("a//b"), Catch::Contains("empty segment") && Catch::Contains("a//b"));
}

TEST_CASE("keys: any plain text of 1..1024 bytes") {
  for (const char* name : {"/", "//", "a/../b", ".", "a/"}) CHECK(KeyCode(name) == Code::kOk);
  CHECK(KeyCode("") == Code::kInvalid);
  CHECK(KeyCode(std::string(base::kKeySizeMax, 'k')) == Code::kOk);
  CHECK(KeyCode(std::string(base::kKeySizeMax + 1, 'k')) == Code::kTooLarge);
}

TEST_CASE("control characters and bytes that are no UTF-8 are refused in both kinds") {
  const std::string bad[] = {std::string("a\0b", 3), "\n", "a\tb", "\x1f", "\x7f", "\u0080", "\u009f", "\x80", "\xff",
                             "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
                             "caf\xe9"};
  for (const std::string& name : bad) {
    CHECK(TreeCode(name) == Code::kInvalid);
    CHECK(KeyCode(name) == Code::kInvalid);
    CHECK_FALSE(IsPlainText(name));
  }
  CHECK(IsPlainText("a/\u00e9"));
  CHECK(IsText("a\n\u00e9\t"));
  CHECK(IsText(""));
  CHECK_FALSE(IsText(std::string("a\0", 2)));
  CHECK_FALSE(IsText("a\xff"));
}

TEST_CASE("messages quote the name, printable and of bounded size") {
  CHECK_THAT(Tree("a\nb\xff"), Catch::Contains("\"a\\x0ab\\xff\"") && Catch::Contains("0x0a at byte 1"));
  CHECK(Quoted("say \"\\\"") == "\"say \\\"\\\\\\\"\"");
  CHECK(Quoted("\u00e9") == "\"\u00e9\"");
  CHECK(Quoted("\u0085") == "\"\\xc2\\x85\"");
  CHECK(Quoted(std::string(5000, '\x01')).size() < 120);
  CHECK_THAT(Quoted(std::string(5000, 'x')), Catch::EndsWith("...\""));
}

TEST_CASE("limits of a tree path: size, depth, segment") {
  const std::string segment(base::kPathSegmentSizeMax, 's');
  CHECK(TreeCode(segment) == Code::kOk);
  CHECK(TreeCode(segment + "s") == Code::kTooLarge);
  CHECK(TreeCode("a/" + segment + "s/b") == Code::kTooLarge);
  CHECK(TreeCode(Repeat("d/", base::kPathDepthMax - 1) + "f") == Code::kOk);
  CHECK(TreeCode(Repeat("d/", base::kPathDepthMax) + "f") == Code::kTooLarge);
  const std::string three = segment + "/" + segment + "/" + segment + "/";
  CHECK(TreeCode(three + std::string(base::kPathSizeMax - three.size(), 'f')) == Code::kOk);
  CHECK(TreeCode(three + std::string(base::kPathSizeMax - three.size() + 1, 'f')) == Code::kTooLarge);
  CHECK(TreeCode(std::string(10 << 20, 'f')) == Code::kTooLarge);
}

TEST_CASE("the size that counts is that of the canonical form") {
  const std::string decomposed = Repeat("e\u0301", base::kKeySizeMax / 2);  // 3 bytes each, composed 2
  CHECK(KeyCode(decomposed) == Code::kOk);
  CHECK(KeyCode(decomposed + "e") == Code::kTooLarge);
  const std::string grows = Repeat("\u0958", base::kKeySizeMax / 3);        // 3 bytes each, canonical 6
  CHECK(KeyCode(grows) == Code::kTooLarge);
}

TEST_CASE("prefixes may be empty and end anywhere") {
  const auto prefix = [](std::string_view raw) { return CanonicalPrefix(NamespaceKind::kTree, raw); };
  for (const char* raw : {"", "a", "a/", "a/b", ".", "a/.", "a/.."}) {
    REQUIRE(prefix(raw).ok());
    CHECK(*prefix(raw) == raw);
  }
  for (const char* raw : {"/", "/a", "a//", "../", "a/./"}) CHECK(base::CodeOf(prefix(raw).status()) == Code::kInvalid);
  CHECK(*prefix("e\u0301/") == "\u00e9/");
  CHECK(CanonicalPrefix(NamespaceKind::kKeys, "//").ok());
  CHECK_FALSE(CanonicalPrefix(NamespaceKind::kKeys, "\n").ok());
}

TEST_CASE("names of namespaces and regions") {
  for (const char* name : {"a", "0", "docs", "a.b_c-d", "9-"}) {
    CHECK(CheckNamespaceName(name).ok());
    CHECK(CheckRegionName(name).ok());
  }
  CHECK(CheckNamespaceName(std::string(base::kNamespaceNameSizeMax, 'n')).ok());
  const std::string bad[] = {"", "A", ".a", "-a", "_a", "a b", "a/b", "\u00e9", std::string("a\0", 2),
                             std::string(base::kNamespaceNameSizeMax + 1, 'n')};
  for (const std::string& name : bad) {
    CHECK(base::CodeOf(CheckNamespaceName(name)) == Code::kInvalid);
    CHECK(base::CodeOf(CheckRegionName(name)) == Code::kInvalid);
  }
}

TEST_CASE("parents, base names, below") {
  CHECK(ParentOf("a/b/c") == "a/b");
  CHECK(ParentOf("a").empty());
  CHECK(BaseNameOf("a/b/c") == "c");
  CHECK(BaseNameOf("a") == "a");
  CHECK(IsBelow("a/b", "a"));
  CHECK(IsBelow("a/b/c", "a"));
  CHECK(IsBelow("a", ""));
  CHECK_FALSE(IsBelow("a", "a"));
  CHECK_FALSE(IsBelow("ab", "a"));
  CHECK_FALSE(IsBelow("a", "a/b"));
  CHECK_FALSE(IsBelow("", ""));
}

}  // namespace
}  // namespace jzse::model

// SPDX-License-Identifier: Apache-2.0
// tree: a directory and what is in it, drawn. The listing comes in byte order of whole paths ("a-b"
// before "a/x"), so the tree is built in memory before it is drawn. Threads: the main thread.
#include <algorithm>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "interrupt.h"
#include "text.h"
#include "verbs.h"

namespace jzse::cli {
namespace {

struct Node {
  uint32_t kind = JZSE_KIND_DIRECTORY;
  std::map<std::string, std::unique_ptr<Node>, std::less<>> children;
};

struct Marks {
  std::string_view branch, last, line, gap;
};
constexpr Marks kUnicodeMarks{"├── ", "└── ", "│   ", "    "};
constexpr Marks kAsciiMarks{"|-- ", "`-- ", "|   ", "    "};

class Drawing {
 public:
  Drawing(Context& context, const TreeArgs& args)
      : out_(context.out),
        args_(args),
        marks_(args.ascii || !out_.unicode() ? kAsciiMarks : kUnicodeMarks) {}

  void Insert(std::string_view below, uint32_t kind) {
    if (kind != JZSE_KIND_DIRECTORY) ++files_;
    Node* node = &root_;
    for (uint64_t depth = 1; !below.empty(); ++depth) {
      const size_t slash = below.find('/');
      const bool leaf = slash == std::string_view::npos;
      const std::string_view name = below.substr(0, slash);
      if (args_.depth != 0 && depth > args_.depth) return;
      if (leaf && kind != JZSE_KIND_DIRECTORY && args_.directories_only) return;
      auto it = node->children.find(name);
      if (it == node->children.end()) {
        it = node->children.emplace(name, std::make_unique<Node>()).first;
        if (leaf) it->second->kind = kind;
        if (it->second->kind == JZSE_KIND_DIRECTORY) ++directories_;
      }
      node = it->second.get();
      below = leaf ? std::string_view() : below.substr(slash + 1);
    }
  }

  void Draw(const std::string& title) {
    out_.Line(out_.Paint(Color::kDirectory, out_.Name(title)));
    DrawBelow(root_, "");
    out_.Note(
        fmt::format("{}, {}", CountText(directories_, "directory"), CountText(files_, "file")));
  }

 private:
  void DrawBelow(const Node& node, const std::string& indent) {
    size_t left = node.children.size();
    for (const auto& [name, child] : node.children) {
      const bool last = --left == 0;
      const Color color = child->kind == JZSE_KIND_DIRECTORY ? Color::kDirectory
                          : child->kind == JZSE_KIND_SYMLINK ? Color::kSymlink
                                                             : Color::kNone;
      const std::string shown = out_.Name(name) + (child->kind == JZSE_KIND_DIRECTORY ? "/" : "");
      out_.Line(fmt::format("{}{}{}", indent, last ? marks_.last : marks_.branch,
                            out_.Paint(color, shown)));
      DrawBelow(*child, indent + std::string(last ? marks_.gap : marks_.line));
    }
  }

  Output& out_;
  const TreeArgs& args_;
  const Marks& marks_;
  Node root_;
  uint64_t directories_ = 0, files_ = 0;
};

}  // namespace

namespace {

// As Drawing does for whole entries.
bool Shows(const TreeArgs& args, std::string_view below, uint32_t kind) {
  const auto depth = static_cast<uint64_t>(std::count(below.begin(), below.end(), '/')) + 1;
  return (args.depth == 0 || depth <= args.depth) && (!args.directories_only || kind == JZSE_KIND_DIRECTORY);
}

}  // namespace

int RunTree(Context& context, const TreeArgs& args) {
  if (const int code = context.Open(Context::Access::kRead); code != kExitOk) return code;
  Target target;
  if (const int code = context.Resolve(args.path, &target); code != kExitOk) return code;
  jzse_file_info info = JZSE_FILE_INFO_INIT;
  Error error;
  if (target.tree) {
    if (context.Stat(target, &info, &error.raw) != JZSE_OK) return context.out.Fail(error.raw);
    if (info.kind != JZSE_KIND_DIRECTORY) {
      return context.out.Fail(kExitExists, target.Text() + ": is no directory");
    }
  }
  const std::string prefix = target.Prefix();
  Drawing drawing(context, args);
  const int code = ListBelow(
      context.store(), target.ns, prefix,
      [&](const jzse_list_entry& entry) {
        const std::string_view below = std::string_view(entry.path).substr(prefix.size());
        if (!context.out.json()) {
          drawing.Insert(below, entry.info.kind);
        } else if (Shows(args, below, entry.info.kind)) {
          context.out.Emit(FileRecord(target.ns, entry.path, entry.info));
        }
        return !Interrupted();
      },
      &error.raw);
  if (code != JZSE_OK) return context.out.Fail(error.raw);
  if (Interrupted()) return InterruptExitCode();
  if (!context.out.json()) drawing.Draw(target.root() ? target.ns + ":" : target.Text() + "/");
  return kExitOk;
}

}  // namespace jzse::cli

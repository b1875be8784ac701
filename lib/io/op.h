// SPDX-License-Identifier: Apache-2.0
// Names for the calls of Env and File, for faults by kind (sim_env.h) and logs (recording_env.h).
#ifndef JZSE_IO_OP_H_
#define JZSE_IO_OP_H_

#include <cstdint>

namespace jzse::io {

enum class Op : uint32_t {
  kRead = 1u << 0,
  kWrite = 1u << 1,
  kWriteDurable = 1u << 2,
  kSyncData = 1u << 3,
  kTruncate = 1u << 4,
  kSize = 1u << 5,
  kOpen = 1u << 6,  // of an existing file
  kCreate = 1u << 7,
  kCreateDir = 1u << 8,
  kRemoveDir = 1u << 9,
  kListDir = 1u << 10,
  kExists = 1u << 11,
  kRename = 1u << 12,
  kRemove = 1u << 13,
  kSyncDir = 1u << 14,
  kFreeSpace = 1u << 15,
  kLock = 1u << 16,
};

// A set of kinds: the sum of their bits.
using OpMask = uint32_t;
constexpr OpMask operator|(Op a, Op b) { return static_cast<OpMask>(a) | static_cast<OpMask>(b); }
constexpr OpMask operator|(OpMask a, Op b) { return a | static_cast<OpMask>(b); }

inline constexpr OpMask kWriteOps = Op::kWrite | Op::kWriteDurable;
inline constexpr OpMask kSyncOps = Op::kSyncData | Op::kWriteDurable;
// What changes the disk or makes changes durable.
inline constexpr OpMask kEffectOps = kWriteOps | Op::kSyncData | Op::kTruncate | Op::kCreate |
                                     Op::kCreateDir | Op::kRemoveDir | Op::kRename |
                                     Op::kRemove | Op::kSyncDir | Op::kLock;
inline constexpr OpMask kAllOps = ~OpMask{0};

constexpr bool Contains(OpMask mask, Op op) { return (mask & static_cast<OpMask>(op)) != 0; }

constexpr const char* OpName(Op op) {
  switch (op) {
    case Op::kRead: return "read";
    case Op::kWrite: return "write";
    case Op::kWriteDurable: return "write-durable";
    case Op::kSyncData: return "sync";
    case Op::kTruncate: return "truncate";
    case Op::kSize: return "size";
    case Op::kOpen: return "open";
    case Op::kCreate: return "create";
    case Op::kCreateDir: return "create-dir";
    case Op::kRemoveDir: return "remove-dir";
    case Op::kListDir: return "list-dir";
    case Op::kExists: return "exists";
    case Op::kRename: return "rename";
    case Op::kRemove: return "remove";
    case Op::kSyncDir: return "sync-dir";
    case Op::kFreeSpace: return "free-space";
    case Op::kLock: return "lock";
  }
  return "unknown";
}

}  // namespace jzse::io

#endif  // JZSE_IO_OP_H_

// SPDX-License-Identifier: Apache-2.0
// An index whose n-th call fails, or whose n-th value comes back empty, which no value of the store is: the disk alone
// cannot do that at every place, because LevelDB keeps in memory what it has read once.
//
// An index that is opened while another one lives is what verify compares with: it fails too, but its values are not damaged (on a disk
// each block has a check, and in memory there is nothing to damage it).
//
// Thread-safe. The faults must outlive the store that is opened with Around().
#ifndef JZSE_TESTS_CRASH_FAULTY_INDEX_H_
#define JZSE_TESTS_CRASH_FAULTY_INDEX_H_

#include <atomic>
#include <memory>
#include <string>

#include "store/index.h"

namespace jzse::crash {

class IndexFaults {
 public:
  enum Op : unsigned { kGet = 1, kStep = 2, kApply = 4, kFlush = 8 };  // kStep: of a cursor, seeking too

  // The n-th (from 1) of the following calls of these kinds fails with kIo; `empties`: it shows an empty value instead;
  // `for_ever`: so do all later ones.
  void Plan(unsigned ops, uint64_t n, bool empties, bool for_ever) {
    ops_ = ops;
    empties_ = empties;
    for_ever_ = for_ever;
    left_ = n;
  }
  void Clear() { left_ = 0; }
  // Look-ups do not find this key. Before other threads use the index.
  void Hide(std::string key) { hidden_ = std::move(key); }
  bool Hides(base::Bytes key) const { return !hidden_.empty() && key == hidden_; }
  uint64_t fired() const { return fired_; }
  uint64_t left() const { return left_; }  // calls until the next one that fails
  bool empties() const { return empties_; }
  // Whether this call is the one.
  bool Hits(Op op) {
    if ((ops_ & op) == 0) return false;
    uint64_t left = left_;
    while (left != 0 && !left_.compare_exchange_weak(left, left - 1)) continue;
    if (left != 1) return false;
    if (for_ever_) left_ = 1;
    ++fired_;
    return true;
  }
  static base::Status Failure() { return base::Fail(base::Code::kIo, "index: it was planned"); }

  store::AroundIndex Around();

 private:
  friend class FaultyIndex;
  std::atomic<int> living_{0};
  std::string hidden_;
  std::atomic<unsigned> ops_{0};
  std::atomic<bool> empties_{false}, for_ever_{false};
  std::atomic<uint64_t> left_{0}, fired_{0};
};

class FaultyCursor final : public store::IndexCursor {
 public:
  FaultyCursor(std::unique_ptr<store::IndexCursor> cursor, IndexFaults& faults, bool second)
      : cursor_(std::move(cursor)), faults_(faults), second_(second) {}
  void Seek(base::Bytes key) override {
    cursor_->Seek(key);
    Stepped();
  }
  void SeekBefore(base::Bytes key) override {
    cursor_->SeekBefore(key);
    Stepped();
  }
  void Next() override {
    cursor_->Next();
    Stepped();
  }
  bool valid() const override { return !failed_ && cursor_->valid(); }
  base::Bytes key() const override { return cursor_->key(); }
  base::Bytes value() const override { return empty_ ? base::Bytes() : cursor_->value(); }
  base::Status status() const override { return failed_ ? IndexFaults::Failure() : cursor_->status(); }

 private:
  // Only what is shown can be damaged.
  void Stepped() {
    const bool hit = ((cursor_->valid() && !second_) || !faults_.empties()) && faults_.Hits(IndexFaults::kStep);
    failed_ = hit && !faults_.empties();
    empty_ = hit && faults_.empties();
  }
  const std::unique_ptr<store::IndexCursor> cursor_;
  IndexFaults& faults_;
  const bool second_;
  bool failed_ = false, empty_ = false;
};

class FaultyIndex final : public store::Index {
 public:
  FaultyIndex(std::unique_ptr<store::Index> index, IndexFaults& faults)
      : index_(std::move(index)), faults_(faults), second_(faults.living_++ > 0) {}
  ~FaultyIndex() override { --faults_.living_; }
  base::StatusOr<bool> Get(base::Bytes key, const store::IndexSnapshot* snapshot, std::string* value) override {
    if (faults_.Hides(key)) return false;
    auto found = index_->Get(key, snapshot, value);
    if (faults_.empties() && (second_ || !(found.ok() && *found))) return found;
    if (!faults_.Hits(IndexFaults::kGet)) return found;
    if (!faults_.empties()) return IndexFaults::Failure();
    value->clear();
    return found;
  }
  base::Status Apply(std::span<const store::IndexOpView> batch) override {
    return faults_.Hits(IndexFaults::kApply) ? IndexFaults::Failure() : index_->Apply(batch);
  }
  base::Status Flush() override {
    return faults_.Hits(IndexFaults::kFlush) ? IndexFaults::Failure() : index_->Flush();
  }
  std::unique_ptr<store::IndexSnapshot> Snapshot() override { return index_->Snapshot(); }
  std::unique_ptr<store::IndexCursor> NewCursor(const store::IndexSnapshot* snapshot, store::CursorUse use) override {
    return std::make_unique<FaultyCursor>(index_->NewCursor(snapshot, use), faults_, second_);
  }
  uint64_t DiskBytes() override { return index_->DiskBytes(); }

 private:
  const std::unique_ptr<store::Index> index_;
  IndexFaults& faults_;
  const bool second_;
};

inline store::AroundIndex IndexFaults::Around() {
  return [this](std::unique_ptr<store::Index> index) { return std::make_unique<FaultyIndex>(std::move(index), *this); };
}

}  // namespace jzse::crash

#endif  // JZSE_TESTS_CRASH_FAULTY_INDEX_H_

// SPDX-License-Identifier: Apache-2.0
// One ring of 64 entries behind a mutex that nobody waits for.
//
// Invariants
//  1. While the kernel may still write into a buffer of the batch, Read does not return.
//  2. No entry of a finished batch stays in the submission queue: a later submit would carry it out
//     with dead buffers. When a submit fails the ring is therefore given up for good.
//  3. The ring only ever carries the first part of a read; whatever it leaves (a short read, an
//     error) is done by File::Read, so results and messages are those of the plain back end.
#include "io/linux_uring.h"

#include <liburing.h>

#include <cerrno>
#include <mutex>

namespace jzse::io {
namespace {

constexpr unsigned kEntries = 64;
constexpr size_t kRingReadMax = size_t{1} << 30;  // the length field has 32 bits

void ReadRest(ReadOp& op) {
  auto count = op.file->Read(op.offset + op.count, op.size - op.count, op.buffer + op.count);
  op.status = count.status();
  op.count = count.ok() ? op.count + *count : 0;
}

class Uring final : public UringReader {
 public:
  ~Uring() override { Close(); }

  bool Available() override {
    const std::lock_guard lock(mutex_);
    return Open();
  }

  bool Read(std::span<ReadOp> ops) override {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock() || !Open()) return false;
    for (ReadOp& op : ops) op.count = 0;
    Carry(ops);
    for (ReadOp& op : ops) {
      if (op.count < op.size && !base::Planted("short-ring-read-believed")) {
        ReadRest(op);
      } else {
        op.status = Status();
      }
    }
    return true;
  }

 private:
  enum class State { kUntried, kOpen, kClosed };

  bool Open() {
    if (state_ != State::kUntried) return state_ == State::kOpen;
    state_ = State::kClosed;
    if (io_uring_queue_init(kEntries, &ring_, 0) != 0) return false;
    state_ = State::kOpen;
    io_uring_probe* probe = io_uring_get_probe_ring(&ring_);
    const bool can_read = probe != nullptr && io_uring_opcode_supported(probe, IORING_OP_READ);
    if (probe != nullptr) io_uring_free_probe(probe);
    if (!can_read) Close();
    return can_read;
  }

  void Close() {
    if (state_ == State::kOpen) io_uring_queue_exit(&ring_);
    state_ = State::kClosed;
  }

  void Carry(std::span<ReadOp> ops) {
    size_t next = 0;
    unsigned queued = 0, in_flight = 0;  // not yet taken by the kernel; taken and not completed
    bool failed = false;
    while (true) {
      while (!failed && next < ops.size() && queued + in_flight < kEntries) {
        if (Queue(ops[next])) ++queued;
        ++next;
      }
      if (failed ? in_flight == 0 : queued + in_flight == 0) break;
      if (failed) {
        WaitOne();
      } else {
        const unsigned wait = next < ops.size() ? 1 : queued + in_flight;
        const int taken = io_uring_submit_and_wait(&ring_, wait);
        if (taken >= 0) {
          queued -= static_cast<unsigned>(taken);
          in_flight += static_cast<unsigned>(taken);
        } else if (taken != -EINTR) {
          failed = true;
        }
      }
      in_flight -= Reap();
    }
    if (failed) Close();
  }

  // False when the op is left to the plain back end.
  bool Queue(ReadOp& op) {
    const int fd = op.file->Descriptor();
    if (fd < 0 || op.size == 0 || op.size > kRingReadMax) return false;
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) return false;
    io_uring_prep_read(entry, fd, op.buffer, static_cast<unsigned>(op.size), op.offset);
    io_uring_sqe_set_data(entry, &op);
    return true;
  }

  // Returning without the completion would hand out memory that the kernel still writes to, so an
  // error other than an interruption cannot be survived.
  void WaitOne() {
    io_uring_cqe* completion = nullptr;
    int result;
    do {
      result = io_uring_wait_cqe(&ring_, &completion);
    } while (result == -EINTR || result == -EAGAIN);
    JZSE_CHECK(result == 0);
  }

  unsigned Reap() {
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    while (io_uring_peek_cqe(&ring_, &completion) == 0) {
      auto* op = static_cast<ReadOp*>(io_uring_cqe_get_data(completion));
      if (completion->res > 0) op->count = static_cast<size_t>(completion->res);
      io_uring_cqe_seen(&ring_, completion);
      ++count;
    }
    return count;
  }

  std::mutex mutex_;
  State state_ = State::kUntried;
  io_uring ring_{};
};

}  // namespace

std::unique_ptr<UringReader> NewUringReader() { return std::make_unique<Uring>(); }

}  // namespace jzse::io

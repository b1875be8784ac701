// SPDX-License-Identifier: Apache-2.0
// The strict codec of everything on disk: little-endian fixed integers, LEB128 varints in their shortest form,
// length-prefixed bytes. A Decoder never reads past its end, and every value has exactly one encoding: what
// decodes, encodes back to the same bytes.
//
// Decoder errors stick: after the first failure every read returns zero or empty, and ok() stays false. Check
// done() once at the end instead of every field.
#ifndef JZSE_BASE_CODEC_H_
#define JZSE_BASE_CODEC_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/bytes.h"

namespace jzse::base {

static_assert(std::endian::native == std::endian::little, "the codec copies integers as they are");

template <typename T>
inline T LoadLe(const char* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}
template <typename T>
inline void StoreLe(char* p, T value) {
  std::memcpy(p, &value, sizeof value);
}
inline uint32_t LoadBe32(const char* p) { return __builtin_bswap32(LoadLe<uint32_t>(p)); }
inline uint64_t LoadBe64(const char* p) { return __builtin_bswap64(LoadLe<uint64_t>(p)); }

// Appends to a string that the caller owns.
class Encoder {
 public:
  explicit Encoder(std::string* out) : out_(*out) {}

  void U8(uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void U16(uint16_t value) { Fixed(value); }
  void U32(uint32_t value) { Fixed(value); }
  void U64(uint64_t value) { Fixed(value); }
  // Big-endian, so that keys sort by value.
  void Be32(uint32_t value) { Fixed(__builtin_bswap32(value)); }
  void Be64(uint64_t value) { Fixed(__builtin_bswap64(value)); }
  void Varint(uint64_t value);
  // Zigzag, for values that may be negative.
  void SignedVarint(int64_t value) {
    Varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  void Raw(Bytes bytes) { out_.append(bytes); }
  void Prefixed(Bytes bytes) {
    Varint(bytes.size());
    Raw(bytes);
  }

 private:
  template <typename T>
  void Fixed(T value) {
    char buffer[sizeof value];
    StoreLe(buffer, value);
    out_.append(buffer, sizeof value);
  }
  std::string& out_;
};

// Reads a view that must outlive it; the views it returns point into that view.
class Decoder {
 public:
  explicit Decoder(Bytes bytes) : rest_(bytes) {}

  uint8_t U8() { return Fixed<uint8_t>(); }
  uint16_t U16() { return Fixed<uint16_t>(); }
  uint32_t U32() { return Fixed<uint32_t>(); }
  uint64_t U64() { return Fixed<uint64_t>(); }
  uint32_t Be32() { return __builtin_bswap32(Fixed<uint32_t>()); }
  uint64_t Be64() { return __builtin_bswap64(Fixed<uint64_t>()); }
  uint64_t Varint() {
    if (!rest_.empty() && static_cast<uint8_t>(rest_.front()) < 0x80) [[likely]] {
      const auto value = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      return value;
    }
    return LongVarint();
  }
  // A varint that must not exceed `max`.
  uint64_t VarintMax(uint64_t max) {
    const uint64_t value = Varint();
    if (value <= max) [[likely]] return value;
    Reject();
    return 0;
  }
  int64_t SignedVarint() {
    const uint64_t raw = Varint();
    return static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
  }
  Bytes Raw(uint64_t size) {
    if (size > rest_.size()) [[unlikely]] {
      Reject();
      return {};
    }
    const Bytes bytes(rest_.data(), size);
    rest_.remove_prefix(size);
    return bytes;
  }
  // Length-prefixed, of at most `size_max` bytes.
  Bytes Prefixed(uint64_t size_max) { return Raw(VarintMax(size_max)); }
  Bytes Rest() { return Raw(rest_.size()); }

  bool ok() const { return ok_; }
  // True when everything was read and nothing failed.
  bool done() const { return ok_ && rest_.empty(); }
  size_t remaining() const { return rest_.size(); }
  void Reject() {
    ok_ = false;
    rest_ = {};
  }

 private:
  template <typename T>
  T Fixed() {
    if (rest_.size() < sizeof(T)) {
      Reject();
      return 0;
    }
    const T value = LoadLe<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  uint64_t LongVarint();

  Bytes rest_;
  bool ok_ = true;
};

}  // namespace jzse::base

#endif  // JZSE_BASE_CODEC_H_

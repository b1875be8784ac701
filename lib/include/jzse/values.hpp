// SPDX-License-Identifier: Apache-2.0
// values.hpp - what jzse.hpp is made of: results, bytes, options, and how a call of jzse.h becomes a result. Included by
// jzse.hpp; a host includes that.
#ifndef JZSE_VALUES_HPP_
#define JZSE_VALUES_HPP_

#include <jzse/jzse.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#if __cplusplus >= 202002L
#include <span>
#endif

namespace jzse {
inline namespace v0 {

// ---- results

class Error {
 public:
  Error() = default;
  Error(int code, std::string message) : code_(code), message_(std::move(message)) {}
  int code() const { return code_; }                                // JZSE_*
  const char* name() const { return jzse_code_name(code_); }
  const std::string& message() const { return message_; }

 private:
  int code_ = JZSE_OK;
  std::string message_;
};

// A value or an error. Asking a failed result for its value ends the program: it is a bug of the caller.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }
  int code() const { return ok() ? JZSE_OK : std::get_if<1>(&state_)->code(); }
  const Error& error() const {
    if (ok()) std::abort();
    return *std::get_if<1>(&state_);
  }

  T& value() & { return Checked(); }
  const T& value() const& { return const_cast<Result*>(this)->Checked(); }
  T&& value() && { return std::move(Checked()); }
  T& operator*() & { return Checked(); }
  const T& operator*() const& { return const_cast<Result*>(this)->Checked(); }
  T&& operator*() && { return std::move(Checked()); }
  T* operator->() { return &Checked(); }
  const T* operator->() const { return &const_cast<Result*>(this)->Checked(); }

 private:
  T& Checked() {
    if (!ok()) std::abort();
    return *std::get_if<0>(&state_);
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return ok(); }
  bool ok() const { return !error_.has_value(); }
  int code() const { return ok() ? JZSE_OK : error_->code(); }
  const Error& error() const {
    if (ok()) std::abort();
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

// ---- bytes

// Bytes to read, borrowed: text, (pointer, size), or anything contiguous of plain values (std::vector, std::array,
// std::span).
class ByteView {
 public:
  ByteView() = default;
  ByteView(const void* data, size_t size) : data_(data), size_(size) {}
  ByteView(const char* text) : data_(text), size_(std::strlen(text)) {}
  template <typename C, typename Value = std::remove_pointer_t<decltype(std::declval<const C&>().data())>,
            typename = std::enable_if_t<std::is_trivially_copyable_v<Value>>>
  ByteView(const C& bytes) : data_(bytes.data()), size_(bytes.size() * sizeof(Value)) {}

  const void* data() const { return data_; }
  size_t size() const { return size_; }
  std::string_view view() const { return {static_cast<const char*>(data_), size_}; }

 private:
  const void* data_ = nullptr;
  size_t size_ = 0;
};

// Room for bytes, borrowed: (pointer, size), or anything contiguous of plain values that may be written.
class ByteRoom {
 public:
  ByteRoom(void* data, size_t size) : data_(data), size_(size) {}
  template <typename C, typename Value = std::remove_pointer_t<decltype(std::declval<C&>().data())>,
            typename = std::enable_if_t<std::is_trivially_copyable_v<Value> && !std::is_const_v<Value>>>
  ByteRoom(C&& room) : data_(room.data()), size_(room.size() * sizeof(Value)) {}
  template <typename Value, size_t kCount>
  ByteRoom(Value (&room)[kCount]) : data_(room), size_(sizeof room) {}

  void* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  void* data_;
  size_t size_;
};

// Memory that the library allocated.
class Blob {
 public:
  Blob() = default;
  Blob(void* data, size_t size) : data_(data), size_(size) {}
  const char* data() const { return static_cast<const char*>(data_.get()); }
  size_t size() const { return size_; }
  std::string_view view() const { return {data(), size_}; }
  std::string str() const { return std::string(view()); }
#if __cplusplus >= 202002L
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_.get()), size_}; }
#endif

 private:
  struct Free {
    void operator()(void* data) const { jzse_free(data); }
  };
  std::unique_ptr<void, Free> data_;
  size_t size_ = 0;
};

// ---- options and reports: the structs of jzse.h with their initial values

class Snapshot;

template <typename T>
T Initial() {
  T value = T();
  value.struct_size = sizeof(T);
  return value;
}

struct Options : jzse_options {
  Options() : jzse_options(Initial<jzse_options>()) {}
  Options(uint32_t open_flags) : Options() { flags = open_flags; }
};
// What it points to must live until the call is made; the library copies it then.
struct PutOptions : jzse_put_options {
  PutOptions() : jzse_put_options(Initial<jzse_put_options>()) {}
  // From a contiguous container of jzse_pair.
  template <typename C>
  PutOptions& SetPairs(const C& pairs) {
    metadata = pairs.data();
    metadata_count = pairs.size();
    return *this;
  }
};
struct GetOptions : jzse_get_options {
  GetOptions() : jzse_get_options(Initial<jzse_get_options>()) {}
  GetOptions(uint64_t of_version) : GetOptions() { version = of_version; }
  GetOptions(const Snapshot& of_snapshot);
};
struct ListOptions : jzse_list_options {
  ListOptions() : jzse_list_options(Initial<jzse_list_options>()) {}
  ListOptions(const char* with_prefix, const char* with_delimiter = nullptr) : ListOptions() {
    prefix = with_prefix;
    delimiter = with_delimiter;
  }
};
struct ChangeOptions : jzse_change_options {
  ChangeOptions() : jzse_change_options(Initial<jzse_change_options>()) {}
  ChangeOptions(uint32_t change_flags) : ChangeOptions() { flags = change_flags; }
};
struct FeedOptions : jzse_feed_options {
  FeedOptions() : jzse_feed_options(Initial<jzse_feed_options>()) {}
  FeedOptions(uint64_t after_sequence) : FeedOptions() { after = after_sequence; }
};
struct VerifyOptions : jzse_verify_options {
  VerifyOptions() : jzse_verify_options(Initial<jzse_verify_options>()) {}
};
struct CompactOptions : jzse_compact_options {
  CompactOptions() : jzse_compact_options(Initial<jzse_compact_options>()) {}
};
struct ArchiveOptions : jzse_archive_options {
  ArchiveOptions() : jzse_archive_options(Initial<jzse_archive_options>()) {}
};
struct NamespaceConfig : jzse_namespace_config {
  NamespaceConfig() : jzse_namespace_config(Defaults()) {}

 private:
  static jzse_namespace_config Defaults() {
    jzse_namespace_config config = JZSE_NAMESPACE_CONFIG_INIT;
    return config;
  }
};

using FileInfo = jzse_file_info;
using Stats = jzse_stats;

// ---- inside

namespace detail {

// A C string of the caller's. One with a NUL inside would be cut silently; it becomes a name that is refused.
class Text {
 public:
  Text(const char* text) : text_(text) {}
  Text(const std::string& text) : text_(Whole(text) ? text.c_str() : kRefused) {}
  Text(std::string_view text) : copy_(text), text_(Whole(text) ? copy_.c_str() : kRefused) {}
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;
  const char* c_str() const { return text_; }

 private:
  static constexpr char kRefused[] = "\x01";
  static bool Whole(std::string_view text) { return text.find('\0') == std::string_view::npos; }
  std::string copy_;
  const char* text_;
};

template <typename T, void (*kClose)(T*)>
struct Closer {
  void operator()(T* handle) const { kClose(handle); }
};
template <typename T, void (*kClose)(T*)>
using Handle = std::unique_ptr<T, Closer<T, kClose>>;

inline void CloseStore(jzse_store* store) { jzse_store_close(store, nullptr); }

class Failure {
 public:
  jzse_error* out() { return &error_; }
  Error Make(int code) const { return Error(code, error_.message); }

 private:
  jzse_error error_ = Initial<jzse_error>();
};

// Calls `call(arguments..., error)`; its code becomes a result.
template <typename Call, typename... Arguments>
Result<void> Run(Call call, Arguments... arguments) {
  Failure failure;
  const int code = call(arguments..., failure.out());
  if (code == JZSE_OK) return {};
  return failure.Make(code);
}
// Calls `call(arguments..., &value, error)` with a value to fill, which is the result.
template <typename T, typename Call, typename... Arguments>
Result<T> Fill(T value, Call call, Arguments... arguments) {
  Failure failure;
  const int code = call(arguments..., &value, failure.out());
  if (code == JZSE_OK) return value;
  return failure.Make(code);
}
// Calls `call(arguments..., &handle, error)`; Owner is built from the handle.
template <typename Owner, typename T, typename Call, typename... Arguments>
Result<Owner> Open(Call call, Arguments... arguments) {
  Failure failure;
  T* handle = nullptr;
  const int code = call(arguments..., &handle, failure.out());
  if (code == JZSE_OK) return Owner(handle);
  return failure.Make(code);
}

// A cursor as a range, once through. Self has `const Item* Next()`: valid until the next call; null at the end or after a
// failure, which error() then tells.
template <typename Self, typename Item>
class Range {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    using pointer = const Item*;
    using reference = const Item&;

    Iterator() = default;
    explicit Iterator(Self* range) : range_(range), item_(range->Next()) {}
    reference operator*() const { return *item_; }
    pointer operator->() const { return item_; }
    Iterator& operator++() {
      item_ = range_->Next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(const Iterator& other) const { return item_ == other.item_; }
    bool operator!=(const Iterator& other) const { return item_ != other.item_; }

   private:
    Self* range_ = nullptr;
    const Item* item_ = nullptr;
  };

  Iterator begin() { return Iterator(static_cast<Self*>(this)); }
  Iterator end() { return Iterator(); }
  const std::optional<Error>& error() const { return error_; }

 protected:
  std::optional<Error> error_;
};

}  // namespace detail

}  // namespace v0
}  // namespace jzse

#endif  // JZSE_VALUES_HPP_

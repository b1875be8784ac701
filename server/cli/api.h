// SPDX-License-Identifier: Apache-2.0
// Ownership of the C API's handles: each closes, aborts or frees when it goes out of scope.
#ifndef JZSE_CLI_API_H_
#define JZSE_CLI_API_H_

#include <memory>

#include "jzse/jzse.h"

namespace jzse::cli {

template <auto kClose>
struct Closer {
  template <class T>
  void operator()(T* handle) const {
    kClose(handle);
  }
};

using List = std::unique_ptr<jzse_list, Closer<jzse_list_close>>;
using Reader = std::unique_ptr<jzse_reader, Closer<jzse_reader_close>>;
using Writer = std::unique_ptr<jzse_writer, Closer<jzse_writer_abort>>;  // release() into commit
using Group = std::unique_ptr<jzse_group, Closer<jzse_group_abort>>;     // release() into commit
using Snapshot = std::unique_ptr<jzse_snapshot, Closer<jzse_snapshot_close>>;
using Feed = std::unique_ptr<jzse_feed, Closer<jzse_feed_close>>;
using Metadata = std::unique_ptr<jzse_metadata, Closer<jzse_metadata_close>>;
using Queue = std::unique_ptr<jzse_queue, Closer<jzse_queue_close>>;
using Memory = std::unique_ptr<void, Closer<jzse_free>>;

// An error to hand into calls: `Error error; jzse_stat(..., &error.raw)`.
struct Error {
  jzse_error raw = JZSE_ERROR_INIT;
};

// Calls `Open(&raw, ...)`-like functions and takes the handle over whatever came out.
template <class Handle, class Open>
int OpenHandle(Handle* handle, Open&& open) {
  typename Handle::pointer raw = nullptr;
  const int code = open(&raw);
  handle->reset(raw);
  return code;
}

// Opens a listing and calls each(const jzse_list_entry&) until it returns false.
template <class Open, class Each>
int ForEachEntry(Open&& open, Each&& each, jzse_error* error) {
  List list;
  int code = OpenHandle(&list, open);
  while (code == JZSE_OK) {
    const jzse_list_entry* entry = nullptr;
    code = jzse_list_next(list.get(), &entry, error);
    if (code != JZSE_OK || entry == nullptr || !each(*entry)) break;
  }
  return code;
}
template <class Each>
int ListEntries(jzse_store* store, const char* ns, const jzse_list_options& options, Each&& each,
                jzse_error* error) {
  return ForEachEntry(
      [&](jzse_list** raw) { return jzse_list_open(store, ns, &options, raw, error); }, each,
      error);
}
// Everything below a prefix, flat.
template <class Each>
int ListBelow(jzse_store* store, const char* ns, const char* prefix, Each&& each,
              jzse_error* error) {
  jzse_list_options options = JZSE_LIST_OPTIONS_INIT;
  options.prefix = prefix;
  return ListEntries(store, ns, options, each, error);
}

}  // namespace jzse::cli

#endif  // JZSE_CLI_API_H_

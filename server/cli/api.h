// SPDX-License-Identifier: Apache-2.0
// Short forms for the calls of a store, and ownership of the C API's own handles for the verbs that need a store on this machine.
#ifndef JZSE_CLI_API_H_
#define JZSE_CLI_API_H_

#include <memory>

#include "access/access.h"
#include "jzse/jzse.h"

namespace jzse::cli {

template <auto kClose>
struct Closer {
  template <class T>
  void operator()(T* handle) const {
    kClose(handle);
  }
};

using Reader = std::unique_ptr<jzse_reader, Closer<jzse_reader_close>>;
using Writer = std::unique_ptr<jzse_writer, Closer<jzse_writer_abort>>;  // release() into commit
using Snapshot = std::unique_ptr<jzse_snapshot, Closer<jzse_snapshot_close>>;

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

// Opens a listing with open(&list) and calls each(const jzse_list_entry&) until it returns false.
template <class Open, class Each>
int ForEachEntry(Open&& open, Each&& each, jzse_error* error) {
  std::unique_ptr<access::List> list;
  int code = open(&list);
  while (code == JZSE_OK) {
    const jzse_list_entry* entry = nullptr;
    code = list->Next(&entry, error);
    if (code != JZSE_OK || entry == nullptr || !each(*entry)) break;
  }
  return code;
}
template <class Each>
int ListEntries(access::Store* store, const std::string& ns, const access::ListOptions& options, Each&& each,
                jzse_error* error) {
  return ForEachEntry(
      [&](std::unique_ptr<access::List>* list) { return store->OpenList(ns, options, list, error); }, each, error);
}
// Everything below a prefix, flat.
template <class Each>
int ListBelow(access::Store* store, const std::string& ns, const std::string& prefix, Each&& each,
              jzse_error* error) {
  access::ListOptions options;
  options.prefix = prefix;
  return ListEntries(store, ns, options, each, error);
}

}  // namespace jzse::cli

#endif  // JZSE_CLI_API_H_

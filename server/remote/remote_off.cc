// SPDX-License-Identifier: Apache-2.0
// A build without what HTTP needs.
#include "remote/remote.h"

namespace jzse::remote {

int Connect(const Url& url, Options, std::unique_ptr<access::Store>*, jzse_error* error) {
  return access::Fail(error, JZSE_UNSUPPORTED, url.Base() + ": this jzse was built without HTTP");
}

}  // namespace jzse::remote

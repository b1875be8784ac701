// SPDX-License-Identifier: Apache-2.0
// The texts of the tus protocol.
//
// Threading: pure.
#ifndef JZSE_SERVER_JZSED_TUS_H_
#define JZSE_SERVER_JZSED_TUS_H_

#include <string>
#include <string_view>

#include "jzsed/upload_store.h"

namespace jzse::jzsed {

// An Upload-Metadata field, "key base64,key base64", into the target. What is wrong with it, or "".
std::string ReadUploadMetadata(std::string_view text, UploadTarget* target);

}  // namespace jzse::jzsed

#endif  // JZSE_SERVER_JZSED_TUS_H_

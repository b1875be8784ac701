// SPDX-License-Identifier: Apache-2.0
#include "capi/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace jzse::capi {
namespace {

using base::Code;

Status Failed(const char* doing, int fd, int error) {
  char buffer[128];
  const char* const cause = strerror_r(error, buffer, sizeof buffer);  // the GNU one: thread-safe
  const Code code = error == EBADF ? Code::kInvalid : error == ENOSPC ? Code::kNoSpace : Code::kIo;
  return base::Fail(code, absl::StrCat(doing, " descriptor ", fd, ": ", cause));
}

// Whether the call is worth repeating after `errno`; waits for a descriptor that does not block by itself.
bool Again(int fd, short events) {
  if (errno == EINTR) return true;
  if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
  pollfd waiting = {fd, events, 0};
  return poll(&waiting, 1, -1) >= 0 || errno == EINTR;
}

}  // namespace

StatusOr<size_t> ReadSome(int fd, char* buffer, size_t size) {
  for (;;) {
    const ssize_t got = read(fd, buffer, size);
    if (got >= 0) return static_cast<size_t>(got);
    if (!Again(fd, POLLIN)) return Failed("reading", fd, errno);
  }
}

StatusOr<size_t> ReadFull(int fd, char* buffer, size_t size) {
  size_t filled = 0;
  while (filled < size) {
    JZSE_ASSIGN_OR_RETURN(const size_t got, ReadSome(fd, buffer + filled, size - filled));
    if (got == 0) break;
    filled += got;
  }
  return filled;
}

Status WriteFull(int fd, base::Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(fd, bytes.data(), bytes.size());
    if (put >= 0) {
      bytes.remove_prefix(static_cast<size_t>(put));
    } else if (!Again(fd, POLLOUT)) {
      return Failed("writing", fd, errno);
    }
  }
  return absl::OkStatus();
}

}  // namespace jzse::capi

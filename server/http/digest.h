// SPDX-License-Identifier: Apache-2.0
// Digests of contents: base64, Content-Digest (RFC 9530), and the hashes themselves (libcrypto, in digest.cc only).
//
// Threading: pure; one Digester a body.
#ifndef JZSE_SERVER_HTTP_DIGEST_H_
#define JZSE_SERVER_HTTP_DIGEST_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace jzse::http {

std::string Base64Encode(std::string_view bytes);
// Standard alphabet, padded, canonical; nothing else.
std::optional<std::string> Base64Decode(std::string_view text);

enum class DigestKind { kNone, kSha256, kSha512 };

struct WantedDigest {
  DigestKind kind = DigestKind::kNone;  // kNone: no algorithm in it that is known here
  std::string value;
};
// The strongest known digest of a Content-Digest or Repr-Digest field. Nothing when malformed.
std::optional<WantedDigest> ParseDigestField(std::string_view value);
// A tus Upload-Checksum: `sha256 BASE64`. Nothing when malformed or of another algorithm.
std::optional<WantedDigest> ParseUploadChecksum(std::string_view value);

class Digester {
 public:
  explicit Digester(DigestKind kind);
  ~Digester();
  Digester(const Digester&) = delete;
  Digester& operator=(const Digester&) = delete;

  void Update(std::string_view bytes);
  std::string Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jzse::http

#endif  // JZSE_SERVER_HTTP_DIGEST_H_

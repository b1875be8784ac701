// SPDX-License-Identifier: Apache-2.0
// The one-shot functions of OpenSSL 3 look the algorithm up by name, under locks and with several allocations, each time; the
// older ones, which it calls deprecated, run the same instructions at once.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/hash.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <utility>

#include "base/check.h"

namespace jzse::base {

Hash256 Sha256(Bytes bytes) {
  Hash256 hash;
  SHA256_CTX context;
  JZSE_CHECK(SHA256_Init(&context) == 1 && SHA256_Update(&context, bytes.data(), bytes.size()) == 1 &&
             SHA256_Final(hash.bytes.data(), &context) == 1);
  return hash;
}

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  JZSE_CHECK(context_ != nullptr);
  JZSE_CHECK(EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr) == 1);
}
Sha256Stream::~Sha256Stream() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }
Sha256Stream::Sha256Stream(Sha256Stream&& other) noexcept
    : context_(std::exchange(other.context_, nullptr)) {}
Sha256Stream& Sha256Stream::operator=(Sha256Stream&& other) noexcept {
  std::swap(context_, other.context_);
  return *this;
}
void Sha256Stream::Update(Bytes bytes) {
  JZSE_CHECK(EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()) == 1);
}
Hash256 Sha256Stream::Finish() {
  Hash256 hash;
  JZSE_CHECK(EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), hash.bytes.data(), nullptr) == 1);
  return hash;
}

}  // namespace jzse::base

// SPDX-License-Identifier: Apache-2.0
#include "http/digest.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <new>

#include "http/head.h"

namespace jzse::http {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t SizeOf(DigestKind kind) { return kind == DigestKind::kSha256 ? 32 : 64; }

// One member of the dictionary: key [= :base64: ]. Other kinds of items are malformed here.
bool TakeMember(std::string_view member, WantedDigest* wanted) {
  const size_t equals = member.find('=');
  if (equals == std::string_view::npos) return false;
  std::string_view key = member.substr(0, equals), value = member.substr(equals + 1);
  if (!IsToken(key) || value.size() < 2 || value.front() != ':') return false;
  const size_t end = value.find(':', 1);
  if (end == std::string_view::npos) return false;
  const auto bytes = Base64Decode(value.substr(1, end - 1));
  if (!bytes) return false;
  const DigestKind kind = key == "sha-512"   ? DigestKind::kSha512
                          : key == "sha-256" ? DigestKind::kSha256
                                             : DigestKind::kNone;
  if (kind == DigestKind::kNone) return true;
  if (bytes->size() != SizeOf(kind)) return false;
  if (wanted->kind != DigestKind::kSha512) *wanted = {kind, *bytes};
  return true;
}

}  // namespace

std::string Base64Encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k) text.push_back(k <= count ? kAlphabet[group >> (18 - 6 * k) & 63] : '=');
  }
  return text;
}

std::optional<std::string> Base64Decode(std::string_view text) {
  static const std::array<int8_t, 256> kValues = [] {
    std::array<int8_t, 256> values;
    values.fill(-1);
    for (size_t i = 0; i < kAlphabet.size(); ++i) values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<int8_t>(i);
    return values;
  }();
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const size_t padding = last && text[i + 3] == '=' ? (text[i + 2] == '=' ? 2 : 1) : 0;
    uint32_t group = 0;
    for (size_t k = 0; k < 4; ++k) {
      const int value = k + padding >= 4 ? 0 : kValues[static_cast<uint8_t>(text[i + k])];
      if (value < 0) return std::nullopt;
      group = group << 6 | static_cast<uint32_t>(value);
    }
    if ((padding == 1 && (group & 0xff) != 0) || (padding == 2 && (group & 0xffff) != 0)) return std::nullopt;
    for (size_t k = 0; k < 3 - padding; ++k) bytes.push_back(static_cast<char>(group >> (16 - 8 * k) & 0xff));
  }
  return bytes;
}

std::optional<WantedDigest> ParseDigestField(std::string_view value) {
  WantedDigest wanted;
  bool fine = true, any = false;
  ForEachElement(value, [&](std::string_view member) {
    any = true;
    fine = fine && TakeMember(member, &wanted);
  });
  if (!fine || !any) return std::nullopt;
  return wanted;
}

std::optional<WantedDigest> ParseUploadChecksum(std::string_view value) {
  const size_t space = value.find(' ');
  if (space == std::string_view::npos || value.substr(0, space) != "sha256") return std::nullopt;
  auto bytes = Base64Decode(value.substr(space + 1));
  if (!bytes || bytes->size() != SizeOf(DigestKind::kSha256)) return std::nullopt;
  return WantedDigest{DigestKind::kSha256, std::move(*bytes)};
}

struct Digester::State {
  EVP_MD_CTX* context = nullptr;
  ~State() { EVP_MD_CTX_free(context); }
};

Digester::Digester(DigestKind kind) : state_(std::make_unique<State>()) {
  state_->context = EVP_MD_CTX_new();
  const EVP_MD* const hash = kind == DigestKind::kSha512 ? EVP_sha512() : EVP_sha256();
  if (state_->context == nullptr || EVP_DigestInit_ex(state_->context, hash, nullptr) != 1) throw std::bad_alloc();
}

Digester::~Digester() = default;

void Digester::Update(std::string_view bytes) { EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()); }

std::string Digester::Finish() {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(state_->context, bytes, &size);
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

}  // namespace jzse::http

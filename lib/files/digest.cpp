// The low-level functions: EVP would pull megabytes of providers into a static executable.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "files/digest.hpp"

#include "files/source.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace files {

hasher::hasher() : state_(std::make_unique<SHA256state_st>()) { SHA256_Init(state_.get()); }
hasher::~hasher() = default;

void hasher::add(char const* data, std::size_t size) { SHA256_Update(state_.get(), data, size); }

std::string hasher::finish() {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256_Final(digest.data(), state_.get());
  constexpr std::string_view hex = "0123456789abcdef";
  std::string text;
  for (auto const byte : digest) text.append(1, hex[byte >> 4U]).append(1, hex[byte & 15U]);
  return text;
}

std::string sha256(std::string_view content) {
  hasher h;
  h.add(content.data(), content.size());
  return h.finish();
}

core::result<std::string> sha256_of_file(std::filesystem::path const& path) {
  TRY_ASSIGN(auto const source, open_file(path));
  TRY_ASSIGN(auto const summary, summarize(*source));
  return summary.sha256;
}

bool is_digest(std::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace files

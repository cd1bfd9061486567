#include "server/auth/session_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <bit>
#include <cstring>

#include "proto/naming/names.h"
#include "proto/wire/retry_info.h"

namespace varscope::server {
namespace {

static_assert(std::endian::native == std::endian::little);

// A key: the incarnation (8 bytes, little-endian), the nonce (8), the sharing (1), the code of all
// the rest, the worker's id.
constexpr size_t kNonceAt = sizeof(uint64_t);
constexpr size_t kHeadBytes = kNonceAt + sizeof(uint64_t) + 1;
constexpr size_t kCodeBytes = 32;

std::string Head(const Caller& caller) {
  std::string head(kHeadBytes, '\0');
  std::memcpy(head.data(), &caller.incarnation, sizeof(caller.incarnation));
  std::memcpy(head.data() + kNonceAt, &caller.nonce, sizeof(caller.nonce));
  head.back() = static_cast<char>(caller.sharing);
  return head;
}

std::string Code(const std::string& secret, const std::string& head, absl::string_view worker_id) {
  const std::string text = absl::StrCat(head, worker_id);
  std::string code(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(code.data()), &size);
  code.resize(size);
  return code;
}

}  // namespace

std::string SessionKeys::NewSecret(Env& env) {
  std::string secret(kSecretBytes, '\0');
  for (size_t at = 0; at < kSecretBytes; at += sizeof(uint64_t)) {
    const uint64_t random = env.Random64();
    std::memcpy(secret.data() + at, &random, sizeof(random));
  }
  return secret;
}

std::string SessionKeys::Make(const Caller& caller) const {
  const std::string head = Head(caller);
  return absl::StrCat(head, Code(secret_, head, caller.worker_id), caller.worker_id);
}

absl::StatusOr<Caller> SessionKeys::Identify(absl::string_view key) const {
  if (key.empty()) return Caller{};
  Caller caller;
  if (key.size() <= kHeadBytes + kCodeBytes) {
    return absl::UnauthenticatedError("what the call carries is no session key");
  }
  std::memcpy(&caller.incarnation, key.data(), sizeof(caller.incarnation));
  std::memcpy(&caller.nonce, key.data() + kNonceAt, sizeof(caller.nonce));
  caller.sharing = static_cast<Sharing>(key[kHeadBytes - 1]);
  caller.worker_id = std::string(key.substr(kHeadBytes + kCodeBytes));
  const std::string code = Code(secret_, Head(caller), caller.worker_id);
  if (code.size() == kCodeBytes &&
      CRYPTO_memcmp(code.data(), key.data() + kHeadBytes, kCodeBytes) == 0) {
    return caller;
  }
  return WithReconnect(
      absl::UnauthenticatedError(absl::StrCat(
          "worker '", Printable(caller.worker_id),
          "' is not connected: it never was, or the server lost its state in a restart "
          "(--data-dir keeps it)")),
      Reconnect::kThenReport);
}

uint64_t SessionKeys::store() const {
  // No key has this head: a sharing is 0 or 1.
  const std::string head(kHeadBytes, '\xff');
  uint64_t number = 0;
  std::memcpy(&number, Code(secret_, head, "store").data(), sizeof(number));
  return number | 1;
}

}  // namespace varscope::server

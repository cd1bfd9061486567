// Session keys: what a worker proves with who it is.
#ifndef VARSCOPE_SERVER_AUTH_SESSION_KEYS_H_
#define VARSCOPE_SERVER_AUTH_SESSION_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/auth/caller.h"
#include "server/env/env.h"

namespace varscope::server {

// A key has its caller in it, and a message authentication code (HMAC-SHA256, RFC 2104) of the
// server's secret. So nothing has to be kept for each, and a key of an incarnation that is over is
// still known for what it is: its worker is told why, and gets the answers that it has missed.
// Thread-safe.
class SessionKeys {
 public:
  static constexpr size_t kSecretBytes = 32;

  // With a new secret: no key from before will be known.
  explicit SessionKeys(Env& env = SystemEnv()) : SessionKeys(NewSecret(env)) {}
  explicit SessionKeys(std::string secret) : secret_(std::move(secret)) {}

  // From the system's source of randomness.
  static std::string NewSecret(Env& env = SystemEnv());

  // Of a caller that is a worker.
  std::string Make(const Caller& caller) const;
  // The caller that the key was made of; of no key at all, one that is no worker. Unauthenticated
  // for what is no key, and for what was made with another secret: then with the retry info to
  // connect and tell the program (proto/wire/retry_info.h).
  absl::StatusOr<Caller> Identify(absl::string_view key) const;

  // Another number for another secret, which tells nothing of it. Not 0. The store is where its
  // workers' keys are known.
  uint64_t store() const;

 private:
  std::string secret_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_AUTH_SESSION_KEYS_H_

// Who may do what: the one place where that is decided.
#ifndef VARSCOPE_SERVER_AUTH_RIGHTS_H_
#define VARSCOPE_SERVER_AUTH_RIGHTS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/auth/caller.h"

namespace varscope::server {

enum class Right : uint8_t {
  kConnect,  // have a session, and what comes with it: a lease, barriers
  kRead,     // see a variable and its value
  kCreate,   // create a variable
  kPush,     // train a variable
  kAssign,   // set a variable's value
  kAdmin,    // act on the whole server, and on others
};

// Whether the caller has that right on the variable `name`; empty: on the server.
// PermissionDenied names the caller, the right and the variable. Now everybody has every right: who
// reaches the server's address may use it. Thread-safe.
inline absl::Status Authorize(const Caller& /*caller*/, Right /*right*/,
                              absl::string_view /*name*/) {
  return absl::OkStatus();
}

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_AUTH_RIGHTS_H_

// Who calls.
#ifndef VARSCOPE_SERVER_AUTH_CALLER_H_
#define VARSCOPE_SERVER_AUTH_CALLER_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace varscope::server {

// Against what a worker's definitions are checked.
enum class Sharing : uint8_t {
  kGlobal = 0,      // what any worker created
  kReplicated = 1,  // its own graph, which has checked them already
};

// The transport makes it of the session key that a call or a stream carries. No message is believed
// about who sends it.
struct Caller {
  // Empty, and 0: the caller has no session. It is no worker and holds no lease; it may read.
  std::string worker_id = {};
  uint64_t incarnation = 0;
  Sharing sharing = Sharing::kGlobal;
  uint64_t nonce = 0;  // of its Connect
  // For Authorize. Nobody proves more than that he reaches the server.
  std::string principal = "anybody";
  // The address that he calls from, without the port; empty: it is not known.
  std::string peer = {};

  bool is_worker() const { return incarnation != 0; }
  // Under whom what he has waiting or idle counts (IdleMemory): a worker under its id, all others
  // of one address as one. No id has a blank.
  std::string holder() const { return is_worker() ? worker_id : absl::StrCat("calls from ", peer); }
};

// What a message about that caller begins with: "worker 'w': ", or nothing when it is no worker.
inline std::string Who(const Caller& caller) {
  return caller.worker_id.empty() ? "" : absl::StrCat("worker '", caller.worker_id, "': ");
}

// The same of what a worker does with a variable: "variable v, worker 'w': ".
inline std::string About(absl::string_view variable, absl::string_view worker_id) {
  if (worker_id.empty()) return absl::StrCat("variable ", variable, ": ");
  return absl::StrCat("variable ", variable, ", worker '", worker_id, "': ");
}

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_AUTH_CALLER_H_

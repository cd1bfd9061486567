// The name of a worker at its server.
#ifndef VARSCOPE_CLIENT_RPC_WORKER_ID_H_
#define VARSCOPE_CLIENT_RPC_WORKER_ID_H_

#include <string>

#include "varscope/connect_options.h"

namespace varscope::internal {

// The options' id; else the environment's VARSCOPE_WORKER; else host, process, a number and chance,
// because two containers may have one host name and the same processes. Of connections of this
// process that are open at the same time only one has the environment's id as it is: the others get
// "<id>-1", "<id>-2", ..., the first that is free, or they would fence each other off.
class WorkerId {
 public:
  // Throws ValueError for what is no worker id.
  explicit WorkerId(const ConnectOptions& options);
  ~WorkerId();
  WorkerId(const WorkerId&) = delete;
  WorkerId& operator=(const WorkerId&) = delete;

  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool from_environment_ = false;
};

// "unknown" when the system does not say.
std::string HostName();

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_WORKER_ID_H_

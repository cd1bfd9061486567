// Why a server cannot be reached, in words for the person who gave its address.
#ifndef VARSCOPE_CLIENT_RPC_REASON_H_
#define VARSCOPE_CLIENT_RPC_REASON_H_

#include <grpcpp/support/status.h>

#include <string>

namespace varscope::internal {

struct Reason {
  std::string text;  // one line, such as "connection refused: nothing listens there"
  // Whether a server that is started, or goes on, later would mend it.
  bool may_pass = true;
};

// Of a call that failed because of the network, from gRPC's text.
Reason ReasonOf(const grpc::Status& status);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_REASON_H_

// Why a server cannot be reached, in words for the person who gave its address.
#ifndef VARSCOPE_CLIENT_RPC_REASON_H_
#define VARSCOPE_CLIENT_RPC_REASON_H_

#include <grpcpp/support/status.h>

#include <string>

namespace varscope::internal {

struct Reason {
  std::string text;  // one line, such as "connection refused: nothing listens there"
  // Whether waiting may mend it: a server that starts, goes on or gets its name later does.
  bool may_pass = true;
};

// Of a call that ended so. What is not the network's is the server's own text.
Reason ReasonOf(const grpc::Status& status);

// Whether the reason cannot be that of a connection to `target`, so that it should be tried again.
// gRPC 1.51 reads errno some calls after connect(): with a host and a port it may be that of a file
// which says how many processors there are, where the machine has none (a chroot without /sys).
bool IsOfAnotherCall(const grpc::Status& status, const std::string& target);

// Whether the server's side of gRPC ended the call because its buffers are full (--memory-limit).
bool BuffersWereFull(const grpc::Status& status);

// Whether nobody answered, or not varscope's server.
bool NobodyAnswered(const grpc::Status& status);

// Whether the network failed, and the status is not the server's answer.
bool IsTheTransports(const grpc::Status& status);

// Throws the class of errors.h that fits. `call` and `target` tell what was tried when the failure
// is the network's rather than the server's answer.
void ThrowIfFailed(const grpc::Status& status, const char* call, const std::string& target);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_REASON_H_

// The list of variables, which comes in parts.
#ifndef VARSCOPE_CLIENT_RPC_LIST_VARIABLES_H_
#define VARSCOPE_CLIENT_RPC_LIST_VARIABLES_H_

#include <grpcpp/grpcpp.h>

#include <memory>

#include "varscope/v1/admin.grpc.pb.h"

namespace varscope::internal {

// One attempt; `all` is what all parts of the answer say together.
inline grpc::Status ListVariables(v1::Admin::Stub& stub, grpc::ClientContext& context,
                                  const v1::ListVariablesRequest& request,
                                  v1::ListVariablesResponse* all) {
  all->Clear();
  v1::ListVariablesResponse part;
  const std::unique_ptr<grpc::ClientReader<v1::ListVariablesResponse>> parts =
      stub.ListVariables(&context, request);
  while (parts->Read(&part)) all->MergeFrom(part);
  return parts->Finish();
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_LIST_VARIABLES_H_

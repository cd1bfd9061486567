// Lists, which come in parts.
#ifndef VARSCOPE_CLIENT_RPC_LIST_PARTS_H_
#define VARSCOPE_CLIENT_RPC_LIST_PARTS_H_

#include <grpcpp/grpcpp.h>

#include <memory>

#include "varscope/v1/admin.grpc.pb.h"

namespace varscope::internal {

// A method of Admin's stub that lists something.
template <typename Request, typename Response>
using List = std::unique_ptr<grpc::ClientReader<Response>> (v1::Admin::Stub::*)(
    grpc::ClientContext*, const Request&);

// One attempt; `all` is what all parts of the answer say together.
template <typename Request, typename Response>
grpc::Status ReadParts(v1::Admin::Stub& stub, List<Request, Response> list,
                       grpc::ClientContext& context, const Request& request, Response* all) {
  all->Clear();
  Response part;
  const std::unique_ptr<grpc::ClientReader<Response>> parts = (stub.*list)(&context, request);
  while (parts->Read(&part)) all->MergeFrom(part);
  return parts->Finish();
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_LIST_PARTS_H_

// Between the client's requests and the wire's messages.
#ifndef VARSCOPE_CLIENT_RPC_CONVERT_H_
#define VARSCOPE_CLIENT_RPC_CONVERT_H_

#include <vector>

#include "client/graph/remote_store.h"
#include "client/rpc/stream_variables.h"
#include "proto/wire/encoding.h"
#include "varscope/v1/tensor_stream.pb.h"
#include "varscope/v1/types.pb.h"
#include "varscope/v1/worker.pb.h"

namespace varscope::internal {

void ToProto(const Definition& definition, v1::VariableDefinition* out);
void ToProto(const OptimizerState& state, v1::OptimizerState* out);

// A push's tensors in the order in which they travel, and how each of its gradients does.
struct PushTensors {
  std::vector<Tensor> tensors;
  std::vector<wire::Encoding> encodings;
};
PushTensors TensorsOf(const PushRequest& request);
// Adds to `head` the push, but for who pushes, and the variables that the stream does not know yet.
void ToProto(const PushRequest& request, const PushTensors& tensors, StreamVariables& variables,
             v1::FrameHeader* head);
// Throws OpError when the answer makes no sense.
Resolved FromProto(const v1::Resolution& resolution);
ListedVariable FromProto(const v1::VariableInfo& info);
SyncGroup FromProto(const v1::SyncGroup& group);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_CONVERT_H_

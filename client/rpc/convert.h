// Between the client's requests and the wire's messages.
#ifndef VARSCOPE_CLIENT_RPC_CONVERT_H_
#define VARSCOPE_CLIENT_RPC_CONVERT_H_

#include <vector>

#include "client/graph/remote_store.h"
#include "varscope/v1/varscope.pb.h"

namespace varscope::internal {

void ToProto(const Definition& definition, v1::VariableDefinition* out);
void ToProto(const OptimizerState& state, v1::OptimizerState* out);
// The tensors of the push go to `tensors`, one for each TensorSpec of the head.
void ToProto(const PushRequest& request, v1::FrameHeader* head, std::vector<Tensor>* tensors);
// Throws OpError when the answer makes no sense.
Resolved FromProto(const v1::Resolution& resolution);
ListedVariable FromProto(const v1::VariableInfo& info);
SyncGroup FromProto(const v1::SyncGroup& group);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_CONVERT_H_

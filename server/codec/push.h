// Pushes and their answers to and from messages.
#ifndef VARSCOPE_SERVER_CODEC_PUSH_H_
#define VARSCOPE_SERVER_CODEC_PUSH_H_

#include <vector>

#include "absl/status/statusor.h"
#include "proto/core/definer.h"
#include "server/store/push.h"
#include "varscope/v1/varscope.pb.h"

namespace varscope::server::codec {

// `tensors` are the push's, by index; all indices must be in range (rpc checks them). `worker` is
// who defines new slots. InvalidArgument for an assignment of unknown kind.
absl::StatusOr<Push> FromProto(const v1::PushHead& head, const std::vector<Tensor>& tensors,
                               const Definer& worker);

// The tensors go to `tensors`, one for each TensorSpec of `specs`.
void ToProto(const Push& push, v1::PushHead* head,
             google::protobuf::RepeatedPtrField<v1::TensorSpec>* specs,
             std::vector<Tensor>* tensors);

// `worker`, at the place in its program that `where` names.
Definer DefinerAt(const v1::Definer& where, Definer worker);

void ToProto(const Applied& applied, v1::PushResponse* out);
Applied FromProto(const v1::PushResponse& response);

}  // namespace varscope::server::codec

#endif  // VARSCOPE_SERVER_CODEC_PUSH_H_

// The first stage of a push: from the head that a worker sends.
#ifndef VARSCOPE_SERVER_PUSH_RESOLVE_H_
#define VARSCOPE_SERVER_PUSH_RESOLVE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/naming/creator.h"
#include "proto/wire/frame_reader.h"
#include "server/push/push.h"
#include "server/push/stream_variables.h"
#include "varscope/v1/tensor_stream.pb.h"
#include "varscope/v1/types.pb.h"

namespace varscope::server {

// Everything that can be told of a push before a byte of its tensors is read or memory is taken for
// them. Its numbers are those of `variables`; `worker` is the caller as
// the creator of new slots. Adds to `tensors`
// what the push sends, in the order in which it comes. InvalidArgument for a number that the stream
// has not given, an unknown optimizer or assignment, columns of different lengths;
// ResourceExhausted for more than `max_bytes` of tensors; PermissionDenied
// as Authorize. Each names the variable, and the worker.
// Thread-safe.
absl::StatusOr<ResolvedPush> Resolve(const StreamVariables& variables, const v1::PushHead& push,
                                     const Caller& caller, const Creator& worker,
                                     uint64_t max_bytes,
                                     std::vector<wire::IncomingTensor>& tensors);

// What the stages take for that push beside its tensors, at most, about: a few bytes of a head
// stand for much more there. To be reserved before Resolve.
uint64_t MemoryOfPush(const StreamVariables& variables, const v1::PushHead& push);

// `worker`, at the place in its program that `where` names.
Creator CreatorAt(const v1::Creator& where, Creator worker);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_PUSH_RESOLVE_H_

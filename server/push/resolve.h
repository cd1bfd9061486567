// The first stage of a push: from the head that a worker sends.
#ifndef VARSCOPE_SERVER_PUSH_RESOLVE_H_
#define VARSCOPE_SERVER_PUSH_RESOLVE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "proto/core/definer.h"
#include "server/push/push.h"
#include "varscope/v1/varscope.pb.h"

namespace varscope::server {

// Everything that can be told of a push before a byte of its tensors is read or memory is taken for
// them. Each name is looked up here, once. `head` has a push; `worker` is who defines new slots.
// NotFound for an unknown variable; InvalidArgument for a tensor that the head does not announce, a
// dtype or shape that does not fit, an unknown optimizer or assignment, names that
// are no slots' names; ResourceExhausted for more than `max_bytes` of tensors. Each names the
// variable, and the worker. Thread-safe.
absl::StatusOr<ResolvedPush> Resolve(const Store& store, const v1::FrameHeader& head,
                                     const Definer& worker, uint64_t max_bytes);

// `worker`, at the place in its program that `where` names.
Definer DefinerAt(const v1::Definer& where, Definer worker);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_PUSH_RESOLVE_H_

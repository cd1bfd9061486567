// The right that each call needs.
#ifndef VARSCOPE_SERVER_RPC_METHOD_RIGHTS_H_
#define VARSCOPE_SERVER_RPC_METHOD_RIGHTS_H_

#include "server/auth/rights.h"
#include "varscope/v1/admin.pb.h"
#include "varscope/v1/worker.pb.h"

namespace varscope::server {

// On the server, by the call's request; a call that is not in this table does not compile. Where a
// request names variables, rights on those are asked for as well, where the names become variables:
// catalog/resolve.cc, push/resolve.cc, resolved_pull.cc, admin.cc.
template <typename Request>
struct MethodRight;
template <Right right>
struct Needs {
  static constexpr Right kRight = right;
};

// clang-format off
template <> struct MethodRight<v1::ConnectRequest> : Needs<Right::kConnect> {};
template <> struct MethodRight<v1::ResolveRequest> : Needs<Right::kConnect> {};
template <> struct MethodRight<v1::TensorFrame> : Needs<Right::kConnect> {};  // Exchange
template <> struct MethodRight<v1::BarrierRequest> : Needs<Right::kConnect> {};
template <> struct MethodRight<v1::HeartbeatRequest> : Needs<Right::kConnect> {};
template <> struct MethodRight<v1::DisconnectRequest> : Needs<Right::kConnect> {};
template <> struct MethodRight<v1::ListVariablesRequest> : Needs<Right::kConnect> {};
template <> struct MethodRight<v1::DescribeVariableRequest> : Needs<Right::kConnect> {};
template <> struct MethodRight<v1::TakeSnapshotRequest> : Needs<Right::kAdmin> {};
template <> struct MethodRight<v1::ListSnapshotsRequest> : Needs<Right::kAdmin> {};
template <> struct MethodRight<v1::RollbackRequest> : Needs<Right::kAdmin> {};
template <> struct MethodRight<v1::ListWorkersRequest> : Needs<Right::kAdmin> {};
template <> struct MethodRight<v1::ListGroupsRequest> : Needs<Right::kAdmin> {};
template <> struct MethodRight<v1::QuarantineRequest> : Needs<Right::kAdmin> {};
// clang-format on

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_METHOD_RIGHTS_H_

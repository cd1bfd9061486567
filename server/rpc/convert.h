// Between wire messages and the store's requests and results.
#ifndef VARSCOPE_SERVER_RPC_CONVERT_H_
#define VARSCOPE_SERVER_RPC_CONVERT_H_

#include "absl/status/statusor.h"
#include "server/catalog/resolve.h"
#include "server/membership/workers.h"
#include "server/store/push_result.h"
#include "server/store/variable.h"
#include "server/sync/durability.h"
#include "server/sync/synchronizer.h"
#include "varscope/v1/admin.pb.h"
#include "varscope/v1/tensor_stream.pb.h"
#include "varscope/v1/types.pb.h"
#include "varscope/v1/worker.pb.h"

namespace varscope::server {

// Without the creator: who that is, the worker does not say.
absl::StatusOr<ResolveRequest> FromProto(const v1::VariableDefinition& definition);
void ToProto(const Resolution& resolution, v1::Resolution* out);
void ToProto(Variable& variable, v1::VariableInfo* out);
void ToProto(const SnapshotInfo& info, v1::ListSnapshotsResponse::Snapshot* out);
void ToProto(const WorkerStatus& worker, v1::WorkerInfo* out);
void ToProto(const GroupStatus& group, v1::SyncGroup* out);
void ToProto(const GroupStatus& group, v1::GroupInfo* out);

// What each takes of an answer, as a message and as bytes: not less.
uint64_t AnswerBytesOf(const Variable& variable);
uint64_t AnswerBytesOf(const Resolution& resolution);
uint64_t AnswerBytesOf(const SnapshotInfo& info);
uint64_t AnswerBytesOf(const GroupStatus& group);

// Without the durability level.
void ToProto(const PushResult& result, v1::PushResponse* out);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_CONVERT_H_

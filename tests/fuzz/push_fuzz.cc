// Fuzzes a whole request: a push's head against a store with a variable of every dtype, then its
// application, alone and merged with another worker's that is the same; a pull's head, and then the
// pull. The input is a FrameHeader; the bytes of each tensor are those of the worker's id, over and
// over.

#include <cstring>

#include "absl/status/statusor.h"
#include "proto/tensor/rows.h"
#include "server/push/commit.h"
#include "server/push/resolve.h"
#include "server/push/validate.h"
#include "server/rpc/resolved_pull.h"
#include "server/store/read.h"
#include "server/store/store.h"
#include "server/sync/aggregate.h"
#include "varscope/v1/tensor_stream.pb.h"

namespace varscope::server {
namespace {

constexpr uint64_t kMaxBytes = 1 << 16;

ResolveRequest Get(const std::string& key, Shape shape, DType dtype) {
  ResolveRequest request;
  request.request = {key, dtype, std::move(shape), Reuse::kAuto, std::nullopt};
  request.name = key;
  request.initializer = InitializerSpec{.kind = "ones"};
  return request;
}

void FillStore(Store& store) {
  const Caller caller{"w", 1};
  for (const auto& [key, shape, dtype] :
       {std::tuple{"w", Shape{2, 3}, DType::kFloat32}, std::tuple{"d", Shape{4}, DType::kFloat64},
        std::tuple{"i", Shape{}, DType::kInt64}, std::tuple{"b", Shape{2}, DType::kBool}}) {
    if (!store.catalog.Resolve(caller, Get(key, shape, dtype)).ok()) abort();
  }
  // By their dtypes' names.
  for (const DTypeInfo& info : kDTypes) {
    if (!store.catalog.Resolve(caller, Get(info.name, Shape{4, 2}, info.dtype)).ok()) abort();
  }
}

// As a frame's reader would have made it, of the given bytes over and over.
Tensor TensorOf(const wire::IncomingTensor& incoming, const std::string& pattern) {
  Tensor tensor(incoming.dtype, incoming.shape);
  std::memset(tensor.mutable_raw(), 0, tensor.byte_size());
  auto* const bytes = reinterpret_cast<uint8_t*>(tensor.mutable_raw());
  for (size_t i = 0; i < tensor.byte_size() && !pattern.empty(); ++i) {
    bytes[i] = static_cast<uint8_t>(pattern[i % pattern.size()]);
    if (incoming.dtype == DType::kBool) bytes[i] &= 1;
  }
  return tensor;
}

// Any bytes that the input has.
std::string PatternOf(const v1::FrameHeader& head) { return head.error().message(); }

absl::StatusOr<ValidPush> ValidateHead(const Store& store, const v1::FrameHeader& head,
                                       const Caller& caller, const std::string& pattern) {
  StreamVariables variables;
  absl::Status status = variables.Add(store.catalog, head.variables(), caller);
  if (!status.ok()) return status;
  std::vector<wire::IncomingTensor> incoming;
  absl::StatusOr<ResolvedPush> push =
      Resolve(variables, head.push(), caller, Creator{.worker_id = "w"}, kMaxBytes, incoming);
  if (!push.ok()) return push.status();
  std::vector<Tensor> tensors;
  for (const wire::IncomingTensor& tensor : incoming) tensors.push_back(TensorOf(tensor, pattern));
  return Validate(*std::move(push), std::move(tensors), /*verified_finite=*/false, {});
}

// What a bsp group does with the pushes of two workers.
void ApplyMerged(Store& store, const v1::FrameHeader& given) {
  std::vector<ValidPush> pushes;
  CompletionRecords::InFlightPush in_flight_push(store.completion_records, {});
  for (const char* worker : {"a", "b"}) {
    v1::FrameHeader head = given;
    head.mutable_push()->set_sequence(1);
    absl::StatusOr<ValidPush> push = ValidateHead(store, head, {worker, 1}, PatternOf(given));
    if (!push.ok()) return;
    pushes.push_back(*std::move(push));
    in_flight_push.Merge(*store.completion_records.Begin(pushes.back().contents().id));
  }
  const auto aggregation = static_cast<Aggregation>(given.push().sequence() % 4);
  absl::StatusOr<ValidPush> merged =
      Aggregate(std::move(pushes), "group", aggregation, /*byzantine=*/1);
  if (merged.ok()) (void)Apply(store, *std::move(merged), std::move(in_flight_push));
}

absl::Status ApplyHead(Store& store, const v1::FrameHeader& head) {
  absl::StatusOr<ValidPush> push = ValidateHead(store, head, {"w", 1}, PatternOf(head));
  if (!push.ok()) return push.status();
  ApplyMerged(store, head);
  absl::StatusOr<CompletionRecords::InFlightPush> in_flight_push =
      store.completion_records.Begin(push->contents().id);
  if (!in_flight_push.ok()) return in_flight_push.status();
  return Apply(store, *std::move(push), *std::move(in_flight_push)).status();
}

absl::Status PullHead(Store& store, const v1::FrameHeader& head) {
  StreamVariables variables;
  absl::Status status = variables.Add(store.catalog, head.variables(), {"w", 1});
  if (!status.ok()) return status;
  std::vector<wire::IncomingTensor> incoming;
  const absl::StatusOr<ResolvedPull> resolved =
      ResolvePull(variables, head.pull(), {"w", 1}, incoming);
  if (!resolved.ok()) return resolved.status();
  std::vector<ReadIndices> rows;
  for (const ResolvedPull::Item& item : resolved->items) {
    rows.emplace_back();
    if (!item.indices) continue;
    rows.back() = *ToIndices(TensorOf(incoming[*item.indices], PatternOf(head)));
    if (rows.back()->size() > 4) abort();  // no variable has more rows
  }
  return ReadTogether(resolved->variables, rows).status();
}

}  // namespace
}  // namespace varscope::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varscope::server;
  varscope::v1::FrameHeader head;
  if (!head.ParseFromArray(data, static_cast<int>(size))) return 0;
  Store store({1 << 20, 1 << 20});
  FillStore(store);
  (void)ApplyHead(store, head);
  if (!head.has_push()) (void)PullHead(store, head);
  return 0;
}

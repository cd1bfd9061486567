// Fuzzes a whole request: a push's head against a store with a variable of every dtype, then its
// application, alone and merged with another worker's that is the same; a pull's head, and then the
// pull. The input is a FrameHeader; the bytes of each tensor are those of its name, over and over.

#include <cstring>

#include "absl/status/statusor.h"
#include "proto/core/rows.h"
#include "proto/wire/convert.h"
#include "server/codec/push.h"
#include "server/rpc/convert.h"
#include "server/store/apply.h"
#include "server/store/check.h"
#include "server/sync/aggregate.h"
#include "varscope/v1/varscope.pb.h"

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
  const Asker asker{"w", 1, Sharing::kGlobal};
  for (const auto& [key, shape, dtype] :
       {std::tuple{"w", Shape{2, 3}, DType::kFloat32}, std::tuple{"d", Shape{4}, DType::kFloat64},
        std::tuple{"i", Shape{}, DType::kInt64}, std::tuple{"b", Shape{2}, DType::kBool}}) {
    if (!store.Resolve(asker, Get(key, shape, dtype)).ok()) abort();
  }
  // By their dtypes' names.
  for (int number = 1; number <= 6; ++number) {
    const auto dtype = static_cast<DType>(number);
    const std::string name(Name(dtype));
    if (!store.Resolve(asker, Get(name, Shape{4, 2}, dtype)).ok()) abort();
  }
}

// As a frame's reader would have made it.
Tensor TensorOf(const v1::TensorSpec& spec) {
  const absl::StatusOr<DType> dtype = wire::FromProto(spec.dtype());
  const absl::StatusOr<Shape> shape = wire::FromProto(spec.shape());
  if (!dtype.ok() || !shape.ok()) abort();  // CheckPushHead lets no such spec pass
  Tensor tensor(*dtype, *shape);
  std::memset(tensor.mutable_raw(), 0, tensor.byte_size());
  auto* const bytes = reinterpret_cast<uint8_t*>(tensor.mutable_raw());
  for (size_t i = 0; i < tensor.byte_size() && !spec.name().empty(); ++i) {
    bytes[i] = static_cast<uint8_t>(spec.name()[i % spec.name().size()]);
    if (*dtype == DType::kBool) bytes[i] &= 1;
  }
  return tensor;
}

// What a bsp group does with the pushes of two workers.
void ApplyMerged(Store& store, const Push& push) {
  std::vector<Push> pushes(2, push);
  std::vector<Ledger::Admission> admissions;
  for (uint64_t i = 0; i < pushes.size(); ++i) {
    pushes[i].id = {std::string(1, static_cast<char>('a' + i)), 1, 1};
    if (!Check(store, pushes[i]).ok()) return;
    admissions.push_back(*store.ledger().Begin(pushes[i].id));
  }
  const auto aggregation = static_cast<Aggregation>(push.id.sequence % 4);
  const Push merged = Aggregate(std::move(pushes), aggregation, /*faulty=*/1).value();
  (void)ApplyChecked(store, merged, std::move(admissions));
}

absl::Status ApplyHead(Store& store, const v1::FrameHeader& head) {
  const absl::StatusOr<uint64_t> bytes = CheckPushHead(store, head, kMaxBytes);
  if (!bytes.ok()) return bytes.status();
  std::vector<Tensor> tensors;
  for (const v1::TensorSpec& spec : head.tensors()) tensors.push_back(TensorOf(spec));
  absl::StatusOr<Push> push = codec::FromProto(head.push(), tensors, Definer{.worker_id = "w"});
  if (!push.ok()) return push.status();
  ApplyMerged(store, *push);
  return Apply(store, *std::move(push)).status();
}

absl::Status PullHead(Store& store, const v1::FrameHeader& head) {
  const absl::StatusOr<uint64_t> bytes = CheckRowsHead(store, head);
  if (!bytes.ok()) return bytes.status();
  std::vector<std::string> names;
  std::vector<WantedRows> rows;
  for (const v1::PullRequest::Want& want : head.pull().wants()) {
    names.push_back(want.name());
    rows.emplace_back();
    if (!want.has_rows()) continue;
    const absl::StatusOr<std::vector<int64_t>> numbers =
        RowNumbers(TensorOf(head.tensors(static_cast<int>(want.rows()))));
    if (!numbers.ok() || numbers->size() > 4) abort();  // no variable has more rows
    rows.back() = *numbers;
  }
  return store.Pull(names, rows).status();
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

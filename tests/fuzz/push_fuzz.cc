// Fuzzes a whole request: a push's head against a store, then its application; a pull's head, and
// then the pull. The input is a FrameHeader; its tensors are made of zeros, row numbers count from
// -1, whatever it says of them.

#include <cstring>

#include "absl/status/statusor.h"
#include "proto/wire/convert.h"
#include "server/codec/push.h"
#include "server/rpc/convert.h"
#include "server/store/apply.h"
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
}

absl::Status ApplyHead(Store& store, const v1::FrameHeader& head) {
  const absl::StatusOr<uint64_t> bytes = CheckPushHead(store, head, kMaxBytes);
  if (!bytes.ok()) return bytes.status();
  std::vector<Tensor> tensors;
  for (const v1::TensorSpec& spec : head.tensors()) {
    const absl::StatusOr<DType> dtype = wire::FromProto(spec.dtype());
    const absl::StatusOr<Shape> shape = wire::FromProto(spec.shape());
    if (!dtype.ok() || !shape.ok()) abort();  // CheckPushHead lets no such spec pass
    Tensor tensor(*dtype, *shape);
    std::memset(tensor.mutable_raw(), 0, tensor.byte_size());
    tensors.push_back(std::move(tensor));
  }
  absl::StatusOr<Push> push = codec::FromProto(head.push(), tensors, Definer{.worker_id = "w"});
  if (!push.ok()) return push.status();
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
    const absl::StatusOr<Shape> shape =
        wire::FromProto(head.tensors(static_cast<int>(want.rows())).shape());
    if (!shape.ok() || shape->num_elements() > 4) abort();  // no variable has more rows
    rows.back().emplace();
    for (int64_t i = 0; i < shape->num_elements(); ++i) rows.back()->push_back(i - 1);
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

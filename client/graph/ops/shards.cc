#include "client/graph/ops/shards.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/handles.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/value_families.h"
#include "client/kernels/kernels.h"
#include "varscope/nn.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

absl::Status CheckIds(const InferContext& c, int i) {
  if (IsIndex(c.dtype(i))) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("ids have the dtype ", Name(c.dtype(i)), ", expected int32 or int64"));
}

// (ids, shards...): the shards are there only where their rows are not known.
Specs IdsOfShardsShape(const InferContext& c) {
  if (absl::Status s = CheckIds(c, 0); !s.ok()) return s;
  for (int i = 1; i < c.count(); ++i) {
    if (c.shape(i).known_rank() && c.shape(i).rank() == 0) {
      return absl::InvalidArgumentError("a shard must have at least one dimension");
    }
  }
  return std::vector<OutputSpec>(2 * c.attrs.integer("num"),
                                 {c.dtype(0), Shape{Shape::kUnknownDim}});
}

// (ids, places..., rows...): the rows of all shards, in the order and the shape of the ids.
Specs JoinRowsShape(const InferContext& c) {
  const int shards = (c.count() - 1) / 2;
  if (absl::Status s = CheckIds(c, 0); !s.ok()) return s;
  Shape row = Shape::Unknown();
  for (int i = 1; i <= shards; ++i) {
    if (absl::Status s = CheckIds(c, i); !s.ok()) return s;
    if (absl::Status s = CheckSameDType(c, 1 + shards, i + shards); !s.ok()) return s;
    const Shape& rows = c.shape(i + shards);
    if (!rows.known_rank()) continue;
    if (rows.rank() == 0) return absl::InvalidArgumentError("a scalar has no rows");
    const Shape& places = c.shape(i);
    if (places.IsFullyDefined() && rows.dim(0) >= 0 && Count(places) != rows.dim(0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("there are ", rows.dim(0), " rows for ", Count(places), " places"));
    }
    absl::StatusOr<Shape> merged = Merge(row, Shape({rows.dims().begin() + 1, rows.dims().end()}));
    if (!merged.ok()) return merged.status();
    row = *std::move(merged);
  }
  const DType dtype = c.dtype(1 + shards);
  if (!row.known_rank() || !c.shape(0).known_rank()) {
    return std::vector<OutputSpec>{{dtype, Shape::Unknown()}};
  }
  std::vector<int64_t> dims = c.shape(0).dims();
  dims.insert(dims.end(), row.dims().begin(), row.dims().end());
  return std::vector<OutputSpec>{{dtype, Shape(std::move(dims))}};
}

// Each shard's rows have those of dy at their places.
std::vector<Gradient> JoinRowsGrad(const GradContext& c) {
  const size_t shards = (c.node.inputs.size() - 1) / 2;
  std::vector<Gradient> grads(c.node.inputs.size());
  const Shape& rows = Wrap(c.node.inputs[1 + shards]).shape();
  Attrs attrs;
  std::vector<Output> inputs = {c.dy()};
  if (rows.known_rank() && Shape({rows.dims().begin() + 1, rows.dims().end()}).IsFullyDefined()) {
    attrs.Set("shape", rows);
  } else {
    inputs.push_back(c.x(static_cast<int>(1 + shards)));
  }
  const Output flat = MakeOp("RowsLike", "Reshape", inputs, attrs);
  for (size_t i = 0; i < shards; ++i) {
    grads[1 + shards + i] = Dense(gather(flat, c.x(static_cast<int>(1 + i))));
  }
  return grads;
}

// The rows of each, as far as all are known.
std::vector<int64_t> KnownCounts(const std::vector<Output>& shards) {
  std::vector<int64_t> counts;
  counts.reserve(shards.size());
  for (const Output& shard : shards) {
    const Shape& shape = shard.shape();
    if (!shape.known_rank() || shape.rank() == 0 || shape.dim(0) < 0) return {};
    counts.push_back(shape.dim(0));
  }
  return counts;
}

}  // namespace

IdsByShard SplitIds(const Output& ids, const std::vector<Output>& shards,
                    const std::string& strategy) {
  const auto n = static_cast<int>(shards.size());
  Attrs attrs = {{"strategy", strategy}, {"num", int64_t{n}}};
  std::vector<Output> inputs = {ids};
  if (std::vector<int64_t> counts = KnownCounts(shards); !counts.empty()) {
    attrs.Set("rows", std::move(counts));
  } else {
    inputs.insert(inputs.end(), shards.begin(), shards.end());
  }
  Node* const node = Unwrap(MakeOp("IdsOfShards", "IdsOfShards", inputs, std::move(attrs))).node;
  IdsByShard split;
  split.rows.reserve(n);
  split.places.reserve(n);
  for (int i = 0; i < n; ++i) {
    split.rows.push_back(Wrap(NodeOutput{node, i}));
    split.places.push_back(Wrap(NodeOutput{node, n + i}));
  }
  return split;
}

std::vector<OpDef> ShardOps() {
  return {
      {.name = "IdsOfShards",
       .infer = IdsOfShardsShape,
       .kernel = kernels::IdsOfShards,
       .gradient = NotDifferentiable,
       .finds_shapes = true},
      {.name = "JoinRowsOfShards",
       .infer = JoinRowsShape,
       .kernel = kernels::JoinRowsOfShards,
       .gradient = JoinRowsGrad},
  };
}

namespace {

Output LookUpInShards(const std::vector<Input>& params, const Input& ids, const std::string& name,
                      const std::string& strategy) {
  if (params.empty()) throw ValueError("Need at least one param");
  const auto symbolic = std::find_if(params.begin(), params.end(),
                                     [](const Input& shard) { return shard.output() != nullptr; });
  const Input& of = symbolic == params.end() ? params.front() : *symbolic;
  const FunctionScope scope(name, "embedding_lookup", {&of, &ids});
  if (params.size() == 1) return identity(gather(params[0], ids), "Identity");
  if (strategy != "mod" && strategy != "div") {
    throw ValueError(absl::StrCat("Unrecognized partition strategy: ", strategy));
  }
  std::vector<Output> shards;
  shards.reserve(params.size());
  for (const Input& shard : params) {
    shards.push_back(ToOutput(shard, absl::StrCat("params_", shards.size())));
  }
  const Output all = ToOutput(ids, "ids");
  const IdsByShard split = SplitIds(all, shards, strategy);
  std::vector<Output> inputs = {all};
  inputs.insert(inputs.end(), split.places.begin(), split.places.end());
  for (size_t i = 0; i < shards.size(); ++i) inputs.push_back(gather(shards[i], split.rows[i]));
  return MakeOp("JoinRowsOfShards", scope.name(), inputs);
}

}  // namespace
}  // namespace internal

Output nn::embedding_lookup(const Input& params, const Input& ids, const std::string& name,
                            const std::string& partition_strategy) {
  return internal::LookUpInShards({params}, ids, name, partition_strategy);
}

Output nn::embedding_lookup(const std::vector<Input>& params, const Input& ids,
                            const std::string& name, const std::string& partition_strategy) {
  return internal::LookUpInShards(params, ids, name, partition_strategy);
}

Output nn::embedding_lookup(const Variable& params, const Input& ids, const std::string& name,
                            const std::string& partition_strategy) {
  const internal::VariableState& state = *internal::Unwrap(params);
  for (size_t i = 1; i < state.partitions.size(); ++i) {
    if (state.partitions[i] < 2) continue;
    throw ValueError(absl::StrCat("embedding_lookup: '", state.name, "' is partitioned along ",
                                  "dimension ", i, ", so that no part has whole rows; use gather"));
  }
  std::vector<Input> parts;
  for (const Variable& part : params.parts()) parts.emplace_back(part);
  return internal::LookUpInShards(parts, ids, name, partition_strategy);
}

}  // namespace varscope

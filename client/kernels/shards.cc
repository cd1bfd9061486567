// Where the rows of a table are that is kept in several tensors.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/kernels/kernels.h"
#include "proto/tensor/rows.h"

namespace varscope::internal::kernels {
namespace {

struct ShardRow {
  size_t shard;
  int64_t row;
};

// `counts`: the rows of each shard; empty where nobody needs to know.
class ShardMap {
 public:
  ShardMap(const std::string& strategy, size_t shards, std::vector<int64_t> counts)
      : shards_(static_cast<int64_t>(shards)),
        counts_(std::move(counts)),
        mod_(strategy == "mod"),
        div_(strategy == "div") {
    for (const int64_t count : counts_) ends_.push_back(total_ += count);
    least_ = total_ / shards_;
    larger_ = total_ % shards_;
  }

  // InvalidArgument, with the id's place, for a row that no shard has.
  absl::StatusOr<ShardRow> Find(int64_t place, int64_t id) const {
    if (id < 0 || (!mod_ && id >= total_)) return Outside(place, id);
    const ShardRow found = mod_ ? Mod(id) : div_ ? Div(id) : Joined(id);
    if (counts_.empty() || found.row < counts_[found.shard]) return found;
    if (id >= total_) return Outside(place, id);
    return absl::InvalidArgumentError(absl::StrCat(
        "indices[", place, "] = ", id, " is row ", found.row, " of the ", found.shard + 1, ". of ",
        shards_, " shards, which has ", counts_[found.shard], " rows"));
  }

 private:
  ShardRow Mod(int64_t id) const { return {static_cast<size_t>(id % shards_), id / shards_}; }
  // The first `larger_` shards have one row more than the others.
  ShardRow Div(int64_t id) const {
    const int64_t in_larger = larger_ * (least_ + 1);
    const int64_t width = id < in_larger ? least_ + 1 : least_;
    const int64_t from = id < in_larger ? id : id - larger_;
    return {static_cast<size_t>(from / width), from % width};
  }
  ShardRow Joined(int64_t id) const {
    const auto end = std::upper_bound(ends_.begin(), ends_.end(), id);
    const auto shard = static_cast<size_t>(end - ends_.begin());
    return {shard, id - (shard == 0 ? 0 : ends_[shard - 1])};
  }
  absl::Status Outside(int64_t place, int64_t id) const {
    const std::string range =
        counts_.empty() ? " is negative" : absl::StrCat(" is not in [0, ", total_, ")");
    return absl::InvalidArgumentError(absl::StrCat("indices[", place, "] = ", id, range));
  }

  const int64_t shards_;
  const std::vector<int64_t> counts_;
  const bool mod_;
  const bool div_;
  std::vector<int64_t> ends_;
  int64_t total_ = 0;
  int64_t least_ = 0;
  int64_t larger_ = 0;
};

std::vector<int64_t> CountsOf(KernelContext& ctx) {
  if (ctx.attrs.has("rows")) return ctx.attrs.list("rows");
  std::vector<int64_t> counts;
  counts.reserve(ctx.num_inputs());
  for (int i = 1; i < ctx.num_inputs(); ++i) counts.push_back(ctx.in_shape(i).dim(0));
  return counts;
}

Tensor AsIndices(DType dtype, const std::vector<int64_t>& numbers) {
  const Shape shape{static_cast<int64_t>(numbers.size())};
  if (dtype == DType::kInt64) return Tensor::Of<int64_t>(shape, numbers);
  Tensor out(dtype, shape);
  std::transform(numbers.begin(), numbers.end(), out.mutable_data<int32_t>(),
                 [](int64_t number) { return static_cast<int32_t>(number); });
  return out;
}

}  // namespace

absl::Status IdsOfShards(KernelContext& ctx) {
  const absl::StatusOr<std::vector<int64_t>> ids = ToIndices(ctx.in(0));
  if (!ids.ok()) return ids.status();
  const auto shards = static_cast<size_t>(ctx.num_outputs()) / 2;
  const ShardMap map(ctx.attrs.text("strategy"), shards, CountsOf(ctx));
  std::vector<std::vector<int64_t>> rows(shards);
  std::vector<std::vector<int64_t>> places(shards);
  for (size_t i = 0; i < ids->size(); ++i) {
    const auto place = static_cast<int64_t>(i);
    const absl::StatusOr<ShardRow> found = map.Find(place, (*ids)[i]);
    if (!found.ok()) return found.status();
    rows[found->shard].push_back(found->row);
    places[found->shard].push_back(place);
  }
  for (size_t shard = 0; shard < shards; ++shard) {
    ctx.Find(static_cast<int>(shard), AsIndices(ctx.dtype(), rows[shard]));
    ctx.Find(static_cast<int>(shards + shard), AsIndices(ctx.dtype(), places[shard]));
  }
  return absl::OkStatus();
}

absl::Status JoinRowsOfShards(KernelContext& ctx) {
  const int shards = (ctx.num_inputs() - 1) / 2;
  const int64_t count = ctx.in_shape(0).num_elements();
  Tensor& out = ctx.Allocate();
  // Places that the program feeds may leave some out.
  std::memset(out.mutable_raw(), 0, out.byte_size());
  const size_t width = count == 0 ? 0 : out.byte_size() / count;
  for (int shard = 0; shard < shards; ++shard) {
    const absl::StatusOr<std::vector<int64_t>> places = RowsBelow(ctx.in(1 + shard), count);
    if (!places.ok()) return places.status();
    const Tensor& rows = ctx.in(1 + shards + shard);
    for (size_t i = 0; i < places->size(); ++i) {
      std::memcpy(out.mutable_raw() + (*places)[i] * width, rows.raw() + i * width, width);
    }
  }
  return absl::OkStatus();
}

}  // namespace varscope::internal::kernels

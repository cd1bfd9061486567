// Lists of tensors in the bytes of one: each tensor's elements, its dimensions, and what is needed
// to find both from the end.
#include "client/kernels/list.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/kernels/kernels.h"
#include "proto/tensor/elements.h"
#include "proto/tensor/shape_rules.h"

namespace varscope::internal::kernels {
namespace {

struct Trailer {
  uint64_t bytes;
  uint32_t dtype;  // 0: the tensor is a list itself
  uint32_t rank;
};

size_t EntrySize(const Tensor& x) {
  return x.byte_size() + x.shape().dims().size() * sizeof(int64_t) + sizeof(Trailer);
}

std::byte* Append(std::byte* at, const Tensor& x, bool list) {
  std::memcpy(at, x.raw(), x.byte_size());
  at += x.byte_size();
  const Dims& dims = x.shape().dims();
  if (!dims.empty()) std::memcpy(at, dims.data(), dims.size() * sizeof(int64_t));
  at += dims.size() * sizeof(int64_t);
  const Trailer trailer{x.byte_size(), list ? 0 : static_cast<uint32_t>(x.dtype()),
                        static_cast<uint32_t>(dims.size())};
  std::memcpy(at, &trailer, sizeof(trailer));
  return at + sizeof(trailer);
}

// One tensor of a list.
struct Entry {
  DType dtype;
  Shape shape;
  const std::byte* elements;
  size_t bytes;
  size_t begin;  // of the entry in the list
};

// The last tensor in the first `end` bytes. InvalidArgument for bytes that no list has: a program
// may feed any.
absl::StatusOr<Entry> LastBefore(const Tensor& list, size_t end) {
  if (end == 0) return absl::InvalidArgumentError("the list of tensors is empty");
  const absl::Status broken = absl::InvalidArgumentError(
      absl::StrCat("the ", list.byte_size(), " bytes of a list are no list of tensors"));
  if (end < sizeof(Trailer)) return broken;
  size_t begin = end - sizeof(Trailer);
  Trailer trailer;
  std::memcpy(&trailer, list.raw() + begin, sizeof(trailer));
  if (trailer.rank > Shape::kMaxRank || trailer.rank * sizeof(int64_t) > begin) return broken;
  begin -= trailer.rank * sizeof(int64_t);
  std::vector<int64_t> dims(trailer.rank);
  if (!dims.empty()) std::memcpy(dims.data(), list.raw() + begin, dims.size() * sizeof(int64_t));
  const auto dtype = static_cast<DType>(trailer.dtype);
  const bool of_lists = trailer.dtype == 0;
  if (!of_lists && (trailer.dtype > UINT8_MAX || !IsDType(dtype))) return broken;
  Shape shape(std::move(dims));
  const absl::StatusOr<uint64_t> bytes = ByteSize(of_lists ? DType::kUint8 : dtype, shape);
  if (!bytes.ok() || *bytes != trailer.bytes || trailer.bytes > begin) return broken;
  begin -= trailer.bytes;
  const std::byte* const elements = list.raw() + begin;
  if (!AreValid(dtype, {elements, trailer.bytes})) return broken;
  return Entry{dtype, std::move(shape), elements, trailer.bytes, begin};
}

absl::Status CheckEntry(const Entry& entry, DType dtype, const Shape& shape) {
  if (entry.dtype == dtype && entry.shape.IsCompatibleWith(shape)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the list has a tensor of ", Name(entry.dtype),
                                                 " ", entry.shape.ToString(), ", expected ",
                                                 Name(dtype), " ", shape.ToString()));
}

// All of a list, its last tensor first.
absl::StatusOr<std::vector<Entry>> EntriesOf(const Tensor& list) {
  std::vector<Entry> entries;
  for (size_t end = list.byte_size(); end > 0;) {
    absl::StatusOr<Entry> entry = LastBefore(list, end);
    if (!entry.ok()) return entry.status();
    end = entry->begin;
    entries.push_back(*std::move(entry));
  }
  return entries;
}

Tensor ItemOf(const Entry& entry) {
  Tensor item(entry.dtype == DType::kInvalid ? DType::kUint8 : entry.dtype, entry.shape);
  std::memcpy(item.mutable_raw(), entry.elements, entry.bytes);
  return item;
}

Tensor ListOf(const std::vector<Tensor>& items, const std::vector<Entry>& like) {
  size_t bytes = 0;
  for (const Tensor& item : items) bytes += EntrySize(item);
  Tensor list(DType::kUint8, Shape{static_cast<int64_t>(bytes)});
  std::byte* at = list.mutable_raw();
  for (size_t i = 0; i < items.size(); ++i) {
    at = Append(at, items[i], like[i].dtype == DType::kInvalid);
  }
  return list;
}

// The sums of the tensors of two lists, of an empty list the other one. Lists in them as they.
absl::StatusOr<Tensor> SumOf(const Tensor& a, const Tensor& b) {
  if (a.byte_size() == 0) return b;
  if (b.byte_size() == 0) return a;
  absl::StatusOr<std::vector<Entry>> of_a = EntriesOf(a);
  if (!of_a.ok()) return of_a.status();
  absl::StatusOr<std::vector<Entry>> of_b = EntriesOf(b);
  if (!of_b.ok()) return of_b.status();
  std::reverse(of_a->begin(), of_a->end());
  std::reverse(of_b->begin(), of_b->end());
  std::vector<Tensor> sums;
  for (size_t i = 0; i < std::min(of_a->size(), of_b->size()); ++i) {
    const Entry& x = (*of_a)[i];
    const Entry& y = (*of_b)[i];
    if (x.dtype != y.dtype) break;
    if (x.dtype == DType::kInvalid) {
      absl::StatusOr<Tensor> sum = SumOf(ItemOf(x), ItemOf(y));
      if (!sum.ok()) return sum;
      sums.push_back(*std::move(sum));
      continue;
    }
    if (x.shape != y.shape) break;
    sums.push_back(ItemOf(x));
    const Tensor other = ItemOf(y);
    VisitGradient(x.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (int64_t k = 0; k < other.num_elements(); ++k) {
        sums.back().mutable_data<T>()[k] += other.data<T>()[k];
      }
    });
  }
  if (sums.size() == of_a->size() && sums.size() == of_b->size()) return ListOf(sums, *of_a);
  return absl::InvalidArgumentError(absl::StrCat("lists of ", of_a->size(), " and ", of_b->size(),
                                                 " tensors, or of other tensors, cannot be added"));
}

// Of a list an empty one.
Shape ZerosShape(const KernelContext& ctx) {
  if (ctx.attrs.flag("of_lists")) return Shape{0};
  return ctx.num_inputs() > 1 ? ctx.in_shape(1) : ctx.shape(1);
}

Tensor View(const Tensor& list, size_t bytes) {
  return Tensor::FromBlock(DType::kUint8, Shape{static_cast<int64_t>(bytes)}, list.block());
}

}  // namespace

absl::Status ListEmpty(KernelContext& ctx) {
  ctx.Find(0, Tensor(DType::kUint8, Shape{0}));
  return absl::OkStatus();
}

absl::Status ListPush(KernelContext& ctx) {
  const Tensor x = ctx.in(1);
  Tensor list = ctx.Release(0);
  const size_t before = list.byte_size();
  const size_t after = before + EntrySize(x);
  if (!list.unique() || list.block()->size() < after) {
    Tensor larger(DType::kUint8, Shape{static_cast<int64_t>(std::max(after, 2 * before))});
    std::memcpy(larger.mutable_raw(), list.raw(), before);
    list = std::move(larger);
  }
  Append(list.mutable_raw() + before, x, ctx.attrs.flag("of_lists"));
  ctx.Find(0, View(list, after));
  return absl::OkStatus();
}

absl::Status ListPop(KernelContext& ctx) {
  const Tensor list = ctx.Release(0);
  if (list.byte_size() == 0 && ctx.attrs.has("or_zeros")) {
    Tensor zeros(ctx.dtype(1), ZerosShape(ctx));
    std::memset(zeros.mutable_raw(), 0, zeros.byte_size());
    ctx.Find(0, list);
    ctx.Find(1, std::move(zeros));
    return absl::OkStatus();
  }
  const absl::StatusOr<Entry> last = LastBefore(list, list.byte_size());
  if (!last.ok()) return last.status();
  if (absl::Status status = CheckEntry(
          *last, ctx.attrs.flag("of_lists") ? DType::kInvalid : ctx.dtype(1), ctx.shape(1));
      !status.ok()) {
    return status;
  }
  Tensor item = ItemOf(*last);
  ctx.Find(0, View(list, last->begin));
  ctx.Find(1, std::move(item));
  return absl::OkStatus();
}

absl::Status ListAdd(KernelContext& ctx) {
  absl::StatusOr<Tensor> sum = SumOf(ctx.in(0), ctx.in(1));
  if (!sum.ok()) return sum.status();
  ctx.Find(0, *std::move(sum));
  return absl::OkStatus();
}

absl::Status ListOfRows(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const int64_t count = x.shape().dim(0);
  Tensor row(x.dtype(), Shape({x.shape().dims().begin() + 1, x.shape().dims().end()}));
  Tensor list(DType::kUint8, Shape{count * static_cast<int64_t>(EntrySize(row))});
  std::byte* at = list.mutable_raw();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t from = ctx.attrs.flag("last_first") ? count - 1 - i : i;
    std::memcpy(row.mutable_raw(), x.raw() + from * row.byte_size(), row.byte_size());
    at = Append(at, row, false);
  }
  ctx.Find(0, std::move(list));
  return absl::OkStatus();
}

absl::Status ListStack(KernelContext& ctx) {
  const Tensor& list = ctx.in(0);
  Shape each = ctx.attrs.get<Shape>("shape");
  absl::StatusOr<std::vector<Entry>> all = EntriesOf(list);
  if (!all.ok()) return all.status();
  std::vector<Entry>& entries = *all;
  for (const Entry& entry : entries) {
    if (absl::Status status = CheckEntry(entry, ctx.dtype(), each); !status.ok()) return status;
    each = entry.shape;
  }
  if (!ctx.attrs.flag("last_first")) std::reverse(entries.begin(), entries.end());
  std::vector<int64_t> dims = each.dims();
  for (int64_t& dim : dims) dim = std::max<int64_t>(dim, 0);
  dims.insert(dims.begin(), static_cast<int64_t>(entries.size()));
  Tensor out(ctx.dtype(), Shape(std::move(dims)));
  std::byte* at = out.mutable_raw();
  for (const Entry& entry : entries) {
    std::memcpy(at, entry.elements, entry.bytes);
    at += entry.bytes;
  }
  ctx.Find(0, std::move(out));
  return absl::OkStatus();
}

}  // namespace varscope::internal::kernels

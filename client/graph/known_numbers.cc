#include "client/graph/known_numbers.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "client/graph/node.h"

namespace varscope::internal {
namespace {

using Known = std::shared_ptr<const Numbers>;

constexpr int64_t kMost = 256;  // no shape has more

Known Make(Numbers numbers) { return std::make_shared<const Numbers>(std::move(numbers)); }

Known OfShape(const Shape& shape) {
  if (!shape.known_rank()) return nullptr;
  Numbers dims = shape.dims();
  for (int64_t& dim : dims) dim = dim < 0 ? kUnknownNumber : dim;
  return Make(std::move(dims));
}

// Of scalars, or of vectors one after the other.
Known Joined(const Node& node) {
  Numbers all;
  for (const NodeOutput& input : node.inputs) {
    const Shape& shape = input.node->outputs[input.index].shape;
    const Known part = KnownNumbers(input);
    if (part != nullptr) {
      all.insert(all.end(), part->begin(), part->end());
    } else if (shape.IsFullyDefined() && shape.rank() <= 1 && shape.num_elements() <= kMost) {
      all.insert(all.end(), static_cast<size_t>(shape.num_elements()), kUnknownNumber);
    } else {
      return nullptr;
    }
  }
  return Make(std::move(all));
}

Known Sliced(const Node& node) {
  const Known x = KnownNumbers(node.inputs[0]);
  if (x == nullptr || !node.attrs.has("begin") || node.attrs.list("begin").size() != 1) {
    return nullptr;
  }
  const Shape& shape = node.outputs[0].shape;
  if (!shape.IsFullyDefined()) return nullptr;
  const int64_t begin = node.attrs.list("begin")[0];
  const int64_t step = node.attrs.has("strides") ? node.attrs.list("strides")[0] : 1;
  Numbers part;
  int64_t at = begin < 0 ? begin + static_cast<int64_t>(x->size()) : begin;
  for (int64_t i = 0; i < shape.num_elements(); ++i, at += step) {
    if (at < 0 || at >= static_cast<int64_t>(x->size())) return nullptr;
    part.push_back((*x)[at]);
  }
  return Make(std::move(part));
}

Known Computed(const Node& node, const std::function<int64_t(int64_t, int64_t)>& fn) {
  const Known a = KnownNumbers(node.inputs[0]);
  const Known b = KnownNumbers(node.inputs[1]);
  if (a == nullptr || b == nullptr ||
      (a->size() != b->size() && a->size() != 1 && b->size() != 1)) {
    return nullptr;
  }
  if (a->empty() || b->empty()) return nullptr;
  Numbers out;
  for (size_t i = 0; i < std::max(a->size(), b->size()); ++i) {
    const int64_t x = (*a)[a->size() == 1 ? 0 : i];
    const int64_t y = (*b)[b->size() == 1 ? 0 : i];
    const bool known = x != kUnknownNumber && y != kUnknownNumber;
    out.push_back(known ? fn(x, y) : kUnknownNumber);
  }
  return Make(std::move(out));
}

}  // namespace

std::shared_ptr<const Numbers> NumbersOf(const Tensor& tensor) {
  if (tensor.num_elements() > kMost) return nullptr;
  Numbers numbers;
  if (tensor.dtype() == DType::kInt32) {
    numbers.assign(tensor.values<int32_t>().begin(), tensor.values<int32_t>().end());
  } else if (tensor.dtype() == DType::kInt64) {
    numbers.assign(tensor.values<int64_t>().begin(), tensor.values<int64_t>().end());
  } else {
    return nullptr;
  }
  return Make(std::move(numbers));
}

std::shared_ptr<const Numbers> KnownNumbers(const NodeOutput& output) {
  const Node& node = *output.node;
  const absl::string_view op = node.def->name;
  if (!IsIndex(node.outputs[output.index].dtype)) return nullptr;
  if (op == "Const") {
    const Tensor& value = node.attrs.tensor("value");
    return NumbersOf(value);
  }
  const auto input_shape = [&] { return node.inputs[0].node->outputs[node.inputs[0].index].shape; };
  if (op == "Shape") return OfShape(input_shape());
  if (op == "Size" && input_shape().IsFullyDefined()) {
    int64_t count = 1;
    for (int64_t dim : input_shape().dims()) {
      if (__builtin_mul_overflow(count, dim, &count)) return nullptr;
    }
    return Make({count});
  }
  if (op == "Rank" && input_shape().known_rank()) return Make({input_shape().rank()});
  if (op == "Pack" || op == "ConcatV2") return Joined(node);
  if (op == "Identity" || op == "Reshape" || op == "ExpandDims" || op == "Squeeze") {
    return KnownNumbers(node.inputs[0]);
  }
  if (op == "Cast") return KnownNumbers(node.inputs[0]);
  if (op == "Slice" || op == "StridedSlice") return Sliced(node);
  const auto wrapping = [](int64_t x, int64_t y, auto fn) {
    return static_cast<int64_t>(fn(static_cast<uint64_t>(x), static_cast<uint64_t>(y)));
  };
  if (op == "Add") {
    return Computed(node, [&](int64_t x, int64_t y) { return wrapping(x, y, std::plus<>()); });
  }
  if (op == "Sub") {
    return Computed(node, [&](int64_t x, int64_t y) { return wrapping(x, y, std::minus<>()); });
  }
  if (op == "Mul") {
    return Computed(node,
                    [&](int64_t x, int64_t y) { return wrapping(x, y, std::multiplies<>()); });
  }
  return nullptr;
}

}  // namespace varscope::internal

#include "client/graph/known_numbers.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>

#include "client/graph/node.h"

namespace varscope::internal {
namespace {

using Known = std::shared_ptr<const Numbers>;

constexpr int64_t kMost = 256;  // no shape has more

Known Make(Numbers numbers) { return std::make_shared<const Numbers>(std::move(numbers)); }

const OutputSpec& SpecOfInput(const NodeOutput& output) {
  return output.node->outputs[output.index];
}

Known OfShape(const Shape& shape) {
  if (!shape.known_rank()) return nullptr;
  Numbers dims;
  for (const int64_t dim : shape.dims()) {
    dims.push_back(dim < 0 ? std::nullopt : std::optional<int64_t>(dim));
  }
  return Make(std::move(dims));
}

Known OfSize(const Shape& shape) {
  if (!shape.IsFullyDefined()) return nullptr;
  int64_t count = 1;
  for (const int64_t dim : shape.dims()) {
    if (__builtin_mul_overflow(count, dim, &count)) return nullptr;
  }
  return Make({count});
}

// Which inputs hold the numbers that an op's are made of.
std::span<const NodeOutput> OperandsOf(const Node& node) {
  const absl::string_view op = node.def->name;
  const std::span<const NodeOutput> inputs = node.inputs;
  if (!IsIndex(node.outputs[0].dtype)) return {};
  if (op == "Pack" || op == "ConcatV2") return inputs;
  if (op == "Add" || op == "Sub" || op == "Mul") return inputs.first(2);
  const bool moves = op == "Identity" || op == "Reshape" || op == "ExpandDims" || op == "Squeeze" ||
                     op == "Cast" || op == "Slice" || op == "StridedSlice";
  return moves ? inputs.first(1) : inputs.first(0);
}

// The numbers of one op after those of its operands: graphs are deep, and their ops are shared.
class NumberFinder {
 public:
  Known Find(const Node& wanted) {
    std::vector<const Node*> open = {&wanted};
    while (!open.empty()) {
      const Node& node = *open.back();
      const size_t before = open.size();
      for (const NodeOutput& operand : OperandsOf(node)) {
        if (!known_.contains(operand.node)) open.push_back(operand.node);
      }
      if (open.size() > before) continue;
      open.pop_back();
      if (!known_.contains(&node)) known_[&node] = InItsDType(node, Compute(node));
    }
    return known_[&wanted];
  }

 private:
  Known Of(const NodeOutput& operand) { return known_[operand.node]; }

  Known Compute(const Node& node) {
    const absl::string_view op = node.def->name;
    const auto input_shape = [&] { return SpecOfInput(node.inputs[0]).shape; };
    if (!IsIndex(node.outputs[0].dtype)) return nullptr;
    if (op == "Const") return NumbersOf(node.attrs.tensor("value"));
    if (op == "Shape") return OfShape(input_shape());
    if (op == "Size") return OfSize(input_shape());
    if (op == "Rank" && input_shape().known_rank()) return Make({input_shape().rank()});
    if (op == "Pack" || op == "ConcatV2") return Joined(node);
    if (op == "Slice" || op == "StridedSlice") return Sliced(node);
    if (op == "Add") return Computed(node, std::plus<uint64_t>());
    if (op == "Sub") return Computed(node, std::minus<uint64_t>());
    if (op == "Mul") return Computed(node, std::multiplies<uint64_t>());
    return OperandsOf(node).empty() ? nullptr : Of(node.inputs[0]);
  }

  // Of scalars, or of vectors one after the other.
  Known Joined(const Node& node) {
    Numbers all;
    for (const NodeOutput& input : node.inputs) {
      const Shape& shape = SpecOfInput(input).shape;
      const Known part = Of(input);
      if (part != nullptr) {
        all.insert(all.end(), part->begin(), part->end());
      } else if (shape.IsFullyDefined() && shape.rank() <= 1 && shape.num_elements() <= kMost) {
        all.resize(all.size() + static_cast<size_t>(shape.num_elements()));
      } else {
        return nullptr;
      }
    }
    return Make(std::move(all));
  }

  Known Sliced(const Node& node) {
    const Known x = Of(node.inputs[0]);
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

  template <typename Fn>
  Known Computed(const Node& node, Fn fn) {
    const Known a = Of(node.inputs[0]);
    const Known b = Of(node.inputs[1]);
    if (a == nullptr || b == nullptr || a->empty() || b->empty() ||
        (a->size() != b->size() && a->size() != 1 && b->size() != 1)) {
      return nullptr;
    }
    Numbers out;
    for (size_t i = 0; i < std::max(a->size(), b->size()); ++i) {
      const std::optional<int64_t> x = (*a)[a->size() == 1 ? 0 : i];
      const std::optional<int64_t> y = (*b)[b->size() == 1 ? 0 : i];
      out.emplace_back();
      if (x && y) out.back() = static_cast<int64_t>(fn(static_cast<uint64_t>(*x), *y));
    }
    return Make(std::move(out));
  }

  // int32 keeps the lower bits, as the op's kernel does in a run.
  static Known InItsDType(const Node& node, Known known) {
    const auto fits = [](const std::optional<int64_t>& number) {
      return !number || *number == static_cast<int32_t>(*number);
    };
    if (known == nullptr || node.outputs[0].dtype != DType::kInt32 ||
        std::all_of(known->begin(), known->end(), fits)) {
      return known;
    }
    Numbers numbers = *known;
    for (std::optional<int64_t>& number : numbers) {
      if (number) number = static_cast<int32_t>(*number);
    }
    return Make(std::move(numbers));
  }

  std::unordered_map<const Node*, Known> known_;
};

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
  // The ops of which numbers are known have one output.
  return output.index == 0 ? NumberFinder().Find(*output.node) : nullptr;
}

}  // namespace varscope::internal

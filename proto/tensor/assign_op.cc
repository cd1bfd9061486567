#include "proto/tensor/assign_op.h"

#include "proto/tensor/rows.h"

namespace varscope {
namespace {

template <typename T, typename Fn>
void CombineEach(AssignOp op, const Tensor& value, std::span<const int64_t> rows, Tensor& variable,
                 Fn fn) {
  const T* from = value.data<T>();
  const auto combine = [&](T* to, int64_t count) {
    for (int64_t i = 0; i < count; ++i, ++from) to[i] = static_cast<T>(fn(to[i], *from));
  };
  T* const to = variable.mutable_data<T>();
  if (!IsScatter(op)) return combine(to, value.num_elements());
  const int64_t size = rows.empty() ? 0 : RowSize(variable.shape());
  for (const int64_t row : rows) combine(to + row * size, size);
}

}  // namespace

void Combine(AssignOp op, const Tensor& value, std::span<const int64_t> rows, Tensor& variable) {
  if (op == AssignOp::kScatterUpdate) {
    VisitSize(variable.dtype(), [&](auto tag) {
      CombineEach<typename decltype(tag)::type>(op, value, rows, variable,
                                                [](auto, auto given) { return given; });
    });
    return;
  }
  const bool adds = op == AssignOp::kAdd || op == AssignOp::kScatterAdd;
  VisitSummed(variable.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    adds ? CombineEach<T>(op, value, rows, variable, [](auto x, auto y) { return x + y; })
         : CombineEach<T>(op, value, rows, variable, [](auto x, auto y) { return x - y; });
  });
}

}  // namespace varscope

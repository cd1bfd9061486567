#include "client/kernels/elementwise.h"

namespace varscope::internal {

int64_t BroadcastWalk::rows() const {
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < dims.size(); ++i) rows *= dims[i];
  return rows;
}

std::pair<int64_t, int64_t> BroadcastWalk::Start(int64_t row) const {
  int64_t from_a = 0;
  int64_t from_b = 0;
  for (int i = static_cast<int>(dims.size()) - 2; i > 0; --i) {
    const int64_t index = row % dims[i];
    row /= dims[i];
    from_a += index * a[i];
    from_b += index * b[i];
  }
  if (dims.size() == 1) return {0, 0};
  return {from_a + row * a[0], from_b + row * b[0]};
}

BroadcastWalk Walk(const Shape& a, const Shape& b, const Shape& shape) {
  BroadcastWalk walk;
  const int rank = shape.rank();
  const auto strides = [&](const Shape& operand) {
    std::vector<int64_t> out(rank, 0);
    int64_t stride = 1;
    for (int i = operand.rank() - 1; i >= 0; --i) {
      if (operand.dim(i) != 1) out[i + rank - operand.rank()] = stride;
      stride *= operand.dim(i);
    }
    return out;
  };
  const std::vector<int64_t> sa = strides(a);
  const std::vector<int64_t> sb = strides(b);
  for (int i = 0; i < rank; ++i) {
    const int64_t n = shape.dim(i);
    if (n == 1) continue;
    const bool continues =
        !walk.dims.empty() && walk.a.back() == sa[i] * n && walk.b.back() == sb[i] * n;
    if (continues) {
      walk.dims.back() *= n;
      walk.a.back() = sa[i];
      walk.b.back() = sb[i];
    } else {
      walk.dims.push_back(n);
      walk.a.push_back(sa[i]);
      walk.b.push_back(sb[i]);
    }
  }
  if (walk.dims.empty()) {
    walk.dims = {1};
    walk.a = walk.b = {0};
  }
  return walk;
}

void ForRuns(Device& device, const BroadcastWalk& walk, double cost,
             absl::FunctionRef<void(int64_t, int64_t, int64_t, int64_t)> run) {
  const int64_t inner = walk.inner();
  if (walk.rows() == 1) {
    device.ParallelFor(inner, cost, [&](int64_t begin, int64_t end) {
      run(walk.a.back() * begin, walk.b.back() * begin, begin, end - begin);
    });
    return;
  }
  device.ParallelFor(walk.rows(), cost * static_cast<double>(inner),
                     [&](int64_t begin, int64_t end) {
                       for (int64_t row = begin; row < end; ++row) {
                         const auto [from_a, from_b] = walk.Start(row);
                         run(from_a, from_b, row * inner, inner);
                       }
                     });
}

}  // namespace varscope::internal

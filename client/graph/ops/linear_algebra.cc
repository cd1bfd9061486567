// Inverses, determinants, factors and solutions of matrices.
#include <algorithm>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "varscope/math_ops.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

// Square matrices, in the last two dimensions of an input of floats.
absl::StatusOr<Shape> SquareShape(const InferContext& c) {
  if (absl::Status s = CheckFloat(c, 0); !s.ok()) return s;
  const Shape& shape = c.shape(0);
  if (!shape.known_rank()) return shape;
  if (shape.rank() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("Shape must be at least rank 2 but is rank ", shape.rank()));
  }
  const int64_t rows = shape.dim(-2);
  const int64_t columns = shape.dim(-1);
  if (rows >= 0 && columns >= 0 && rows != columns) {
    return absl::InvalidArgumentError(
        absl::StrCat("Dimensions must be equal, but are ", rows, " and ", columns));
  }
  std::vector<int64_t> dims = shape.dims();
  dims[shape.rank() - 2] = dims[shape.rank() - 1] = std::max(rows, columns);
  return Shape(dims);
}

Specs LikeSquare(const InferContext& c) {
  const absl::StatusOr<Shape> shape = SquareShape(c);
  if (!shape.ok()) return shape.status();
  return std::vector<OutputSpec>{{c.dtype(0), *shape}};
}

Specs OfEachMatrix(const InferContext& c) {
  const absl::StatusOr<Shape> shape = SquareShape(c);
  if (!shape.ok()) return shape.status();
  if (!shape->known_rank()) return std::vector<OutputSpec>{{c.dtype(0), Shape::Unknown()}};
  return std::vector<OutputSpec>{
      {c.dtype(0), Shape(std::vector<int64_t>(shape->dims().begin(), shape->dims().end() - 2))}};
}

// (matrix, right-hand sides [..., n, k]).
Specs SolutionShape(const InferContext& c) {
  const absl::StatusOr<Shape> matrix = SquareShape(c);
  if (!matrix.ok()) return matrix.status();
  if (absl::Status s = CheckSameDType(c, 0, 1); !s.ok()) return s;
  const Shape& sides = c.shape(1);
  if (!matrix->known_rank() || !sides.known_rank()) {
    return std::vector<OutputSpec>{{c.dtype(0), Shape::Unknown()}};
  }
  std::vector<int64_t> expected = matrix->dims();
  if (sides.rank() >= 2) expected.back() = sides.dim(-1);
  const absl::StatusOr<Shape> merged = Merge(sides, Shape(expected));
  if (!merged.ok()) return merged.status();
  return std::vector<OutputSpec>{{c.dtype(0), *merged}};
}

Grads InverseGrad(const GradContext& c) {
  const Output y = c.y();
  const bool adjoint = c.attrs().flag("adjoint");
  return {Dense(negative(matmul(y, matmul(c.dy(), y, adjoint, !adjoint), !adjoint)))};
}

Grads DeterminantGrad(const GradContext& c) {
  const Output scale = expand_dims(expand_dims(multiply(c.dy(), c.y()), -1), -1);
  const Output transposed = MakeOp("MatrixInverse", "MatrixInverse", {c.x(0)}, {{"adjoint", true}});
  return {Dense(multiply(scale, transposed))};
}

Specs BandShape(const InferContext& c) {
  if (c.shape(0).known_rank() && c.shape(0).rank() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("Shape must be at least rank 2 but is rank ", c.shape(0).rank()));
  }
  return SameAsInput(c);
}
Grads BandGrad(const GradContext& c) {
  return {Dense(MakeOp("MatrixBandPart", "MatrixBandPart", {c.dy()}, c.attrs()))};
}

// The lower triangle, of which the diagonal counts half.
Output HalfLower(const Output& x) {
  return subtract(matrix_band_part(x, -1, 0), multiply(matrix_band_part(x, 0, 0), 0.5));
}

Grads CholeskyGrad(const GradContext& c) {
  const Output inverse = matrix_inverse(c.y());
  const Output middle = HalfLower(matmul(c.y(), c.dy(), true));
  const Output left = matmul(inverse, matmul(middle, inverse), true);
  const Output right = matmul(matmul(middle, inverse), inverse, true);
  return {Dense(multiply(add(left, right), 0.5))};
}

Grads SolveGrad(const GradContext& c) {
  const bool adjoint = c.attrs().flag("adjoint");
  const Output sides = matrix_solve(c.x(0), c.dy(), !adjoint);
  const Output matrix =
      adjoint ? matmul(c.y(), sides, false, true) : matmul(sides, c.y(), false, true);
  return {Dense(negative(matrix)), Dense(sides)};
}

}  // namespace

std::vector<OpDef> LinearAlgebraOps() {
  return {
      {.name = "MatrixInverse",
       .infer = LikeSquare,
       .kernel = kernels::MatrixInverse,
       .gradient = InverseGrad},
      {.name = "MatrixDeterminant",
       .infer = OfEachMatrix,
       .kernel = kernels::MatrixDeterminant,
       .gradient = DeterminantGrad},
      {.name = "Cholesky",
       .infer = LikeSquare,
       .kernel = kernels::Cholesky,
       .gradient = CholeskyGrad},
      {.name = "MatrixSolve",
       .infer = SolutionShape,
       .kernel = kernels::MatrixSolve,
       .gradient = SolveGrad},
      {.name = "MatrixBandPart",
       .infer = BandShape,
       .kernel = kernels::MatrixBandPart,
       .gradient = BandGrad},
  };
}

}  // namespace internal

Output matrix_inverse(const Input& x, const std::string& name) {
  return internal::Unary("MatrixInverse", x, name, "MatrixInverse", {{"adjoint", false}});
}
Output matrix_determinant(const Input& x, const std::string& name) {
  return internal::Unary("MatrixDeterminant", x, name, "MatrixDeterminant");
}
Output cholesky(const Input& x, const std::string& name) {
  return internal::Unary("Cholesky", x, name, "Cholesky");
}
Output matrix_solve(const Input& matrix, const Input& rhs, bool adjoint, const std::string& name) {
  return internal::Binary("MatrixSolve", matrix, rhs, name, "MatrixSolve", {{"adjoint", adjoint}});
}
Output matrix_band_part(const Input& x, int64_t lower, int64_t upper, const std::string& name) {
  return internal::Unary("MatrixBandPart", x, name, "MatrixBandPart",
                         {{"lower", lower}, {"upper", upper}});
}

}  // namespace varscope

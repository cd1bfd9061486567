// Every kernel, by the name of its op; the ops' tables say what attributes each has.
// Kernels are thread-safe functions of their inputs, whose shapes and dtypes their ops' shape rules
// have seen; they check values alone.
#ifndef VARSCOPE_CLIENT_KERNELS_KERNELS_H_
#define VARSCOPE_CLIENT_KERNELS_KERNELS_H_

#include "absl/status/statusor.h"
#include "client/kernels/context.h"

namespace varscope::internal {

// Klambauer et al. 2017, "Self-Normalizing Neural Networks".
inline constexpr double kSeluScale = 1.0507009873554804934193349852946;
inline constexpr double kSeluScaleAlpha = 1.7580993408473768599402175208123;

namespace kernels {

// binary.cc
absl::Status Add(KernelContext&);
absl::Status Sub(KernelContext&);
absl::Status Mul(KernelContext&);
absl::Status RealDiv(KernelContext&);
absl::Status FloorDiv(KernelContext&);
absl::Status Maximum(KernelContext&);
absl::Status Minimum(KernelContext&);
absl::Status SquaredDifference(KernelContext&);
absl::Status Pow(KernelContext&);
absl::Status Equal(KernelContext&);
absl::Status NotEqual(KernelContext&);
absl::Status Less(KernelContext&);
absl::Status LessEqual(KernelContext&);
absl::Status Greater(KernelContext&);
absl::Status GreaterEqual(KernelContext&);
absl::Status ReluGrad(KernelContext&);
absl::Status Relu6Grad(KernelContext&);
absl::Status LeakyReluGrad(KernelContext&);
absl::Status EluGrad(KernelContext&);
absl::Status SeluGrad(KernelContext&);
absl::Status SqrtGrad(KernelContext&);
absl::Status RsqrtGrad(KernelContext&);
absl::Status ReciprocalGrad(KernelContext&);
absl::Status SquareGrad(KernelContext&);

// unary.cc
absl::Status Neg(KernelContext&);
absl::Status Abs(KernelContext&);
absl::Status Sign(KernelContext&);
absl::Status Square(KernelContext&);
absl::Status Sqrt(KernelContext&);
absl::Status Rsqrt(KernelContext&);
absl::Status Reciprocal(KernelContext&);
absl::Status Exp(KernelContext&);
absl::Status Log(KernelContext&);
absl::Status Log1p(KernelContext&);
absl::Status Sin(KernelContext&);
absl::Status Cos(KernelContext&);
absl::Status Tanh(KernelContext&);
absl::Status Sigmoid(KernelContext&);
absl::Status Floor(KernelContext&);
absl::Status Relu(KernelContext&);
absl::Status Relu6(KernelContext&);
absl::Status LeakyRelu(KernelContext&);
absl::Status Elu(KernelContext&);
absl::Status Selu(KernelContext&);
absl::Status Softplus(KernelContext&);
absl::Status Cast(KernelContext&);

// reduce.cc
absl::Status Sum(KernelContext&);
absl::Status Mean(KernelContext&);
absl::Status Max(KernelContext&);
absl::Status Min(KernelContext&);
absl::Status Prod(KernelContext&);
absl::Status ArgMax(KernelContext&);
absl::Status ArgMin(KernelContext&);
absl::Status SumLike(KernelContext&);
absl::Status L2Loss(KernelContext&);

// spread.cc
absl::Status Cumsum(KernelContext&);
absl::Status Cumprod(KernelContext&);
absl::Status BroadcastReduced(KernelContext&);
absl::Status AddN(KernelContext&);

// matmul.cc
absl::Status MatMul(KernelContext&);

// linear_algebra.cc
absl::Status MatrixInverse(KernelContext&);
absl::Status MatrixDeterminant(KernelContext&);
absl::Status Cholesky(KernelContext&);
absl::Status MatrixSolve(KernelContext&);
absl::Status MatrixBandPart(KernelContext&);

// decompositions.cc
absl::Status SelfAdjointEig(KernelContext&);
absl::Status Svd(KernelContext&);
absl::Status Qr(KernelContext&);

// array.cc
absl::Status Share(KernelContext&);
absl::Status ZerosLike(KernelContext&);
absl::Status OnesLike(KernelContext&);
absl::Status Select(KernelContext&);
absl::Status Transpose(KernelContext&);
absl::Status Concat(KernelContext&);
absl::Status ConcatGrad(KernelContext&);
absl::Status Pack(KernelContext&);
absl::Status Unpack(KernelContext&);
absl::Status Slice(KernelContext&);
absl::Status SliceGrad(KernelContext&);
absl::Status Tile(KernelContext&);
absl::Status TileGrad(KernelContext&);
absl::Status Pad(KernelContext&);
absl::Status PadGrad(KernelContext&);

// gather.cc
absl::Status Gather(KernelContext&);
absl::Status SumRowsLike(KernelContext&);
// The numbers in `indices`; InvalidArgument names the first that is not in [0, count).
absl::StatusOr<std::vector<int64_t>> RowsBelow(const Tensor& indices, int64_t count);
absl::Status OneHot(KernelContext&);

// shards.cc
// (ids, shards): the rows of each shard, then their places among the ids.
absl::Status IdsOfShards(KernelContext&);
// (ids, places, rows): all rows at their places.
absl::Status JoinRowsOfShards(KernelContext&);

// softmax.cc
absl::Status Softmax(KernelContext&);
absl::Status LogSoftmax(KernelContext&);
absl::Status SoftmaxCrossEntropy(KernelContext&);
absl::Status SparseSoftmaxCrossEntropy(KernelContext&);

// conv.cc
absl::Status Conv2D(KernelContext&);
absl::Status Conv2DWithBias(KernelContext&);
absl::Status Conv2DBackpropInput(KernelContext&);
absl::Status Conv2DBackpropFilter(KernelContext&);

// depthwise.cc
absl::Status DepthwiseConv2D(KernelContext&);
absl::Status DepthwiseConv2DBackpropInput(KernelContext&);
absl::Status DepthwiseConv2DBackpropFilter(KernelContext&);

// pool.cc
absl::Status MaxPool(KernelContext&);
absl::Status MaxPoolWithArgmax(KernelContext&);
absl::Status MaxPoolGrad(KernelContext&);
absl::Status MaxPoolGradGrad(KernelContext&);
absl::Status AvgPool(KernelContext&);
absl::Status AvgPoolGrad(KernelContext&);

// volume.cc
absl::Status Conv3D(KernelContext&);
absl::Status Conv3DBackpropInput(KernelContext&);
absl::Status Conv3DBackpropFilter(KernelContext&);
absl::Status MaxPool3D(KernelContext&);
absl::Status MaxPool3DGrad(KernelContext&);
absl::Status MaxPool3DGradGrad(KernelContext&);
absl::Status AvgPool3D(KernelContext&);
absl::Status AvgPool3DGrad(KernelContext&);

// list.cc
absl::Status ListEmpty(KernelContext&);
absl::Status ListPush(KernelContext&);
absl::Status ListPop(KernelContext&);
absl::Status ListOfRows(KernelContext&);
absl::Status ListStack(KernelContext&);

// random.cc
absl::Status RandomUniform(KernelContext&);
absl::Status RandomNormal(KernelContext&);

}  // namespace kernels
}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_KERNELS_H_

#include "client/kernels/hot.h"

#include "client/kernels/kernels.h"

namespace kernels = varscope::internal::kernels;

extern "C" const varscope::internal::KernelFn varscope_hot_kernels[] = {
    // binary.cc
    kernels::Add, kernels::Sub, kernels::Mul, kernels::RealDiv, kernels::FloorDiv, kernels::Maximum,
    kernels::Minimum, kernels::SquaredDifference, kernels::Pow, kernels::Equal, kernels::NotEqual,
    kernels::Less, kernels::LessEqual, kernels::Greater, kernels::GreaterEqual, kernels::ReluGrad,
    kernels::Relu6Grad, kernels::LeakyReluGrad, kernels::EluGrad, kernels::SeluGrad,
    kernels::SqrtGrad, kernels::RsqrtGrad, kernels::ReciprocalGrad, kernels::SquareGrad,
    // unary.cc
    kernels::Neg, kernels::Abs, kernels::Sign, kernels::Square, kernels::Sqrt, kernels::Rsqrt,
    kernels::Reciprocal, kernels::Exp, kernels::Log, kernels::Log1p, kernels::Sin, kernels::Cos,
    kernels::Tanh, kernels::Sigmoid, kernels::Floor, kernels::Relu, kernels::Relu6,
    kernels::LeakyRelu, kernels::Elu, kernels::Selu, kernels::Softplus, kernels::Cast,
    // reduce.cc
    kernels::Sum, kernels::Mean, kernels::Max, kernels::Min, kernels::Prod, kernels::ArgMax,
    kernels::ArgMin, kernels::SumLike, kernels::L2Loss,
    // softmax.cc
    kernels::Softmax, kernels::LogSoftmax, kernels::SoftmaxCrossEntropy,
    kernels::SparseSoftmaxCrossEntropy,
    // pool.cc
    kernels::MaxPool, kernels::MaxPoolWithArgmax, kernels::MaxPoolGrad, kernels::MaxPoolGradGrad,
    kernels::AvgPool, kernels::AvgPoolGrad,
    // depthwise.cc
    kernels::DepthwiseConv2D, kernels::DepthwiseConv2DBackpropInput,
    kernels::DepthwiseConv2DBackpropFilter,
    // spread.cc
    kernels::Cumsum, kernels::Cumprod, kernels::BroadcastReduced, kernels::AddN, nullptr};

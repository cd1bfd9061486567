// Initializers: reproducible, and distributed as they say.
#include "server/catalog/initializers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "proto/tensor/elements.h"
#include "proto/tensor/portable_math.h"
#include "proto/wire/crc32c.h"
#include "server/catalog/philox.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

Tensor Make(const InitializerSpec& spec, const Shape& shape, uint64_t seed = 1,
            DType dtype = DType::kFloat64) {
  EXPECT_TRUE(ValidateInitializer(spec, dtype, shape).ok());
  Tensor tensor(dtype, shape);
  Initialize(spec, seed, shape, tensor);
  return tensor;
}

struct Moments {
  double mean = 0;
  double deviation = 0;
  double largest = 0;
};
Moments MomentsOf(const Tensor& tensor) {
  Moments m;
  for (double x : tensor.values<double>()) m.mean += x;
  m.mean /= static_cast<double>(tensor.num_elements());
  for (double x : tensor.values<double>()) {
    m.deviation += (x - m.mean) * (x - m.mean);
    m.largest = std::max(m.largest, std::abs(x));
  }
  m.deviation = std::sqrt(m.deviation / static_cast<double>(tensor.num_elements()));
  return m;
}

TEST(InitializersTest, TheSameSeedGivesTheSameBytes) {
  for (const char* kind : {"random_uniform", "random_normal", "truncated_normal", "glorot_uniform",
                           "glorot_normal", "orthogonal"}) {
    const InitializerSpec spec{.kind = kind};
    EXPECT_TRUE(BytesEqual(Make(spec, Shape{9, 4}, 5), Make(spec, Shape{9, 4}, 5))) << kind;
    EXPECT_FALSE(BytesEqual(Make(spec, Shape{9, 4}, 5), Make(spec, Shape{9, 4}, 6))) << kind;
  }
}

// Recovery computes first values again, perhaps on another machine. Who means to change them
// changes kPortableMathVersion, too.
TEST(InitializersTest, TheBytesAreTheSameEverywhere) {
  uint32_t hash = 0;
  for (const char* kind : {"random_uniform", "random_normal", "truncated_normal", "glorot_uniform",
                           "glorot_normal", "variance_scaling", "orthogonal"}) {
    for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
      InitializerSpec spec{.kind = kind};
      if (spec.kind == "variance_scaling") {
        spec.mode = "fan_in";
        spec.distribution = "untruncated_normal";
      }
      hash = Crc32c(Make(spec, Shape{300, 200}, 7, dtype).bytes(), hash);
    }
  }
  EXPECT_EQ(kPortableMathVersion, 1);
  EXPECT_EQ(hash, 0x12c2793U);
}

TEST(InitializersTest, Distributions) {
  const Shape shape{200, 300};
  InitializerSpec normal{.kind = "random_normal"};
  normal.parameters = {{"mean", 3}, {"stddev", 2}};
  Moments m = MomentsOf(Make(normal, shape));
  EXPECT_NEAR(m.mean, 3, 0.03);
  EXPECT_NEAR(m.deviation, 2, 0.03);
  InitializerSpec truncated{.kind = "truncated_normal"};
  m = MomentsOf(Make(truncated, shape));
  EXPECT_LE(m.largest, 2);
  EXPECT_NEAR(m.deviation, 0.8796, 0.01);
  m = MomentsOf(Make({.kind = "glorot_uniform"}, shape));
  EXPECT_LE(m.largest, std::sqrt(6.0 / 500));
  EXPECT_NEAR(m.deviation, std::sqrt(2.0 / 500), 0.001);
  m = MomentsOf(Make({.kind = "glorot_normal"}, shape));
  EXPECT_NEAR(m.deviation, std::sqrt(2.0 / 500), 0.001);
  InitializerSpec he{.kind = "variance_scaling"};
  he.parameters = {{"scale", 2}};
  he.mode = "fan_in";
  he.distribution = "untruncated_normal";
  EXPECT_NEAR(MomentsOf(Make(he, shape)).deviation, std::sqrt(2.0 / 200), 0.002);
  // A 3 x 3 convolution: its receptive field counts in the fans.
  EXPECT_NEAR(MomentsOf(Make(he, Shape{3, 3, 50, 40})).deviation, std::sqrt(2.0 / 450), 0.002);
}

TEST(InitializersTest, OrthogonalColumnsOrRowsAreOrthonormal) {
  for (const Shape& shape : {Shape{6, 4}, Shape{4, 6}}) {
    InitializerSpec spec{.kind = "orthogonal"};
    spec.parameters = {{"gain", 2}};
    const Tensor q = Make(spec, shape);
    const int64_t rows = shape.dim(0);
    const int64_t columns = shape.dim(1);
    const bool tall = rows >= columns;
    for (int64_t i = 0; i < std::min(rows, columns); ++i) {
      for (int64_t j = 0; j < std::min(rows, columns); ++j) {
        double dot = 0;
        for (int64_t k = 0; k < std::max(rows, columns); ++k) {
          dot += tall ? q.data<double>()[k * columns + i] * q.data<double>()[k * columns + j]
                      : q.data<double>()[i * columns + k] * q.data<double>()[j * columns + k];
        }
        EXPECT_NEAR(dot, i == j ? 4 : 0, 1e-9);
      }
    }
  }
}

TEST(InitializersTest, StopsWhenAsked) {
  const std::atomic<bool> stop{true};
  for (const char* kind : {"random_normal", "orthogonal", "identity"}) {
    Tensor tensor(DType::kFloat32, Shape{4096, 4096});
    Fill(tensor, 0);
    Initialize({.kind = kind}, 1, tensor.shape(), tensor, stop);
    EXPECT_EQ(tensor.data<float>()[4096 * 4096 - 1], 0) << kind;
  }
}

TEST(InitializersTest, PlainKinds) {
  EXPECT_EQ(Summarize(Make({.kind = "identity"}, Shape{2, 3})), "[1 0 0 0 1 0]");
  InitializerSpec five{.kind = "constant"};
  five.parameters = {{"value", 5}};
  EXPECT_EQ(Summarize(Make(five, Shape{2}, 0, DType::kInt64)), "[5 5]");
  EXPECT_EQ(Summarize(Make({.kind = "ones"}, Shape{2}, 0, DType::kBool)), "[1 1]");
}

// Which dtypes each kind makes, and that narrow floats are the float32s, rounded.
TEST(InitializersTest, EveryKindOfEveryDType) {
  const Shape shape{7, 5};
  for (const DTypeInfo& info : kDTypes) {
    for (const char* kind : {"zeros", "ones", "constant", "identity", "random_uniform",
                             "random_normal", "truncated_normal", "glorot_uniform", "glorot_normal",
                             "variance_scaling", "orthogonal"}) {
      const std::string name = kind;
      InitializerSpec spec{.kind = kind};
      if (name == "variance_scaling") spec.mode = "fan_in", spec.distribution = "uniform";
      if (name == "constant") spec.parameters["value"] = 0.7;
      if (name == "random_uniform") spec.parameters = {{"minval", -90}, {"maxval", 100}};
      const bool plain =
          name == "zeros" || name == "ones" || name == "constant" || name == "identity";
      const bool uniform = name == "random_uniform" && IsIndex(info.dtype);
      const absl::Status status = ValidateInitializer(spec, info.dtype, shape);
      ASSERT_EQ(status.ok(), plain || uniform || info.floating) << kind << " " << info.name;
      if (!status.ok()) {
        EXPECT_THAT(std::string(status.message()),
                    HasSubstr("cannot make " + std::string(info.name) + " values, only float32"));
        continue;
      }
      const Tensor made = Make(spec, shape, 3, info.dtype);
      Tensor expected = Make(spec, shape, 3, info.floating ? DType::kFloat32 : DType::kFloat64);
      if (uniform) {
        for (double& x : expected.mutable_values<double>()) x = std::floor(x);
      }
      if (info.dtype == DType::kFloat64) expected = Make(spec, shape, 3);
      Tensor rounded(info.dtype, shape);
      ConvertElements(expected.dtype(), expected.raw(), info.dtype, rounded.mutable_raw(),
                      shape.num_elements());
      EXPECT_TRUE(BytesEqual(made, rounded)) << kind << " " << info.name;
    }
  }
}

TEST(InitializersTest, ConstantsBeyondADTypeAreItsEnd) {
  for (const DTypeInfo& info : kDTypes) {
    InitializerSpec spec{.kind = "constant"};
    spec.parameters["value"] = 1e300;
    // As the log may have it; it is refused now.
    Tensor made(info.dtype, Shape{2});
    Initialize(spec, 0, Shape{2}, made);
    VisitDType(info.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      using Limits = std::numeric_limits<T>;
      if (info.dtype == DType::kFloat64) return;
      EXPECT_EQ(made.data<T>()[1], info.floating ? Limits::infinity() : Limits::max()) << info.name;
    });
  }
}

// At the ends of each dtype: what it has is made as it is, anything else is refused.
TEST(InitializersTest, NumbersThatADTypeHasNotAreRefused) {
  for (const DTypeInfo& info : kDTypes) {
    if (info.dtype == DType::kBool) continue;
    for (const double end : {1.0, 2.0, 127.0, 255.0, 32767.0, 65504.0, 0x1p31 - 1, 0x1p32 - 1,
                             0x1p53, 0x1p63, 0x1p64, 3.4e38, 1e39, 1.7e308}) {
      for (const double value : {end, end + 1, -end, -end - 1, end * 2}) {
        if (!std::isfinite(value)) continue;
        InitializerSpec spec{.kind = "constant"};
        spec.parameters["value"] = value;
        const bool taken = ValidateInitializer(spec, info.dtype, Shape{2}).ok();
        Tensor made(info.dtype, Shape{2});
        Initialize(spec, 0, Shape{2}, made);
        double is = 0;
        VisitDType(info.dtype, [&](auto tag) {
          is = static_cast<double>(made.data<typename decltype(tag)::type>()[1]);
        });
        if (info.floating) {
          EXPECT_TRUE(!taken || std::isfinite(is)) << info.name << " " << value;
        } else if (is != 0x1p63 && is != 0x1p64) {  // there a double is one of several int64
          EXPECT_EQ(taken, is == value) << info.name << " " << value;
        }
      }
    }
  }
}

bool AllFinite(const Tensor& tensor) {
  bool finite = true;
  VisitDType(tensor.dtype(), [&](auto tag) {
    for (const auto x : tensor.values<typename decltype(tag)::type>()) {
      finite = finite && std::isfinite(static_cast<double>(x));
    }
  });
  return finite;
}

// Parameters of every size: what is taken is finite in each dtype, and what is not taken is close
// to the end of the dtype.
TEST(InitializersTest, ParametersThatMayMakeAnInfinityAreRefused) {
  const Shape shape{40, 30};
  for (const DTypeInfo& info : kDTypes) {
    if (!info.floating) continue;
    double end = 0;
    VisitDType(info.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      end = static_cast<double>(std::numeric_limits<T>::max());
    });
    for (const double part : {1.0, 0.9, 0.51, 0.3, 0.14, 0.1, 1e-3}) {
      const double x = part * end;
      std::vector<InitializerSpec> specs = {
          {.kind = "random_uniform", .parameters = {{"minval", -x}, {"maxval", x}}},
          {.kind = "random_uniform", .parameters = {{"minval", x}, {"maxval", 0}}},
          {.kind = "random_normal", .parameters = {{"mean", x}, {"stddev", x}}},
          {.kind = "random_normal", .parameters = {{"mean", 0}, {"stddev", -x}}},
          {.kind = "truncated_normal", .parameters = {{"mean", -x}, {"stddev", x}}},
          {.kind = "orthogonal", .parameters = {{"gain", x}}},
          {.kind = "identity", .parameters = {{"gain", x}}}};
      for (const char* distribution : {"uniform", "untruncated_normal", "truncated_normal"}) {
        for (const double scale : {x, x * x, 1e300}) {
          specs.push_back({.kind = "variance_scaling",
                           .parameters = {{"scale", scale}},
                           .mode = "fan_in",
                           .distribution = distribution});
        }
      }
      for (const InitializerSpec& spec : specs) {
        SCOPED_TRACE(ToString(spec) + " " + info.name);
        const bool taken = ValidateInitializer(spec, info.dtype, shape).ok();
        const bool given = std::all_of(spec.parameters.begin(), spec.parameters.end(),
                                       [](const auto& p) { return std::isfinite(p.second); });
        EXPECT_TRUE(given || !taken);
        EXPECT_TRUE(!taken || AllFinite(Make(spec, shape, 3, info.dtype)));
        EXPECT_TRUE(taken || part > 0.1 || spec.kind == "variance_scaling");
      }
    }
  }
  // What people ask for is.
  for (const DTypeInfo& info : kDTypes) {
    if (!info.floating) continue;
    const InitializerSpec he{.kind = "variance_scaling",
                             .parameters = {{"scale", 100}},
                             .mode = "fan_in",
                             .distribution = "untruncated_normal"};
    EXPECT_TRUE(ValidateInitializer(he, info.dtype, shape).ok()) << info.name;
  }
}

TEST(InitializersTest, WhatCannotBeIsRefused) {
  const auto refusal = [](const InitializerSpec& spec, DType dtype, const Shape& shape) {
    return std::string(ValidateInitializer(spec, dtype, shape).message());
  };
  EXPECT_THAT(refusal({.kind = "lucky"}, DType::kFloat32, {2}), HasSubstr("unknown initializer"));
  EXPECT_THAT(refusal({.kind = "random_normal"}, DType::kInt32, {2}), HasSubstr("int32"));
  EXPECT_THAT(refusal({.kind = "orthogonal"}, DType::kFloat32, {2}), HasSubstr("needs a matrix"));
  EXPECT_THAT(refusal({.kind = "orthogonal"}, DType::kFloat32, {5000, 5000}), HasSubstr("4096"));
  InitializerSpec wrong{.kind = "zeros"};
  wrong.parameters = {{"value", 1}};
  EXPECT_THAT(refusal(wrong, DType::kFloat32, {2}), HasSubstr("no parameter 'value'"));
  InitializerSpec scaling{.kind = "variance_scaling"};
  scaling.mode = "fan_out,fan_avg";
  EXPECT_THAT(refusal(scaling, DType::kFloat32, {2}), HasSubstr("is not one of"));
}

}  // namespace
}  // namespace varscope::server

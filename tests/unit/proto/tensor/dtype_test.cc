// The table of dtypes, and what is done with elements of any of them: converted, filled in, summed,
// looked through for what is not finite.
#include "varscope/dtype.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/tensor/assign_op.h"
#include "proto/tensor/elements.h"
#include "proto/wire/convert.h"
#include "tests/support/tensors.h"

namespace varscope {
namespace {

using testing::AllDTypes;
using testing::Zeros;

Tensor Converted(const Tensor& from, DType to) {
  Tensor converted(to, from.shape());
  ConvertElements(from.dtype(), from.raw(), to, converted.mutable_raw(), from.num_elements());
  return converted;
}

TEST(DTypeTest, TheTableAgreesWithItselfAndTheMessage) {
  std::set<std::string> names;
  std::set<int> numbers;
  for (const DTypeInfo& info : kDTypes) {
    const std::string name = info.name;
    EXPECT_EQ(Name(info.dtype), name);
    EXPECT_EQ(ParseDType(name), info.dtype);
    EXPECT_EQ(v1::DType_Name(wire::ToProto(info.dtype)), "DT_" + absl::AsciiStrToUpper(name));
    EXPECT_EQ(wire::FromProto(wire::ToProto(info.dtype)).value(), info.dtype);
    size_t size = 0;
    EXPECT_TRUE(
        VisitDType(info.dtype, [&](auto tag) { size = sizeof(typename decltype(tag)::type); }));
    EXPECT_EQ(SizeOf(info.dtype), size);
    EXPECT_TRUE(VisitSize(info.dtype, [&](auto tag) {
      EXPECT_EQ(sizeof(typename decltype(tag)::type), size);
    })) << name;
    EXPECT_EQ(IsFloating(info.dtype), absl::StrContains(name, "float")) << name;
    EXPECT_EQ(IsInteger(info.dtype), absl::StrContains(name, "int")) << name;
    EXPECT_EQ(info.is_signed, info.floating || name.starts_with("int")) << name;
    // Of what has a number of bits in its name.
    if (info.dtype != DType::kBool) {
      EXPECT_TRUE(name.ends_with(absl::StrCat(8 * size))) << name;
    }
    names.insert({name, info.npy, info.safetensors});
    numbers.insert(info.tensorflow);
  }
  EXPECT_EQ(names.size(), 3 * std::size(kDTypes));
  EXPECT_EQ(numbers.size(), std::size(kDTypes));
  EXPECT_EQ(ParseDType("float8"), std::nullopt);
  EXPECT_EQ(Name(DType::kInvalid), "invalid");
  for (const auto none :
       {DType::kInvalid, static_cast<DType>(std::size(kDTypes) + 1), static_cast<DType>(255)}) {
    EXPECT_EQ(SizeOf(none), 0U);
    EXPECT_FALSE(VisitDType(none, [](auto) {}));
    EXPECT_FALSE(wire::FromProto(static_cast<v1::DType>(none)).ok());
  }
}

// Each float16 is a float32 and comes back; between two of them the even one, or the nearer, is
// taken.
template <typename T>
void ExpectNearestEven() {
  using Limits = std::numeric_limits<T>;
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const T x = T::FromBits(static_cast<uint16_t>(bits));
    const float wide = x;
    if (std::isnan(wide)) {
      ASSERT_TRUE(std::isnan(static_cast<float>(T(wide)))) << bits;
      continue;
    }
    ASSERT_EQ(T(wide).bits, bits);
    if (x == Limits::infinity() || x == Limits::max() || (bits & 0x8000U) != 0) continue;
    const T next = T::FromBits(static_cast<uint16_t>(bits + 1));
    const float middle = static_cast<float>((static_cast<double>(wide) + next) / 2);
    ASSERT_EQ(T(middle).bits, bits % 2 == 0 ? bits : bits + 1);
    ASSERT_EQ(T(std::nextafter(middle, 0.0F)).bits, bits);
    ASSERT_EQ(T(std::nextafter(middle, INFINITY)).bits, bits + 1);
    ASSERT_EQ(T(-middle).bits, T(middle).bits | 0x8000U);
  }
  EXPECT_EQ(T(std::numeric_limits<float>::max()), Limits::infinity());
  EXPECT_EQ(T(-INFINITY), -Limits::infinity());
  EXPECT_TRUE(std::isnan(static_cast<float>(T(NAN))));
  // What is NaN by its last bit alone.
  EXPECT_TRUE(std::isnan(static_cast<float>(T(std::bit_cast<float>(0x7f800001U)))));
}

TEST(Float16Test, RoundsToNearestEven) {
  ExpectNearestEven<Float16>();
  ExpectNearestEven<Bfloat16>();
}

TEST(Float16Test, Ends) {
  EXPECT_EQ(std::numeric_limits<Float16>::max(), 65504);
  EXPECT_EQ(std::numeric_limits<Float16>::min(), 0x1p-14F);
  EXPECT_EQ(std::numeric_limits<Float16>::denorm_min(), 0x1p-24F);
  EXPECT_EQ(Float16(65519.0F), 65504);
  EXPECT_TRUE(std::isinf(Float16(65520.0F)));
  EXPECT_EQ(std::numeric_limits<Bfloat16>::max(), 0x1.fep127F);
  EXPECT_EQ(std::numeric_limits<Bfloat16>::min(), 0x1p-126F);
}

TEST(ElementsTest, WhatEveryDTypeHoldsConvertsToEveryOther) {
  for (const DType from : AllDTypes()) {
    for (const DType to : AllDTypes()) {
      // More than are converted at once.
      Tensor tensor(from, Shape{1500});
      Fill(tensor, 1);
      std::memset(tensor.mutable_raw(), 0, SizeOf(from));
      const std::string text = Summarize(Converted(tensor, to), 1500);
      EXPECT_TRUE(text.starts_with("[0 1 1 ")) << Name(from) << " to " << Name(to) << text;
      EXPECT_EQ(std::count(text.begin(), text.end(), '1'), 1499);
      EXPECT_EQ(text.size(), 1 + 2 * 1500U);
    }
  }
}

TEST(ElementsTest, IntegersEndWhereTheyEnd) {
  const Tensor numbers =
      Tensor::Of<double>(Shape{6}, {-1e300, 1e300, -INFINITY, INFINITY, NAN, -1.9});
  for (const DType to : AllDTypes()) {
    if (!IsInteger(to)) continue;
    const Tensor converted = Converted(numbers, to);
    VisitDType(to, [&](auto tag) {
      using T = typename decltype(tag)::type;
      using Limits = std::numeric_limits<T>;
      const T* const x = converted.data<T>();
      EXPECT_EQ(x[0], Limits::min()) << Name(to);
      EXPECT_EQ(x[1], Limits::max()) << Name(to);
      EXPECT_EQ(x[2], Limits::min()) << Name(to);
      EXPECT_EQ(x[3], Limits::max()) << Name(to);
      EXPECT_EQ(x[4], T{0}) << Name(to);
      EXPECT_EQ(x[5], static_cast<T>(Limits::is_signed ? -1 : 0)) << Name(to);
      // An integer beyond keeps its lower bits; every number but 0 is true.
      for (const int64_t number : {int64_t{-1}, int64_t{1} << 40, INT64_MIN, int64_t{300}}) {
        const Tensor converted_number = Converted(Tensor::Scalar(number), to);
        EXPECT_EQ(*converted_number.data<T>(), static_cast<T>(number)) << Name(to);
      }
      const Tensor ends = Tensor::Of<T>(Shape{2}, {Limits::min(), Limits::max()});
      const Tensor wide = Converted(ends, DType::kUint64);
      const Tensor real = Converted(ends, DType::kFloat64);
      const Tensor truth = Converted(ends, DType::kBool);
      for (int i = 0; i < 2; ++i) {
        const T end = ends.data<T>()[i];
        EXPECT_EQ(wide.data<uint64_t>()[i], static_cast<uint64_t>(end)) << Name(to);
        EXPECT_EQ(real.data<double>()[i], static_cast<double>(end)) << Name(to);
        EXPECT_EQ(truth.data<bool>()[i], end != 0) << Name(to);
      }
    });
  }
  EXPECT_EQ(Converted(Tensor::Scalar(0.25), DType::kBool).scalar<bool>(), true);
  EXPECT_EQ(Converted(Tensor::Scalar(NAN), DType::kBool).scalar<bool>(), true);
  EXPECT_TRUE(std::isinf(Converted(Tensor::Scalar(1e6), DType::kFloat16).scalar<Float16>()));
  // Just above the middle of two float32. It is rounded once: as a float64 it would be the middle.
  EXPECT_EQ(Converted(Tensor::Scalar(int64_t{16777217} << 30 | 1), DType::kFloat32).scalar<float>(),
            static_cast<float>(int64_t{16777218} << 30));
}

TEST(ElementsTest, ABoolIsZeroOrOne) {
  for (const DType dtype : AllDTypes()) {
    for (int byte = 0; byte < 256; ++byte) {
      const std::vector<std::byte> elements(8, static_cast<std::byte>(byte));
      EXPECT_EQ(AreValid(dtype, elements), dtype != DType::kBool || byte <= 1) << Name(dtype);
    }
  }
}

template <typename T>
void ExpectOnlyTheNonFiniteAreFound() {
  using Limits = std::numeric_limits<T>;
  const auto of = [](float x) { return static_cast<T>(x); };
  const std::vector<T> finite = {of(0),
                                 of(-0.0F),
                                 Limits::max(),
                                 Limits::min(),
                                 Limits::lowest(),
                                 Limits::denorm_min(),
                                 static_cast<T>(-Limits::denorm_min())};
  std::vector<T> others = {Limits::infinity(), static_cast<T>(-Limits::infinity()),
                           Limits::quiet_NaN(), static_cast<T>(-Limits::quiet_NaN())};
  if constexpr (std::is_floating_point_v<T>) others.push_back(Limits::signaling_NaN());
  constexpr size_t kSize = 37;
  for (T x : finite) {
    const Tensor tensor = Tensor::Of<T>(Shape{kSize}, std::vector<T>(kSize, x));
    EXPECT_TRUE(AllFinite(tensor.dtype(), tensor.bytes())) << x;
    EXPECT_EQ(FirstNonFinite(tensor), -1) << x;
  }
  for (T x : others) {
    for (size_t at = 0; at < kSize; ++at) {
      Tensor tensor = Tensor::Of<T>(Shape{kSize}, std::vector<T>(kSize, of(1)));
      tensor.template mutable_data<T>()[at] = x;
      EXPECT_FALSE(AllFinite(tensor.dtype(), tensor.bytes())) << x << " at " << at;
      EXPECT_EQ(FirstNonFinite(tensor), static_cast<int64_t>(at)) << x;
    }
  }
}

TEST(ElementsTest, WhatIsFinite) {
  for (const DType dtype : AllDTypes()) {
    VisitFloating(dtype,
                  [](auto tag) { ExpectOnlyTheNonFiniteAreFound<typename decltype(tag)::type>(); });
    if (IsFloating(dtype)) continue;
    Tensor ones = Zeros(dtype, Shape{9});
    std::memset(ones.mutable_raw(), dtype == DType::kBool ? 1 : 0xff, ones.byte_size());
    EXPECT_EQ(FirstNonFinite(ones), -1) << Name(dtype);
  }
}

TEST(CombineTest, IntegersWrapAndFloatsRound) {
  for (const DType dtype : AllDTypes()) {
    if (dtype == DType::kBool) continue;
    VisitDType(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      using Limits = std::numeric_limits<T>;
      const auto one = static_cast<T>(1);
      Tensor variable = Tensor::Of<T>(Shape{3}, {Limits::lowest(), one, Limits::max()});
      const Tensor ones = Tensor::Of<T>(Shape{3}, {one, one, one});
      const int64_t rows[] = {2, 0, 2};
      Combine(AssignOp::kAdd, ones, {}, variable);
      Combine(AssignOp::kSub, ones, {}, variable);
      if (IsInteger(dtype)) {
        EXPECT_EQ(variable.data<T>()[0], Limits::lowest()) << Name(dtype);
        EXPECT_EQ(variable.data<T>()[2], Limits::max()) << Name(dtype);
        Combine(AssignOp::kScatterAdd, ones, rows, variable);  // two to the last
        EXPECT_EQ(variable.data<T>()[2], static_cast<T>(Limits::lowest() + 1)) << Name(dtype);
        Combine(AssignOp::kScatterSub, ones, rows, variable);
        EXPECT_EQ(variable.data<T>()[2], Limits::max()) << Name(dtype);
        EXPECT_EQ(variable.data<T>()[0], Limits::lowest()) << Name(dtype);
      }
      EXPECT_EQ(variable.data<T>()[1], one) << Name(dtype);
      Combine(AssignOp::kScatterUpdate, ones, rows, variable);
      EXPECT_EQ(Summarize(variable), "[1 1 1]") << Name(dtype);
    });
  }
  // Of float16, 2048 + 1 is 2048: to even.
  Tensor half = Tensor::Scalar(Float16(2048.0F));
  Combine(AssignOp::kAdd, Tensor::Scalar(Float16(1.0F)), {}, half);
  EXPECT_EQ(half.scalar<Float16>(), 2048);
}

}  // namespace
}  // namespace varscope

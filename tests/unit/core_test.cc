// The value types of proto/core: names, dtypes, shapes, tensors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "proto/core/allocate.h"
#include "proto/core/block_pool.h"
#include "proto/core/crc32c.h"
#include "proto/core/names.h"
#include "proto/core/pages.h"
#include "proto/core/parallel.h"
#include "proto/core/shape_rules.h"
#include "varscope/dtype.h"
#include "varscope/initializer_spec.h"
#include "varscope/shape.h"
#include "varscope/tensor.h"

namespace varscope {
namespace {

using ::testing::HasSubstr;

TEST(NamesTest, OpNamesAreTensorFlows) {
  for (const char* good : {"a", "A.b", ".a", "a/b/c_1", "1", "a\\b", "a>b", "a-b"}) {
    EXPECT_TRUE(IsValidOpName(good)) << good;
  }
  for (const char* bad : {"", "_a", "-a", "/a", "a b", "a:0", "a\n", "\xc3\xa9"}) {
    EXPECT_FALSE(IsValidOpName(bad)) << bad;
  }
  EXPECT_TRUE(IsValidScopeName("_a"));
  EXPECT_TRUE(IsValidScopeName(""));
}

TEST(NamesTest, ErrorsQuoteNamesSafely) {
  EXPECT_EQ(ValidateVariableName(std::string(1024, 'x')), absl::OkStatus());
  const std::string text(ValidateVariableName(std::string(5000, 'x') + "\n").message());
  EXPECT_LT(text.size(), 200U);
  EXPECT_EQ(Printable("a\x01\xff"), "a\\x01\\xff");
  EXPECT_EQ(Printable(std::string(70, 'y')), std::string(64, 'y') + "...");
}

TEST(NamesTest, WorkerIds) {
  EXPECT_TRUE(ValidateWorkerId("host-1/7").ok());
  EXPECT_FALSE(ValidateWorkerId("").ok());
  EXPECT_FALSE(ValidateWorkerId("two words").ok());
  EXPECT_TRUE(ValidateWorkerId(std::string(256, 'w')).ok());
  EXPECT_FALSE(ValidateWorkerId(std::string(257, 'w')).ok());
}

// RFC 3720, appendix B.4.
TEST(Crc32cTest, KnownAnswers) {
  const std::vector<std::byte> zeros(32, std::byte{0});
  EXPECT_EQ(Crc32c(zeros), 0x8a9136aaU);
  const std::vector<std::byte> ones(32, std::byte{0xff});
  EXPECT_EQ(Crc32c(ones), 0x62a8ab43U);
  const uint32_t first = Crc32c(std::span(zeros).first(5));
  EXPECT_EQ(Crc32c(std::span(zeros).subspan(5), first), Crc32c(zeros));
  EXPECT_EQ(Crc32c({}), 0U);
}

TEST(ShapeTest, PrintsAsPython) {
  EXPECT_EQ(Shape{}.ToString(), "()");
  EXPECT_EQ(Shape{2}.ToString(), "(2,)");
  EXPECT_EQ((Shape{2, 3}).ToString(), "(2, 3)");
  EXPECT_EQ((Shape{Shape::kUnknownDim, 3}).ToString(), "(None, 3)");
  EXPECT_EQ(Shape::Unknown().ToString(), "<unknown>");
}

TEST(ShapeTest, ByteSizeRefusesWhatDoesNotFit) {
  EXPECT_EQ(ByteSize(DType::kFloat32, Shape{2, 3}).value(), 24U);
  EXPECT_EQ(ByteSize(DType::kFloat64, Shape{}).value(), 8U);
  EXPECT_EQ(ByteSize(DType::kFloat32, (Shape{0, int64_t{1} << 40})).value(), 0U);
  EXPECT_FALSE(ByteSize(DType::kFloat32, Shape{-1}).ok());
  EXPECT_FALSE(ByteSize(DType::kFloat32, Shape::Unknown()).ok());
  EXPECT_FALSE(ByteSize(DType::kFloat32, (Shape{int64_t{1} << 40, int64_t{1} << 40})).ok());
  EXPECT_FALSE(ByteSize(DType::kFloat64, Shape{int64_t{1} << 61}).ok());
  EXPECT_FALSE(ByteSize(DType::kFloat32, Shape(std::vector<int64_t>(17, 1))).ok());
}

TEST(ShapeTest, Compatibility) {
  EXPECT_TRUE((Shape{2, -1}).IsCompatibleWith(Shape{2, 5}));
  EXPECT_TRUE(Shape::Unknown().IsCompatibleWith(Shape{2}));
  EXPECT_FALSE((Shape{2}).IsCompatibleWith(Shape{3}));
  EXPECT_FALSE((Shape{2}).IsCompatibleWith(Shape{2, 1}));
}

TEST(ShapeTest, BroadcastsAsNumPy) {
  EXPECT_EQ(Broadcast(Shape{2, 1, 3}, Shape{4, 1}).value(), (Shape{2, 4, 3}));
  EXPECT_EQ(Broadcast(Shape{}, Shape{5}).value(), Shape{5});
  EXPECT_EQ(Broadcast(Shape{-1, 3}, Shape{1}).value(), (Shape{-1, 3}));
  EXPECT_FALSE(Broadcast(Shape{2}, Shape{3}).ok());
}

TEST(TensorTest, CopiesShareBytesAndClonesDoNot) {
  Tensor a = Tensor::Of<float>(Shape{2}, {1, 2});
  EXPECT_TRUE(a.unique());
  const Tensor shared = a;
  EXPECT_FALSE(a.unique());
  Tensor cloned = a.Clone();
  EXPECT_TRUE(BytesEqual(a, cloned));
  *cloned.mutable_data<float>() = 7;
  EXPECT_EQ(shared.data<float>()[0], 1);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a.raw()) % Block::kAlignment, 0U);
}

TEST(TensorTest, RefusesMemoryThatCannotBeHad) {
  EXPECT_EQ(TryAllocate(DType::kFloat32, Shape{int64_t{1} << 50}).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(TryAllocate(DType::kFloat32, Shape{-3}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(TensorTest, FindsTheFirstNonFiniteElementAnywhere) {
  for (const int64_t size : {1, 7, 64, 1000}) {
    Tensor t(DType::kFloat32, Shape{size});
    for (float& x : t.mutable_values<float>()) x = 1;
    EXPECT_EQ(FirstNonFinite(t), -1);
    for (const int64_t at : {size - 1, size / 2, int64_t{0}}) {
      t.mutable_data<float>()[at] = std::numeric_limits<float>::infinity();
      EXPECT_EQ(FirstNonFinite(t), at);
    }
  }
  EXPECT_EQ(FirstNonFinite(Tensor::Of<double>(Shape{2}, {0, std::nan("")})), 1);
  EXPECT_EQ(FirstNonFinite(Tensor::Of<int32_t>(Shape{1}, {-1})), -1);
}

TEST(InitializerSpecTest, DifferentValuesHaveDifferentTexts) {
  InitializerSpec uniform{.kind = "random_uniform"};
  uniform.parameters = {{"minval", -1}, {"maxval", 1}};
  EXPECT_EQ(ToString(uniform), "random_uniform(maxval=1, minval=-1)");
  InitializerSpec seeded = uniform;
  seeded.seed = 7;
  EXPECT_NE(ToString(uniform), ToString(seeded));
  InitializerSpec one{.kind = "value"};
  one.value = Tensor::Scalar(1.0F);
  InitializerSpec two = one;
  two.value = Tensor::Scalar(2.0F);
  EXPECT_THAT(ToString(one), HasSubstr("value(crc32="));
  EXPECT_NE(ToString(one), ToString(two));
}

TEST(PagesTest, AreZeroAndLieAtAHugePage) {
  for (const size_t size : {size_t{1}, kHugePageBytes, 3 * kHugePageBytes + 5}) {
    std::byte* const pages = MapPages(size);
    ASSERT_NE(pages, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pages) % kHugePageBytes, 0U);
    EXPECT_EQ(pages[0], std::byte{0});
    EXPECT_EQ(pages[size - 1], std::byte{0});
    std::memset(pages, 1, size);
    UnmapPages(pages, size);
  }
  EXPECT_EQ(MapPages(SIZE_MAX), nullptr);
  EXPECT_EQ(MapPages(size_t{1} << 60), nullptr);
}

TEST(BlockPoolTest, ABlockIsUsedAgainAndTheLimitHolds) {
  const auto pool = std::make_shared<BlockPool>(3 * BlockPool::kSmallest);
  const std::byte* first = nullptr;
  {
    const BlockRef block = pool->TryTake(BlockPool::kSmallest);
    first = block->data();
  }
  if (pool->kept() == 0) GTEST_SKIP() << "a sanitizer has it off";
  EXPECT_EQ(pool->kept(), BlockPool::kSmallest);
  const BlockRef again = pool->TryTake(BlockPool::kSmallest);
  EXPECT_EQ(again->data(), first);
  EXPECT_EQ(pool->kept(), 0U);
  {
    const BlockRef a = pool->TryTake(2 * BlockPool::kSmallest);
    const BlockRef b = pool->TryTake(2 * BlockPool::kSmallest);
    const BlockRef huge = pool->TryTake(4 * BlockPool::kSmallest);
  }
  EXPECT_LE(pool->kept(), 3 * BlockPool::kSmallest);
  EXPECT_GT(pool->kept(), 0U);
}

TEST(BlockPoolTest, ABlockAboveTheLimitIsKeptAlone) {
  const auto pool = std::make_shared<BlockPool>(BlockPool::kSmallest);
  constexpr size_t kLarge = 2 * kHugePageBytes;
  pool->TryTake(BlockPool::kSmallest);
  const std::byte* const first = pool->TryTake(kLarge)->data();
  if (pool->kept() == 0) GTEST_SKIP() << "a sanitizer has it off";
  EXPECT_EQ(pool->kept(), kLarge);
  {
    // Its pages were offered to the system: they are as good as new.
    const BlockRef again = pool->TryTake(kLarge);
    ASSERT_EQ(again->data(), first);
    std::memset(again->data(), 7, kLarge);
    EXPECT_EQ(std::count(again->data(), again->data() + kLarge, std::byte{7}),
              static_cast<int64_t>(kLarge));
  }
  pool->TryTake(BlockPool::kSmallest);
  EXPECT_EQ(pool->kept(), BlockPool::kSmallest);
}

TEST(ParallelForTest, CoversEachItemOnce) {
  for (const size_t n :
       {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{1000}, size_t{99999}}) {
    std::vector<int> touched(n);
    ParallelFor(n, 10, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) ++touched[i];
    });
    EXPECT_EQ(std::count(touched.begin(), touched.end(), 1), static_cast<int64_t>(n));
  }
}

TEST(ParallelForTest, ServesSeveralCallersAtOnce) {
  std::atomic<int64_t> sum{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        ParallelFor(1000, 1, [&](size_t begin, size_t end) { sum += end - begin; });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 8 * 50 * 1000);
}

TEST(TensorTest, FindsTheFirstNonFiniteOfManyElements) {
  Tensor tensor(DType::kFloat32, Shape{1 << 20});
  for (float& x : tensor.mutable_values<float>()) x = 1;
  EXPECT_EQ(FirstNonFinite(tensor), -1);
  tensor.mutable_data<float>()[1'000'000] = std::numeric_limits<float>::infinity();
  tensor.mutable_data<float>()[700'000] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(FirstNonFinite(tensor), 700'000);
}

}  // namespace
}  // namespace varscope

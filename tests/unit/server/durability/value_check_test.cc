#include "server/durability/value_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "proto/tensor/shape_rules.h"

namespace varscope::server {
namespace {

std::unique_ptr<Variable> Make(DType dtype, Shape shape) {
  auto variable = std::make_unique<Variable>(
      VariableDefinition{.name = "v", .dtype = dtype, .shape = shape}, MemoryAccount::Hold());
  const MutexLock lock(variable->mutex);
  variable->value = Tensor(dtype, shape);
  return variable;
}

std::vector<Variable*> Pointers(const std::vector<std::unique_ptr<Variable>>& all) {
  std::vector<Variable*> out;
  for (const auto& variable : all) out.push_back(variable.get());
  return out;
}

TEST(ValueCheckTest, EveryByteIsLookedAtInTurn) {
  std::vector<std::unique_ptr<Variable>> all;
  all.push_back(Make(DType::kFloat32, Shape{}));
  all.push_back(Make(DType::kFloat32, Shape{0, 3}));
  all.push_back(Make(DType::kInt8, Shape{5000}));
  all.push_back(Make(DType::kFloat64, Shape{1000, 33}));
  const std::vector<Variable*> written = Pointers(all);
  std::map<uint32_t, std::vector<bool>> seen;
  for (uint32_t i = 0; i < written.size(); ++i) {
    seen[i].resize(ByteSize(all[i]->def.dtype, all[i]->def.shape).value());
  }
  for (uint64_t turn = 0; turn < 1000; ++turn) {
    const ValueCheck check = ChooseCheck(written, turn).value();
    ASSERT_LT(check.variable, written.size());
    std::vector<bool>& bytes = seen[check.variable];
    ASSERT_LE(check.offset + check.bytes, bytes.size());
    std::fill_n(bytes.begin() + static_cast<int64_t>(check.offset), check.bytes, true);
  }
  for (const auto& [i, bytes] : seen) {
    EXPECT_EQ(std::count(bytes.begin(), bytes.end(), false), 0) << i;
  }
}

TEST(ValueCheckTest, LittleOfALargeVariableAtATime) {
  const auto variable = Make(DType::kFloat32, Shape{int64_t{1} << 24});
  std::vector<Variable*> written = {variable.get()};
  std::set<uint64_t> offsets;
  for (uint64_t turn = 0; turn < 2000; ++turn) {
    const ValueCheck check = ChooseCheck(written, turn).value();
    EXPECT_EQ(check.bytes, 1U << 20);
    offsets.insert(check.offset);
  }
  EXPECT_EQ(offsets.size(), 64U);
}

TEST(ValueCheckTest, NothingWrittenIsNotChecked) { EXPECT_FALSE(ChooseCheck({}, 1).has_value()); }

// Whatever the log says: it may have been damaged.
TEST(ValueCheckTest, TheChecksumChangesWithItsBytesAlone) {
  const auto variable = Make(DType::kInt8, Shape{64});
  const MutexLock lock(variable->mutex);
  const ValueCheck check{.bytes = 16, .offset = 8};
  const uint32_t before = ChecksumOf(*variable, check);
  for (int64_t i = 0; i < 64; ++i) {
    variable->value.mutable_data<int8_t>()[i] ^= 1;
    EXPECT_EQ(ChecksumOf(*variable, check) == before, i < 8 || i >= 24) << i;
    variable->value.mutable_data<int8_t>()[i] ^= 1;
  }
  EXPECT_EQ(ChecksumOf(*variable, {.bytes = UINT32_MAX, .offset = 64}), 0U);
  EXPECT_EQ(ChecksumOf(*variable, {.bytes = 1, .offset = UINT64_MAX}), 0U);
}

}  // namespace
}  // namespace varscope::server

#include "server/durability/value_check.h"

#include <algorithm>

#include "proto/tensor/shape_rules.h"
#include "proto/wire/crc32c.h"

namespace varscope::server {
namespace {

// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): one by one the turns would meet the same
// variables again and again where the workers push in turn.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

std::optional<ValueCheck> ChooseCheck(std::span<Variable* const> written, uint64_t turn) {
  constexpr uint64_t kLeastBytes = 4096;
  constexpr uint64_t kMostBytes = uint64_t{1} << 20;  // hashed while the variable is locked
  if (written.empty()) return std::nullopt;
  const uint64_t drawn = Mix(turn);
  ValueCheck check{.variable = static_cast<uint32_t>(drawn % written.size())};
  const VariableDefinition& def = written[check.variable]->def;
  const uint64_t size = ByteSize(def.dtype, def.shape).value_or(0);
  const uint64_t most = std::clamp(size / 8, kLeastBytes, kMostBytes);
  const uint64_t pieces = std::max<uint64_t>(1, (size + most - 1) / most);
  check.offset = (drawn >> 32) % pieces * most;
  check.bytes = static_cast<uint32_t>(std::min(most, size - check.offset));
  return check;
}

uint32_t ChecksumOf(const Variable& variable, const ValueCheck& check) {
  const std::span<const std::byte> all = variable.value.bytes();
  if (check.offset > all.size()) return 0;
  return Crc32c(
      all.subspan(check.offset, std::min<size_t>(check.bytes, all.size() - check.offset)));
}

}  // namespace varscope::server

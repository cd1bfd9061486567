#include "client/graph/throw.h"

#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include "varscope/errors.h"

namespace varscope {
namespace {

constexpr size_t kCodes = static_cast<size_t>(ErrorCode::kUnauthenticated);

template <size_t kIndex>
[[noreturn]] void Throw(const std::string& message) {
  throw OpErrorOf<static_cast<ErrorCode>(kIndex + 1)>(message);
}

// Abseil's codes are ErrorCode's: the class for code c is at c - 1.
template <size_t... kIndex>
constexpr auto Throwers(std::index_sequence<kIndex...>) {
  return std::array{&Throw<kIndex>...};
}

}  // namespace

void ThrowIfError(const absl::Status& status) {
  if (status.ok()) return;
  static constexpr auto kThrowers = Throwers(std::make_index_sequence<kCodes>());
  kThrowers[static_cast<size_t>(status.code()) - 1](std::string(status.message()));
}

}  // namespace varscope

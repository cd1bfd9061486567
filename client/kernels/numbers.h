// Integers that shapes are made of.
#ifndef VARSCOPE_CLIENT_KERNELS_NUMBERS_H_
#define VARSCOPE_CLIENT_KERNELS_NUMBERS_H_

#include <cstdint>
#include <optional>
#include <vector>

namespace varscope::internal {

// Those that a tensor holds, row-major; nothing where one is not known when the graph is built.
using Numbers = std::vector<std::optional<int64_t>>;

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_NUMBERS_H_

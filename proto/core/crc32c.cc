#include "proto/core/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace varscope {

uint32_t Crc32c(std::span<const std::byte> bytes, uint32_t before) {
  // The library counts in int, and inverts neither at the start nor at the end.
  constexpr size_t kMaxCall = size_t{1} << 30;
  uint32_t crc = ~before;
  while (!bytes.empty()) {
    const size_t n = std::min(bytes.size(), kMaxCall);
    auto* const data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));
    crc = crc32_iscsi(data, static_cast<int>(n), crc);
    bytes = bytes.subspan(n);
  }
  return ~crc;
}

}  // namespace varscope

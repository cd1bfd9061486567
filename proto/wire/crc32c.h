// CRC32C (Castagnoli), as iSCSI (RFC 3720) has it, by the processor's instruction where there is
// one (Intel's ISA-L).
#ifndef VARSCOPE_PROTO_WIRE_CRC32C_H_
#define VARSCOPE_PROTO_WIRE_CRC32C_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace varscope {

// Of `bytes`, or of what gave `before` followed by `bytes`. Thread-safe.
uint32_t Crc32c(std::span<const std::byte> bytes, uint32_t before = 0);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_WIRE_CRC32C_H_

// Memory straight from the system, in huge pages where it allows: the first touch of a small page
// costs several times the copy of its bytes.
#ifndef VARSCOPE_PROTO_TENSOR_PAGES_H_
#define VARSCOPE_PROTO_TENSOR_PAGES_H_

#include <cstddef>

namespace varscope {

// Of x86-64, and of AArch64 with its usual 4 KiB pages.
inline constexpr size_t kHugePageBytes = size_t{2} << 20;

// Zeros, aligned to a huge page; null when they cannot be had. Thread-safe.
std::byte* MapPages(size_t size);
// Of pages whose contents nobody needs: the system may take them when memory is short, until they
// are written again. They then hold zeros, or what they held.
void OfferPages(std::byte* data, size_t size);
// What MapPages gave for this size.
void UnmapPages(std::byte* data, size_t size);
// What is mapped now, in bytes. Thread-safe.
size_t MappedBytes();

}  // namespace varscope

#endif  // VARSCOPE_PROTO_TENSOR_PAGES_H_

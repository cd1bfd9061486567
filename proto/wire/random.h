// Numbers that nobody foresees.
#ifndef VARSCOPE_PROTO_WIRE_RANDOM_H_
#define VARSCOPE_PROTO_WIRE_RANDOM_H_

#include <cstdint>
#include <random>

namespace varscope {

// 64 bits from the system, for identities and seeds. Thread-safe.
inline uint64_t Random64() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

}  // namespace varscope

#endif  // VARSCOPE_PROTO_WIRE_RANDOM_H_

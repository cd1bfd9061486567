// What is kept of each call and each stream beside its messages: gRPC's objects and the server's.
#ifndef VARSCOPE_SERVER_RPC_CALL_BYTES_H_
#define VARSCOPE_SERVER_RPC_CALL_BYTES_H_

#include <cstdint>

namespace varscope::server {

// About. Whatever begins takes so much of MemoryAccount, and gives it back when it has ended.
inline constexpr uint64_t kCallBytes = uint64_t{16} << 10;

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_CALL_BYTES_H_

// What this machine can do at best, with nothing in between.
#ifndef VARSCOPE_TESTS_BENCH_CEILINGS_H_
#define VARSCOPE_TESTS_BENCH_CEILINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/measure.h"

namespace varscope::bench {

// memcpy; a byte over a TCP or Unix socket to another process and `size` bytes back, read into
// memory that was touched before.
std::vector<Result> MeasureCeilings(const std::vector<uint64_t>& sizes, const Effort& effort);

// The same over one bare gRPC stream of slices that are never copied, as large as our frames,
// copied once by the reader: what varscope stands on. The reader spins as ours does; the server
// uses gRPC's callback API, or a completion queue of its own, as the server does and few others.
// TCP and Unix socket.
std::vector<Result> MeasureGrpcFloor(const std::vector<uint64_t>& sizes, const Effort& effort,
                                     bool own_queue);
// Its other side, in a process of its own: serves at the path, writes its TCP port to `ready`.
void ServeGrpcFloor(const std::string& unix_path, bool own_queue, int ready);

}  // namespace varscope::bench

#endif  // VARSCOPE_TESTS_BENCH_CEILINGS_H_

// When calls must have ended.
#ifndef VARSCOPE_CLIENT_RPC_DEADLINE_H_
#define VARSCOPE_CLIENT_RPC_DEADLINE_H_

#include <grpc/support/time.h>

#include <chrono>

namespace varscope::internal {

// Steady: whoever sets the system's time neither ends a call nor prolongs it.
using Clock = std::chrono::steady_clock;

// About 30 years: clocks can add it.
constexpr std::chrono::milliseconds kLongestTimeout = std::chrono::seconds(1'000'000'000);

// The same time as gRPC's calls take it.
inline gpr_timespec ToGrpc(Clock::time_point deadline) {
  if (deadline == Clock::time_point::max()) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  const Clock::time_point now = Clock::now();
  if (deadline <= now) return gpr_inf_past(GPR_CLOCK_MONOTONIC);
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(deadline - now);
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_micros(left.count(), GPR_TIMESPAN));
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_DEADLINE_H_

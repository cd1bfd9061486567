// Looking for what comes before sleeping until it comes.
#ifndef VARSCOPE_PROTO_CONCURRENCY_SPIN_H_
#define VARSCOPE_PROTO_CONCURRENCY_SPIN_H_

#include <chrono>

#include "absl/functional/function_ref.h"

namespace varscope {

// Whether `ready` came true before `until`, at the latest. To fall asleep and be woken takes each
// side tens of microseconds on a virtual machine; this costs that much of a core instead. Whoever
// else wants to run goes first after each `looks`. False at once where there is only one core:
// nothing changes while this thread has it.
bool Spin(std::chrono::steady_clock::time_point until, int looks, absl::FunctionRef<bool()> ready);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_CONCURRENCY_SPIN_H_

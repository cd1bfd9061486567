#include "proto/concurrency/spin.h"

#include <thread>

namespace varscope {
namespace {

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

bool Spin(std::chrono::steady_clock::time_point until, int looks, absl::FunctionRef<bool()> ready) {
  static const bool alone = std::thread::hardware_concurrency() < 2;
  if (alone) return false;
  do {
    for (int i = 0; i < looks; ++i) {
      if (ready()) return true;
      Pause();
    }
    std::this_thread::yield();
  } while (std::chrono::steady_clock::now() < until);
  return false;
}

}  // namespace varscope

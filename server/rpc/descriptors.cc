#include "server/rpc/descriptors.h"

#include <sys/resource.h>

#include <algorithm>
#include <climits>

namespace varscope::server {
namespace {

constexpr rlim_t kMostReserved = 64;

}  // namespace

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int ConnectionDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return INT_MAX;
  const rlim_t reserved = std::min(limit.rlim_cur / 8, kMostReserved);
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur - reserved, INT_MAX));
}

}  // namespace varscope::server

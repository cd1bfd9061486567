#include "server/memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace varscope::server {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

// "MemTotal:       16306192 kB".
uint64_t MachineMemory(const fs::path& meminfo) {
  std::ifstream in(meminfo);
  std::string key;
  for (uint64_t kilobytes = 0; in >> key >> kilobytes; in.ignore(kNoLimit >> 1, '\n')) {
    if (key == "MemTotal:") return kilobytes << 10;
  }
  return kNoLimit;
}

// No limit when there is no such file, or "max" in it.
uint64_t LimitIn(const fs::path& file) {
  std::ifstream in(file);
  uint64_t bytes = 0;
  return in >> bytes ? bytes : kNoLimit;
}

// Of the control group and all around it. A group that is not to be seen is another namespace's:
// then the hierarchy's top, which is always looked at, is what holds.
uint64_t LeastLimit(const fs::path& hierarchy, const std::string& group, const char* file) {
  uint64_t least = LimitIn(hierarchy / file);
  fs::path folder = hierarchy;
  for (absl::string_view part : absl::StrSplit(group, '/', absl::SkipEmpty())) {
    folder /= std::string(part);
    least = std::min(least, LimitIn(folder / file));
  }
  return least;
}

struct Size {
  uint64_t all = 0;
  uint64_t resident = 0;
};
// Of this process, in bytes.
Size SizeNow() {
  std::ifstream in("/proc/self/statm");
  Size pages;
  if (!(in >> pages.all >> pages.resident)) return {};
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return {pages.all * page, pages.resident * page};
}

}  // namespace

uint64_t MemoryOf(const fs::path& root) {
  uint64_t memory = MachineMemory(root / "proc/meminfo");
  const fs::path groups = root / "sys/fs/cgroup";
  std::ifstream in(root / "proc/self/cgroup");
  // "0::/PATH" in version 2, "4:cpu,memory:/PATH" in version 1.
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const std::vector<std::string> controllers = absl::StrSplit(fields[1], ',');
    if (fields[1].empty()) {
      memory = std::min(memory, LeastLimit(groups, fields[2], "memory.max"));
    } else if (absl::c_linear_search(controllers, "memory")) {
      memory = std::min(memory, LeastLimit(groups / "memory", fields[2], "memory.limit_in_bytes"));
    }
  }
  return memory;
}

uint64_t UsableMemory() {
  uint64_t memory = MemoryOf("/");
  const uint64_t taken = SizeNow().all;
  for (const auto resource : {RLIMIT_AS, RLIMIT_DATA}) {
    rlimit limit{};
    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) continue;
    const uint64_t left = limit.rlim_cur - std::min<uint64_t>(limit.rlim_cur, taken);
    memory = std::min(memory, left / 2);
  }
  return memory;
}

uint64_t ResidentMemory() { return SizeNow().resident; }

}  // namespace varscope::server

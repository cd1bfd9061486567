#include "client/rpc/worker_id.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/concurrency/mutex.h"
#include "proto/naming/names.h"
#include "proto/wire/random.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

// Ids that open connections of this process have from the environment.
struct Taken {
  Mutex mutex;
  std::set<std::string> ids ABSL_GUARDED_BY(mutex);
};

Taken& TakenIds() {
  static auto* const taken = new Taken;
  return *taken;
}

std::string TakeFree(const std::string& id) {
  Taken& taken = TakenIds();
  MutexLock lock(taken.mutex);
  std::string free = id;
  for (int i = 1; !taken.ids.insert(free).second; ++i) free = absl::StrCat(id, "-", i);
  return free;
}

std::string DrawId() {
  static std::atomic<int> next{0};
  return absl::StrCat(HostName(), "-", getpid(), "-", next++, "-",
                      absl::Hex(static_cast<uint32_t>(Random64()), absl::kZeroPad8));
}

void CheckId(const std::string& id) {
  if (absl::Status status = ValidateWorkerId(id); !status.ok()) {
    throw ValueError(std::string(status.message()));
  }
}

}  // namespace

WorkerId::WorkerId(const ConnectOptions& options) : text_(options.worker_id) {
  const char* const environment = std::getenv("VARSCOPE_WORKER");
  from_environment_ = text_.empty() && environment != nullptr && *environment != '\0';
  if (from_environment_) CheckId(environment);
  if (from_environment_) text_ = TakeFree(environment);
  if (text_.empty()) text_ = DrawId();
  // One that a number has made too long stays taken.
  CheckId(text_);
}

WorkerId::~WorkerId() {
  if (!from_environment_) return;
  Taken& taken = TakenIds();
  const MutexLock lock(taken.mutex);
  taken.ids.erase(text_);
}

std::string HostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

}  // namespace varscope::internal

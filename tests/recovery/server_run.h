// A store that is kept in a directory, for one run of its server, and what must survive it.
#ifndef VARSCOPE_TESTS_RECOVERY_SERVER_RUN_H_
#define VARSCOPE_TESTS_RECOVERY_SERVER_RUN_H_

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/durability/recorder.h"
#include "server/durability/recovery.h"
#include "server/membership/workers.h"
#include "server/store/store.h"
#include "server/sync/synchronizer.h"
#include "tests/support/push.h"
#include "tests/support/state_of.h"

namespace varscope::testing {

struct ServerRunOptions {
  server::DurabilityLevel level = server::DurabilityLevel::kSync;
  server::StoreLimits limits{uint64_t{1} << 30, uint64_t{1} << 30};
  std::vector<std::string> groups;  // as --sync
  uint64_t max_header_bytes = uint64_t{1} << 30;
  std::chrono::milliseconds interval{5};  // of kAsync
};

// Throws std::runtime_error when the directory does not recover.
class ServerRun {
 public:
  explicit ServerRun(const std::filesystem::path& directory, const ServerRunOptions& options = {});

  server::Store& store() { return store_; }
  server::Workers& workers() { return workers_; }
  server::Recorder& recorder() { return *recorder_; }
  const server::Recovered& recovered() const { return recovered_; }
  std::string state() const { return StateOf(store_, workers_); }

  // Through the group of its variables. Nothing while it waits for others.
  using Answer = std::shared_ptr<std::optional<absl::StatusOr<server::PushResult>>>;
  Answer Submit(const server::Push& push);
  // Ends all that waits, and what is made of it; nothing changes any more.
  void StopGroups() { synchronizer_->Stop(); }
  // Until all changes so far are on stable storage, or the error.
  absl::Status Settle();

 private:
  server::Store store_;
  server::Workers workers_;
  server::Recovered recovered_;
  std::optional<server::Recorder> recorder_;
  std::optional<server::Synchronizer> synchronizer_;
};

// A directory as a kill would leave it now.
void CopyDirectory(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_RECOVERY_SERVER_RUN_H_

#include "server/data_directory.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/durability/file_names.h"
#include "server/durability/log.h"
#include "server/durability/recorder.h"
#include "server/durability/recovery.h"
#include "server/durability/session_secret.h"

namespace varscope::server {
namespace {

// Of records that wait for stable storage.
uint64_t MaxPendingBytes(uint64_t memory_limit) {
  const uint64_t most = LogOptions().max_pending_bytes;
  return memory_limit == 0 ? most : std::min(most, memory_limit / 8);
}

absl::StatusOr<SessionKeys> OpenSessionKeys(Directory& directory, Env& env) {
  absl::StatusOr<std::optional<std::string>> kept = ReadSessionSecret(directory);
  if (!kept.ok()) return kept.status();
  if (*kept) return SessionKeys(**std::move(kept));
  std::string secret = SessionKeys::NewSecret(env);
  absl::Status written = WriteSessionSecret(env, directory, secret);
  if (!written.ok()) return written;
  return SessionKeys(std::move(secret));
}

}  // namespace

absl::StatusOr<DataDirectory> OpenDataDirectory(const Options& options, Store& store,
                                                Workers& workers, Env& env,
                                                const std::function<bool()>& stop) {
  if (options.data_dir.empty()) {
    return DataDirectory{std::make_unique<NoDurability>(), SessionKeys(env)};
  }
  absl::StatusOr<std::unique_ptr<Directory>> directory =
      env.OpenDirectory(options.data_dir, IfMissing::kMake);
  if (!directory.ok()) return directory.status();
  if (absl::Status status = (*directory)->Lock(kLockName); !status.ok()) return status;

  const Time start = env.Now();
  const RecoveryOptions how{
      .accept_mismatches = options.accept_mismatches,
      .progress = [](const std::string& how_far) { spdlog::info("recovering: " + how_far); },
      .stop = stop};
  const absl::StatusOr<Recovered> recovered = Recover(**directory, store, workers, env, how);
  if (!recovered.ok()) return recovered.status();
  absl::StatusOr<SessionKeys> session_keys = OpenSessionKeys(**directory, env);
  if (!session_keys.ok()) return session_keys.status();
  for (const std::string& warning : recovered->warnings) {
    spdlog::warn(absl::StrCat("recovery: ", warning));
  }
  const std::chrono::duration<double> seconds = env.Now() - start;
  spdlog::info(fmt::format(
      "recovered {} variables at global step {} in {:.3f} s: snapshot {}, {} log records",
      store.catalog.size(), store.changes.global_step(), seconds.count(),
      recovered->snapshot.empty() ? "none" : recovered->snapshot, recovered->replayed));
  auto recorder = std::make_unique<Recorder>(
      *std::move(directory),
      RecorderOptions{
          .level = options.durability_level,
          .interval = std::chrono::milliseconds(options.durability_interval_ms),
          .snapshot_interval = std::chrono::seconds(options.snapshot_seconds),
          .max_log_bytes = options.max_log_bytes,
          .snapshots_kept = static_cast<size_t>(options.snapshots_kept),
          .owes_snapshot = !recovered->snapshot.empty() && !recovered->snapshot_position,
          .unfinished_rollback = recovered->unfinished_rollback,
          .max_pending_bytes = MaxPendingBytes(options.memory_limit)},
      store, workers, recovered->position, recovered->snapshot_position, env);
  if (recovered->mismatches > 0) {
    spdlog::warn(absl::StrCat(recovered->mismatches, " of ", recovered->replayed,
                              " changes led elsewhere than at their first time"));
    // The next start begins with what was accepted.
    if (const auto taken = recorder->TakeSnapshot(""); !taken.ok()) return taken.status();
  }
  return DataDirectory{std::move(recorder), *std::move(session_keys)};
}

}  // namespace varscope::server

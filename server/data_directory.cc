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

}  // namespace

absl::StatusOr<std::unique_ptr<Durability>> OpenDataDirectory(const Options& options, Store& store,
                                                              Workers& workers, Env& env,
                                                              const std::function<bool()>& stop) {
  if (options.data_dir.empty()) return std::make_unique<NoDurability>();
  const std::filesystem::path directory = options.data_dir;
  Files& files = env.files();
  if (absl::Status status = files.CreateDirectories(directory); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<FileLock>> lock = files.Lock(directory / kLockName);
  if (!lock.ok()) return lock.status();

  const Time start = env.Now();
  const RecoveryOptions how{
      .accept_mismatches = options.accept_mismatches,
      .progress = [](const std::string& how_far) { spdlog::info("recovering: " + how_far); },
      .stop = stop};
  const absl::StatusOr<Recovered> recovered = Recover(directory, store, workers, env, how);
  if (!recovered.ok()) return recovered.status();
  for (const std::string& warning : recovered->warnings) {
    spdlog::warn(absl::StrCat("recovery: ", warning));
  }
  const std::chrono::duration<double> seconds = env.Now() - start;
  spdlog::info(fmt::format(
      "recovered {} variables at global step {} in {:.3f} s: snapshot {}, {} log records",
      store.catalog.size(), store.changes.global_step(), seconds.count(),
      recovered->snapshot.empty() ? "none" : recovered->snapshot.filename().string(),
      recovered->replayed));
  auto recorder = std::make_unique<Recorder>(
      *std::move(lock),
      RecorderOptions{
          .directory = directory,
          .level = options.durability_level,
          .interval = std::chrono::milliseconds(options.durability_interval_ms),
          .snapshot_interval = std::chrono::seconds(options.snapshot_seconds),
          .max_log_bytes = options.max_log_bytes,
          .snapshots_kept = static_cast<size_t>(options.snapshots_kept),
          .owes_snapshot = !recovered->snapshot.empty() && !recovered->snapshot_position,
          .unfinished_rollback = recovered->unfinished_rollback,
          .max_pending_bytes = MaxPendingBytes(options.memory_limit)},
      store, workers, recovered->position, recovered->snapshot_position, env);
  if (recovered->mismatches == 0) return recorder;
  spdlog::warn(absl::StrCat(recovered->mismatches, " of ", recovered->replayed,
                            " changes led elsewhere than at their first time"));
  // The next start begins with what was accepted.
  if (const auto taken = recorder->TakeSnapshot(""); !taken.ok()) return taken.status();
  return recorder;
}

absl::StatusOr<SessionKeys> OpenSessionKeys(const Options& options, Env& env) {
  if (options.data_dir.empty()) return SessionKeys(env);
  absl::StatusOr<std::optional<std::string>> kept =
      ReadSessionSecret(env.files(), options.data_dir);
  if (!kept.ok()) return kept.status();
  if (*kept) return SessionKeys(**std::move(kept));
  std::string secret = SessionKeys::NewSecret(env);
  absl::Status written = WriteSessionSecret(env, options.data_dir, secret);
  if (!written.ok()) return written;
  return SessionKeys(std::move(secret));
}

}  // namespace varscope::server

#include "server/data_directory.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <span>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/durability/file_names.h"
#include "server/durability/log.h"
#include "server/durability/recorder.h"
#include "server/durability/recovery.h"

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
  spdlog::info(absl::StrFormat(
      "recovered %d variables at global step %d in %.3f s: snapshot %s, %d log records",
      store.catalog.List("").size(), store.changes.global_step(), seconds.count(),
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
  Files& files = env.files();
  const std::filesystem::path directory = options.data_dir;
  const std::filesystem::path path = directory / "session-secret";
  std::string secret(SessionKeys::kSecretBytes, '\0');
  absl::StatusOr<std::unique_ptr<ReadableFile>> kept = files.Open(path);
  if (!kept.ok() && !absl::IsNotFound(kept.status())) return kept.status();
  if (kept.ok()) {
    const uint64_t size = (*kept)->size();
    if (size == secret.size()) {
      absl::Status read = (*kept)->Read(std::as_writable_bytes(std::span(secret)));
      if (!read.ok()) return read;
      return SessionKeys(std::move(secret));
    }
    spdlog::warn(absl::StrCat(path.string(), " has ", size, " bytes, expected ", secret.size(),
                              ": it is damaged and will be replaced; workers from before this "
                              "restart have to connect again"));
  }
  secret = SessionKeys::NewSecret(env);
  // Nobody else's business, and nothing that somebody has put there.
  const std::filesystem::path temporary =
      directory / absl::StrCat("session-secret.tmp-", absl::Hex(env.Random64()));
  absl::StatusOr<std::unique_ptr<WritableFile>> file =
      files.Create(temporary, Files::Access::kOwnerOnly);
  if (!file.ok()) return file.status();
  absl::Status written = (*file)->Write(std::as_bytes(std::span(secret)));
  if (written.ok()) written = (*file)->Sync();
  if (written.ok()) written = files.Rename(temporary, path);
  if (written.ok()) written = files.SyncDirectory(directory);
  if (!written.ok()) {
    files.Remove(temporary).IgnoreError();
    return written;
  }
  return SessionKeys(std::move(secret));
}

}  // namespace varscope::server

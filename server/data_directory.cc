#include "server/data_directory.h"

#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <span>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/durability/files.h"
#include "server/durability/recorder.h"
#include "server/durability/recovery.h"

namespace varscope::server {
namespace {

// Held as long as the daemon may write.
absl::StatusOr<File> Lock(const std::filesystem::path& directory) {
  absl::StatusOr<File> file = File::Create(directory / "LOCK");
  if (file.ok() && flock(file->fd(), LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(directory.string(), " is in use by another varscoped"));
  }
  return file;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Durability>> OpenDataDirectory(const Options& options, Store& store,
                                                              Workers& workers) {
  if (options.data_dir.empty()) return std::make_unique<NoDurability>();
  const std::filesystem::path directory = options.data_dir;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return FileError(directory, "create", error.value());
  absl::StatusOr<File> lock = Lock(directory);
  if (!lock.ok()) return lock.status();

  const auto start = std::chrono::steady_clock::now();
  const absl::StatusOr<Recovered> recovered = Recover(directory, store, workers);
  if (!recovered.ok()) return recovered.status();
  for (const std::string& warning : recovered->warnings) {
    spdlog::warn(absl::StrCat("recovery: ", warning));
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  spdlog::info(absl::StrFormat(
      "recovered %d variables at global step %d in %.3f s: snapshot %s, %d log records",
      store.List("").size(), store.global_step(), seconds.count(),
      recovered->snapshot.empty() ? "none" : recovered->snapshot.filename().string(),
      recovered->replayed));
  return std::make_unique<Recorder>(
      *std::move(lock),
      RecorderOptions{.directory = directory,
                      .level = options.durability_level,
                      .interval = std::chrono::milliseconds(options.durability_interval_ms),
                      .snapshot_interval = std::chrono::seconds(options.snapshot_seconds),
                      .snapshots_kept = static_cast<size_t>(options.snapshots_kept)},
      store, workers, recovered->position);
}

absl::StatusOr<SessionKeys> OpenSessionKeys(const Options& options) {
  if (options.data_dir.empty()) return SessionKeys();
  const std::filesystem::path directory = options.data_dir;
  const std::filesystem::path path = directory / "session-secret";
  std::string secret(SessionKeys::kSecretBytes, '\0');
  if (absl::StatusOr<File> kept = File::OpenToRead(path); kept.ok()) {
    const absl::StatusOr<size_t> size = kept->Size();
    if (!size.ok()) return size.status();
    if (*size == secret.size()) {
      absl::Status read = kept->Read(std::as_writable_bytes(std::span(secret)));
      if (!read.ok()) return read;
      return SessionKeys(std::move(secret));
    }
    spdlog::warn(absl::StrCat(path.string(), " has ", *size, " bytes, expected ", secret.size(),
                              ": it is damaged and will be replaced; workers from before this "
                              "restart have to connect again"));
  }
  secret = SessionKeys::NewSecret();
  absl::StatusOr<File> file = File::Create(directory / "session-secret.tmp");
  if (!file.ok()) return file.status();
  // Nobody else's business.
  absl::Status written = fchmod(file->fd(), 0600) == 0
                             ? file->Write(std::as_bytes(std::span(secret)))
                             : FileError(file->path(), "make private", errno);
  if (written.ok()) written = file->Sync();
  if (written.ok()) written = Rename(file->path(), path);
  if (written.ok()) written = SyncDirectory(directory);
  if (!written.ok()) return written;
  return SessionKeys(std::move(secret));
}

}  // namespace varscope::server

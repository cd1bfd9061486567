// When a snapshot is due that nobody asked for, and the room on the disk that it has.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "absl/strings/str_cat.h"
#include "server/durability/recorder.h"

namespace varscope::server {

uint64_t Recorder::StoreBytes() const {
  uint64_t bytes = 0;
  store_.catalog.Read([&](const NameTable& names) { bytes = names.bytes() + names.overhead(); });
  return bytes;
}

Recorder::Room Recorder::LookAtDisk() const {
  Room room{.free = std::numeric_limits<uint64_t>::max(),
            .needed = std::max(StoreBytes(), snapshot_bytes_)};
  const absl::StatusOr<uint64_t> free = directory_->FreeBytes();
  if (free.ok()) room.free = *free;
  // A quota is not in what the file system says.
  if (absl::IsResourceExhausted(log_.failure())) room.free = 0;
  return room;
}

Recorder::Room Recorder::MakeRoom() {
  const Room room = LookAtDisk();
  if (!room.is_short() || !newest_) return room;
  Trim(/*keep=*/1);
  return LookAtDisk();
}

absl::Status Recorder::NoPlaceFor(const std::string& name, const Room& room) const {
  return absl::ResourceExhaustedError(absl::StrCat(
      "no snapshot '", name, "', nothing was changed: it takes about ", room.needed,
      " bytes, and those without a name, which the server needs to go on, have to have room beside "
      "it. About ",
      room.needed_for_named(), " bytes have to be free in ", directory_->path().string(), ", and ",
      room.free,
      " are; make room there, for instance by removing named snapshots that nobody "
      "needs (files snapshot-*-NAME)"));
}

Time Recorder::NextDue() const {
  if (options_.snapshot_interval.count() == 0) return kNever;
  return env_.Now() + options_.snapshot_interval;
}

// A log that is a few times as long as the state that it makes is mostly of the past (as Redis
// rewrites its append-only file). Where the disk ends before that, half is enough: the snapshot
// that takes its place has to be written while it is there. So somebody looks again before the log
// takes much of the room that is left.
Time Recorder::TakeDueSnapshot() {
  constexpr uint64_t kTimes = 4;
  constexpr uint64_t kLookEach = uint64_t{1} << 20;
  constexpr std::chrono::seconds kAfterFailure{10};
  const Seen seen{store_.changes.count(), StoreBytes()};
  const uint64_t most_bytes = options_.max_log_bytes > 0
                                  ? options_.max_log_bytes
                                  : std::max(kLeastLogBytes, kTimes * seen.store_bytes);
  const uint64_t bytes = BytesSinceSnapshot();
  const Room room = [&] {
    MutexLock one(snapshot_mutex_);
    return MakeRoom();
  }();
  const uint64_t look_each = std::min(kLookEach, room.free / 8);
  const bool too_long =
      bytes > (room.is_short() ? std::min(most_bytes, room.needed / 2) : most_bytes);
  const bool failed_lately = env_.Now() < retry_at_;
  const bool due = env_.Now() >= due_;
  if (due) due_ = NextDue();
  // An idle server has nothing new to write.
  const bool changed = due && seen != seen_;
  if (!changed && !too_long && !owes_snapshot_) {
    wake_at_bytes_ = std::min(most_bytes, bytes + look_each);
    return due_;
  }
  wake_at_bytes_ = std::numeric_limits<uint64_t>::max();
  if (!changed && failed_lately) return std::min(due_, retry_at_);
  const absl::StatusOr<TakenSnapshot> taken = TakeSnapshot("");
  if (taken.ok()) {
    seen_ = seen;
    wake_at_bytes_ = std::min(most_bytes, BytesSinceSnapshot() + look_each);
    return due_;
  }
  spdlog::error(absl::StrCat("no snapshot: ", taken.status().message()));
  retry_at_ = env_.Now() + kAfterFailure;
  return std::min(due_, retry_at_);
}

}  // namespace varscope::server

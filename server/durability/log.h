// The append-only log: group commit, segments, and what happens when the medium fails.
#ifndef VARSCOPE_SERVER_DURABILITY_LOG_H_
#define VARSCOPE_SERVER_DURABILITY_LOG_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/durability/files.h"
#include "server/durability/frame.h"

namespace varscope::server {

struct LogOptions {
  std::filesystem::path directory;
  // Zero: whatever waits is flushed at once, as one group. Else: flushed this often, or as soon as
  // somebody waits for it.
  std::chrono::milliseconds interval{0};
  // After a failure.
  std::chrono::milliseconds retry{1000};
  // Records that wait for the medium may take this much memory.
  uint64_t max_pending_bytes = uint64_t{256} << 20;
};

// Thread-safe. One thread of its own writes. Records are kept in memory until fdatasync has
// succeeded: after a failed write or fdatasync, which leaves the file in an unknown state, they are
// all written again into a new segment, after `retry`, until that succeeds. Meanwhile health() says
// what is wrong. A new segment is the last one: whatever an attempt that failed, or an end that
// recovery dropped, left under later names is removed before.
class Log {
 public:
  using Done = std::function<void(absl::Status)>;

  // The next record gets the position `next`. Nothing is written before the first record.
  Log(LogOptions options, uint64_t next);
  // Flushes what waits, once.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // A record that has its place in memory already, and no position yet.
  struct Pending {
    uint64_t position = 0;
    bool starts_segment = false;
    RecordBytes record;
  };
  using Prepared = std::list<Pending>;  // of one

  // Never waits. Returns the record's position.
  uint64_t Append(RecordBytes record);
  // The same; takes no memory.
  uint64_t AppendPrepared(Prepared record) noexcept;
  // `done` when all records so far are durable, from the writing thread or at once. Unavailable
  // when the attempt that is to write them fails.
  void WhenDurable(Done done);

  // OK, or why records cannot be written now: the medium's error, or too many bytes that wait.
  absl::Status health() const;

  // The next record starts a new segment. Returns the position of the last record so far.
  uint64_t Rotate();
  // Removes segments whose records are all at or before `position`.
  void Trim(uint64_t position);

  uint64_t last_position() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    uint64_t position;
    Done done;
  };

  void Run();
  // Without the lock.
  absl::Status Write(const std::list<Pending>& batch, uint64_t durable);
  absl::Status OpenSegment(uint64_t first);
  absl::Status RemoveAfter(uint64_t first) const;
  void Settle(std::unique_lock<std::mutex>& lock, std::list<Pending> batch,
              const absl::Status& status);

  const LogOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t next_;
  uint64_t durable_;  // position
  bool rotate_ = true;
  bool stopping_ = false;
  uint64_t pending_bytes_ = 0;  // of pending_ and of the batch being written
  std::list<Pending> pending_;
  std::deque<Waiting> waiting_;
  absl::Status failure_;

  std::optional<File> segment_;  // of the writing thread
  std::thread thread_;
};

// Segments in `directory`, by the position of their first record.
std::filesystem::path SegmentPath(const std::filesystem::path& directory, uint64_t first);
struct Segment {
  uint64_t first;
  std::filesystem::path path;
};
absl::StatusOr<std::vector<Segment>> ListSegments(const std::filesystem::path& directory);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_LOG_H_

// The append-only log: group commit, segments, and what happens when writing fails.
#ifndef VARSCOPE_SERVER_DURABILITY_LOG_H_
#define VARSCOPE_SERVER_DURABILITY_LOG_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/concurrency/done_once.h"
#include "proto/concurrency/mutex.h"
#include "proto/memory/memory_account.h"
#include "server/durability/frame.h"
#include "server/env/env.h"

namespace varscope::server {

struct LogOptions {
  // Zero: whatever waits is flushed at once, as one group. Else: flushed this often, or as soon as
  // somebody waits for it, or half of max_pending_bytes does.
  std::chrono::milliseconds interval{0};
  // After a failure.
  std::chrono::milliseconds retry{1000};
  // Called after each attempt to write that failed; it must not wait, throw, nor call the log.
  // Null: nobody wants to know.
  std::function<void()> failed;
  // Records that wait for stable storage may take this much memory.
  uint64_t max_pending_bytes = uint64_t{256} << 20;
};

// Thread-safe. A timer of its own writes, step by step. Records are kept in memory until fdatasync
// has succeeded: after a failed write or fdatasync, which leaves the file in an unknown state, they
// are all written again into a new segment, after `retry`, until that succeeds. Meanwhile health()
// says what is wrong. A new segment is the last one: whatever an attempt that failed, or an end
// that recovery dropped, left under later names is removed before. What is in a directory that its
// path does not lead to any more is not durable: no later start finds it (Directory::CheckPath).
class Log {
 public:
  using Done = DoneOnce<absl::Status>;

  // The next record gets the position `next`. Nothing is written before the first record.
  // `directory` and `env` outlive it.
  Log(Directory& directory, LogOptions options, uint64_t next, Env& env = SystemEnv());
  // Flushes what waits, once.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // A record that has its place in memory already, and no position yet.
  struct Pending {
    uint64_t position = 0;
    bool starts_segment = false;
    RecordBytes record;
    MemoryAccount::Hold held = {};  // of its header, where it was reserved
  };
  using Prepared = std::list<Pending>;  // of one

  // Never waits. Returns the record's position.
  uint64_t Append(RecordBytes record);
  // The same; takes no memory.
  uint64_t AppendPrepared(Prepared record) noexcept;
  // `done` when all records so far are durable, from whoever writes them or at once. Unavailable
  // when the attempt that is to write them fails, or without memory to wait for it.
  void WhenDurable(Done done);
  // Writes all records so far, without delay, on the caller's thread. Unavailable when that fails.
  // Not from a Done.
  absl::Status Flush();

  // OK, or why records cannot be written now: the system's error, or too many bytes that wait.
  absl::Status health() const;
  // The first alone.
  absl::Status failure() const;

  // Up to one moment.
  struct Mark {
    uint64_t position = 0;  // of the last record
    uint64_t bytes = 0;     // of all records
  };
  // The next record starts a new segment. Returns what there is so far.
  Mark Rotate();
  // Removes segments whose records are all at or before `position`.
  void Trim(uint64_t position);

  uint64_t last_position() const;
  // Of all records that this was given.
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Waiting {
    uint64_t position = 0;
    Done done;
  };

  // The writer, by steps: takes a batch, writes a record of it at a time, then syncs and settles.
  // Returns when the next one is due.
  Time Step(bool delay) ABSL_EXCLUSIVE_LOCKS_REQUIRED(writing_);
  // Takes what waits as the next batch; else returns when there may be one.
  std::optional<Time> Gather(bool delay) ABSL_EXCLUSIVE_LOCKS_REQUIRED(writing_);
  absl::Status WriteRecord(const Pending& pending) ABSL_EXCLUSIVE_LOCKS_REQUIRED(writing_);
  absl::Status OpenSegment(uint64_t first) ABSL_EXCLUSIVE_LOCKS_REQUIRED(writing_);
  absl::Status RemoveAfter(uint64_t first) const;
  absl::Status Sync() ABSL_EXCLUSIVE_LOCKS_REQUIRED(writing_);
  // Says that all up to a position is durable.
  absl::Status WriteMark(uint64_t durable) ABSL_EXCLUSIVE_LOCKS_REQUIRED(writing_);
  void Settle(const absl::Status& status) noexcept ABSL_EXCLUSIVE_LOCKS_REQUIRED(writing_);

  Env& env_;
  Directory& directory_;
  const LogOptions options_;

  Mutex writing_;  // the writer's
  std::unique_ptr<WritableFile> segment_ ABSL_GUARDED_BY(writing_);
  std::list<Pending> batch_ ABSL_GUARDED_BY(writing_);
  std::list<Pending>::iterator next_record_ ABSL_GUARDED_BY(writing_);  // of batch_
  uint64_t durable_before_batch_ ABSL_GUARDED_BY(writing_) = 0;

  mutable Mutex mutex_ ABSL_ACQUIRED_AFTER(writing_);
  uint64_t next_ ABSL_GUARDED_BY(mutex_);
  uint64_t durable_ ABSL_GUARDED_BY(mutex_);  // position
  bool rotate_ ABSL_GUARDED_BY(mutex_) = true;
  std::atomic<uint64_t> bytes_{0};
  uint64_t pending_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // of pending_ and batch_
  std::list<Pending> pending_ ABSL_GUARDED_BY(mutex_);
  std::list<Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  std::optional<Time> gather_until_ ABSL_GUARDED_BY(mutex_);  // of what is pending
  Time retry_at_ ABSL_GUARDED_BY(mutex_) = Time::min();

  std::unique_ptr<Timer> timer_;
};

// Segments in `directory`, by the position of their first record.
struct Segment {
  uint64_t first;
  std::filesystem::path path;  // for messages: SegmentName(first) in its directory
};
absl::StatusOr<std::vector<Segment>> ListSegments(Directory& directory);
// Of the segments in which there may be records after `position`.
uint64_t BytesAfter(Directory& directory, uint64_t position);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_LOG_H_

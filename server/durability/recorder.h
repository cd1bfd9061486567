// Keeps a running store on disk: every change in the log, snapshots now and then.
#ifndef VARSCOPE_SERVER_DURABILITY_RECORDER_H_
#define VARSCOPE_SERVER_DURABILITY_RECORDER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "proto/concurrency/mutex.h"
#include "server/durability/convert.h"
#include "server/durability/log.h"
#include "server/durability/snapshot.h"
#include "server/env/env.h"
#include "server/membership/workers.h"
#include "server/store/push_observer.h"
#include "server/store/store.h"
#include "server/sync/durability.h"

namespace varscope::server {

struct RecorderOptions {
  DurabilityLevel level = DurabilityLevel::kSync;  // kNone: snapshots, no log
  std::chrono::milliseconds interval{100};         // of kAsync
  std::chrono::milliseconds retry{1000};           // as LogOptions
  std::chrono::seconds snapshot_interval{0};       // 0: not by time
  // A snapshot is taken when the log since the last one without a name has more bytes than this; 0:
  // a few times the store's, at least kLeastLogBytes. Earlier when the disk has little room left.
  uint64_t max_log_bytes = 0;
  size_t snapshots_kept = 2;
  // A snapshot without a name is taken as soon as it can be, unless there is no log: what was
  // recovered comes from a named one, which may be removed, and what is older than that was not
  // looked at.
  bool owes_snapshot = false;
  // The second record of a rollback, which is missing (Recovered): it is the first that is written.
  std::optional<RollbackRecord> unfinished_rollback = {};
  // As LogOptions.
  uint64_t max_pending_bytes = LogOptions().max_pending_bytes;
  // A change whose record would have a longer header is refused. Protobuf writes no 2 GiB.
  uint64_t max_header_bytes = uint64_t{1} << 30;
};

// Thread-safe.
class Recorder final : public PushObserver, public Durability {
 public:
  // `store` and `workers` hold what was recovered up to `position`, from the snapshot without a
  // name at position `snapshot` on, and must outlive it. Removes what a snapshot left that was not
  // finished. `directory` is locked, so that other servers keep away for as long as this may write
  // there.
  Recorder(std::unique_ptr<Directory> directory, RecorderOptions options, Store& store,
           Workers& workers, uint64_t position, std::optional<uint64_t> snapshot = std::nullopt,
           Env& env = SystemEnv());
  // Stops taking snapshots on its own; flushes the log.
  ~Recorder() override;
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  static constexpr uint64_t kLeastLogBytes = uint64_t{32} << 20;

  DurabilityLevel level() const override { return options_.level; }
  // Of the last change that the log has got. At kNone it gets none.
  uint64_t last_position() const { return log_.last_position(); }
  absl::Status Health() const override;
  absl::Status Admit() const override { return log_.health(); }
  void WhenDurable(Done done) override;
  void WhenOnStableStorage(Done done) override { log_.WhenDurable(std::move(done)); }

  absl::Status MayPush(const ValidPush& push, uint64_t with_others) const override;
  absl::StatusOr<std::unique_ptr<PushEntry>> PreparePush(
      const ValidPush& push, std::span<Variable* const> written) override;

  // One at a time; older snapshots without a name and the log before them are trimmed: before it
  // when the disk has little room left, else after it. ResourceExhausted for one with a name that
  // would not leave the room that those without a name need.
  absl::StatusOr<TakenSnapshot> TakeSnapshot(const std::string& name) override;
  absl::StatusOr<std::vector<SnapshotInfo>> ListSnapshots() override;
  absl::StatusOr<uint64_t> Rollback(const std::string& name) override;

 private:
  class Entry;  // of a push

  // Of a change, which is one of so many that become one.
  absl::Status CheckHeader(uint64_t bytes, uint64_t with_others = 1) const;
  void Record(RecordBytes record);
  // Makes what RecordPrepared records then without memory. Empty: there is no log.
  Log::Prepared PrepareRecord(RecordBytes record) const;
  void RecordPrepared(Log::Prepared record) noexcept;
  absl::StatusOr<Catalog::Happens> OnCreated(const CreationBatch& batch);
  Workers::Happens OnChanged(const WorkerRecord& worker);
  // Takes a position that nothing else has, for the state that comes from the file `source`.
  absl::StatusOr<uint64_t> BeginRollback(const std::string& source)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(snapshot_mutex_);
  // WriteSnapshot; ResourceExhausted where that throws. With an error the file may be there.
  absl::Status WriteRollback(const Snapshot& snapshot)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(snapshot_mutex_);
  // The snapshot in the file of this name is the newest, whatever is missing to remove older ones.
  void Keep(const Snapshot& snapshot, const std::string& file) noexcept
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(snapshot_mutex_);
  // The position of the snapshot that is being taken. Without a log, positions count snapshots.
  uint64_t NextPosition() ABSL_EXCLUSIVE_LOCKS_REQUIRED(snapshot_mutex_);
  // Takes one when it is due; returns when the next is.
  Time TakeDueSnapshot();
  Time NextDue() const;
  uint64_t StoreBytes() const;
  struct Room {
    uint64_t free;    // bytes of the disk
    uint64_t needed;  // by the next snapshot, about
    // The log must not take it.
    bool is_short() const { return free / 2 < needed; }
    // One with a name is the operator's, and nothing takes its place: it must not leave so little
    // that it is short.
    uint64_t needed_for_named() const { return 3 * needed; }
    bool has_place_for_named() const { return free / 3 >= needed; }
  };
  Room LookAtDisk() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(snapshot_mutex_);
  // Says how much room there is, and how much there has to be.
  absl::Status NoPlaceFor(const std::string& name, const Room& room) const;
  // Removes all but so many of the newest snapshots without a name, of which there is one, and the
  // log before them.
  void Trim(size_t keep) ABSL_EXCLUSIVE_LOCKS_REQUIRED(snapshot_mutex_);
  // When it is short: removes what the newest snapshot does not need. Returns what there is then.
  Room MakeRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(snapshot_mutex_);
  // Of the log since the last snapshot without a name: what a start would replay, at least.
  uint64_t BytesSinceSnapshot() const;
  // After each record. Takes no memory.
  void LogGrew() noexcept;

  Env& env_;
  const std::unique_ptr<Directory> directory_;
  const RecorderOptions options_;
  Store& store_;
  Workers& workers_;
  // Takes snapshots that nobody asked for. The log wakes it.
  std::unique_ptr<Timer> timer_;
  Log log_;

  Mutex snapshot_mutex_;                                     // one snapshot at a time
  std::atomic<uint64_t> turn_{0};                            // of ChooseCheck
  uint64_t last_snapshot_ ABSL_GUARDED_BY(snapshot_mutex_);  // position
  // Position of the newest one without a name that a start can begin with. One that is newer is of
  // a rollback that failed, or damaged.
  std::optional<uint64_t> newest_ ABSL_GUARDED_BY(snapshot_mutex_);
  uint64_t snapshot_bytes_ ABSL_GUARDED_BY(snapshot_mutex_);  // of the last file
  Log::Mark rotated_ ABSL_GUARDED_BY(snapshot_mutex_);  // for the snapshot that is being taken
  const uint64_t bytes_at_start_;                       // as BytesSinceSnapshot
  std::atomic<uint64_t> bytes_at_snapshot_{0};          // of bytes_at_start_ and the log's
  std::atomic<bool> owes_snapshot_;                     // as RecorderOptions, until it is taken

  // What the task saw of the store at its last snapshot.
  struct Seen {
    uint64_t changes = 0;
    uint64_t store_bytes = 0;
    friend bool operator==(const Seen&, const Seen&) = default;
  };
  // Of the timer's task.
  Seen seen_;
  Time due_ = kNever;                                    // by time
  Time retry_at_ = Time::min();                          // after one that failed
  std::atomic<uint64_t> wake_at_bytes_{kLeastLogBytes};  // of BytesSinceSnapshot
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_RECORDER_H_

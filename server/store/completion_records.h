// Completion records (RIFL, SOSP '15): the results of the pushes that were applied, so that a
// worker may send one again. Part of the store's state.
#ifndef VARSCOPE_SERVER_STORE_COMPLETION_RECORDS_H_
#define VARSCOPE_SERVER_STORE_COMPLETION_RECORDS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/concurrency/mutex.h"
#include "proto/wire/push_window.h"
#include "server/store/push_result.h"

namespace varscope::server {

// Thread-safe. Keeps the answers of each worker's last kWindow pushes, of its last incarnation.
// Those of pushes that were dropped are not part of the state: after a restart, what is sent again
// is judged again.
class CompletionRecords {
 public:
  static constexpr uint64_t kWindow = kPushWindow;
  // A worker counts its pushes from 1, one by one: no program gets beyond this.
  static constexpr uint64_t kLastSequence = uint64_t{1} << 62;

  struct Entry {
    PushId id;
    PushResult result;
  };

  using Answers = std::map<uint64_t, PushResult>;  // by sequence

  // A push while it is being applied, or several that became one. Ends as Record says, or as if
  // they had never come.
  class InFlightPush {
   public:
    InFlightPush(CompletionRecords& completion_records, PushId id,
                 std::optional<PushResult> cached_result = std::nullopt);
    ~InFlightPush() { Abandon(); }
    InFlightPush(InFlightPush&&) = default;
    InFlightPush& operator=(InFlightPush&&) = delete;

    // The result of the first time, when it was applied or dropped before.
    const std::optional<PushResult>& cached_result() const { return cached_result_; }
    // From now on both are one push, with one result. Of the same records.
    void Merge(InFlightPush other);
    // Takes the memory for an answer.
    void Reserve();
    // Requires Reserve. Takes no memory.
    void Record(const PushResult& result) noexcept;
    // Ends with that answer, which says that nothing was applied, and returns it. Without memory to
    // keep it as Abandon.
    PushResult Drop(const PushResult& result);
    // Ends as if the push had never come: who hears of that may send it again at once. Nothing when
    // it is over already.
    void Abandon();

   private:
    struct Member {
      PushId id;
      Answers::node_type answer = {};  // by Reserve
    };

    CompletionRecords* completion_records_;
    std::optional<PushResult> cached_result_;
    std::vector<Member> members_;  // that get an answer; none: it is over, or needs none
  };

  // Unavailable while the same push is being applied (send it again later), Aborted for an
  // incarnation before the worker's last or fenced off, InvalidArgument for a sequence that left
  // the window or is above kLastSequence.
  absl::StatusOr<InFlightPush> Begin(const PushId& id);

  // From now on no further push of this incarnation is let in; those that were still get their
  // answers.
  void Fence(const std::string& worker_id, uint64_t incarnation);
  // Garbage-collects the records of a worker that is never heard of again; false, and nothing done,
  // while a push of it is being applied.
  bool Collect(const std::string& worker_id);
  // Whether the push was let in: it has its answer, or is being applied now.
  bool Knows(const PushId& id) const;
  // Whether the state is older than that push, which was applied in the incarnation that is the
  // worker's last one here.
  bool HasLost(const PushId& id) const;

  std::vector<Entry> entries() const;
  // What they take in memory: nothing is recorded between the two calls under Changes::Cut.
  uint64_t EntriesBytes() const;
  // For recovery: as if recorded.
  void Restore(const Entry& entry);
  // Takes the records of `others`, which has none then, for its own; fences stay. Takes no memory.
  // While no push is under way.
  void Reset(CompletionRecords& others) noexcept;

 private:
  // Answers change with pushes that were applied alone, so that recovery comes to the same ones.
  struct Worker {
    uint64_t newest = 0;       // incarnation; those before it are over
    uint64_t fenced = 0;       // incarnations up to this one
    uint64_t incarnation = 0;  // of the answers
    Answers answers;
    std::map<std::pair<uint64_t, uint64_t>, PushResult> dropped;  // by incarnation and sequence
    std::set<std::pair<uint64_t, uint64_t>> under_way;            // the same
  };
  void Drop(const PushId& id, const PushResult& result);
  // As if the push was applied.
  void Insert(const PushId& id, Answers::node_type answer);
  // Whether a worker whose last push is `last` will not be asked for the answer of `sequence`.
  static bool LeftWindow(uint64_t sequence, uint64_t last);

  mutable Mutex mutex_;
  // A map of nodes, which go from one to another without memory (Reset).
  std::map<std::string, Worker> workers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_COMPLETION_RECORDS_H_

// A group of variables whose updates are synchronized in one way.
#ifndef VARSCOPE_SERVER_SYNC_GROUP_H_
#define VARSCOPE_SERVER_SYNC_GROUP_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/concurrency/done_once.h"
#include "server/env/env.h"
#include "server/membership/workers.h"
#include "server/push/push.h"
#include "server/store/changes.h"
#include "server/store/completion_records.h"
#include "server/store/store.h"
#include "server/sync/group_options.h"

namespace varscope::server {

// Called once, perhaps before the call that was given it returns, on any thread.
using PushDone = DoneOnce<absl::StatusOr<PushResult>>;
using ReadDone = DoneOnce<absl::Status>;

// A push that is in flight. Where it ends without an answer, the push ends first: its worker may
// send it again at once.
struct Submission {
  PushDone done;
  ValidPush push;
  CompletionRecords::InFlightPush in_flight_push;
  Time until = kNever;  // its worker waits no longer
};

// Thread-safe. `done` functions are called without locks. Where std::bad_alloc is thrown, they were
// called.
class Group {
 public:
  virtual ~Group() = default;

  // Applies the push when its turn comes. DeadlineExceeded, for the group's deadline or that of the
  // worker, says who was awaited; Aborted when the
  // worker's incarnation ended meanwhile; Unavailable when the server stops. With an error nothing
  // was applied. `changes` is held since the push's checks: whoever applies later, takes its own.
  virtual void Submit(Submission submission, ChangesLock changes) = 0;

  // When a worker of the group, which waits until then, may read its variables. DeadlineExceeded
  // says who was awaited. Groups that let a reader wait keep `done`.
  virtual void AwaitRead(const std::string& /*worker_id*/, uint64_t /*incarnation*/, Time /*until*/,
                         ReadDone done) {
    done(absl::OkStatus());
  }

  // The worker's incarnation, and those before it, are over: nobody waits for them, and what waits
  // of them ends with Aborted. A later one may have pushed before this is called. Makes no step:
  // whoever tells of it has others to tell.
  virtual void WorkerLost(const WorkerRecord& /*worker*/) noexcept {}

  // Ends what waited too long, and what waits of, or for, workers in quarantine; returns when to
  // look again. It decides alone, for all groups on one thread: a step is made on another. Where
  // std::bad_alloc is thrown, each thing that it has done is whole, and the next call does the
  // rest.
  virtual Time Tick() { return kNever; }

  // Ends all that waits, now and from now on, with Unavailable.
  virtual void Stop() {}

  struct Waits {
    size_t workers = 0;  // that take part
    std::string text;    // "step 812 waits for worker-3, silent 4.2 s, ..."
  };
  virtual Waits waits() const { return {}; }
};

// Where a group's parts meet.
struct GroupContext {
  Env& env;
  Store& store;
  const Workers& workers;
  GroupOptions options;
  std::function<void()> wake;  // Tick has something earlier to do
};

// "model", or "(all)" for the empty prefix, which is no variable's name.
inline std::string NameOf(const GroupOptions& options) {
  return options.prefix.empty() ? "(all)" : options.prefix;
}
// What was awaited as `text` says did not come while its worker waited.
inline absl::Status WithdrawnError(const std::string& text) {
  return absl::DeadlineExceededError(absl::StrCat(
      text, "; the worker's own timeout came before that of the group, and nothing was applied"));
}
inline absl::Status StoppingError() { return absl::UnavailableError("the server is stopping"); }

std::unique_ptr<Group> MakeAsyncGroup(const GroupContext& context);
// bsp and local.
std::unique_ptr<Group> MakeBspGroup(const GroupContext& context);
std::unique_ptr<Group> MakeSspGroup(const GroupContext& context);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_GROUP_H_

// Pushes that wait for others, and their answers.
#ifndef VARSCOPE_SERVER_SYNC_WAITING_PUSHES_H_
#define VARSCOPE_SERVER_SYNC_WAITING_PUSHES_H_

#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "server/sync/group.h"

namespace varscope::server {

struct WaitingPush {
  explicit WaitingPush(Submission s) : submission(std::move(s)) {}
  const PushId& id() const { return submission.push.contents().id; }

  Submission submission;
  absl::StatusOr<PushResult> answer;
};

// By worker. One goes from here to there as it is, which takes no memory: so none is lost.
using WaitingPushes = std::multimap<std::string, WaitingPush>;

// What to tell whom, which its end does. It is made before the lock is taken that guards those that
// wait, so that they hear without it, also after an exception. Not thread-safe.
class PushAnswers {
 public:
  PushAnswers() = default;
  ~PushAnswers() {
    while (!all_.empty()) {
      PushDone done;
      absl::StatusOr<PushResult> answer;
      {
        // The push ends here, so that the completion records let it in again before its worker
        // hears.
        WaitingPushes::node_type ended = all_.extract(all_.begin());
        done = std::move(ended.mapped().submission.done);
        answer = std::move(ended.mapped().answer);
      }
      done.Tell(std::move(answer));
    }
  }
  PushAnswers(const PushAnswers&) = delete;
  PushAnswers& operator=(const PushAnswers&) = delete;

  void Add(WaitingPushes& from, WaitingPushes::iterator which,
           absl::StatusOr<PushResult> answer) noexcept {
    WaitingPush& push = which->second;
    if (answer.ok() && answer->outcome != Outcome::kApplied) {
      push.submission.in_flight_push.Drop(*answer);
    }
    push.answer = std::move(answer);
    all_.insert(from.extract(which));
  }
  void AddAll(WaitingPushes& from, const absl::StatusOr<PushResult>& answer) noexcept {
    while (!from.empty()) Add(from, from.begin(), answer);
  }
  // Those that `ends` says, with the status that `why` makes.
  template <typename Ends, typename Why>
  void AddIf(WaitingPushes& from, const Ends& ends, const Why& why) {
    for (auto it = from.begin(); it != from.end();) {
      const auto which = it++;
      const WaitingPush& push = which->second;
      if (ends(push)) Add(from, which, Said([&] { return why(push); }));
    }
  }

 private:
  WaitingPushes all_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_WAITING_PUSHES_H_

// Barriers whose requests and answers are lost, come again and come late, at a server that dies and
// is started again, and whose workers die, have others in their places, or go on as fewer: the k-th
// time that a worker comes, it passes the k-th round. One that comes in another's place begins with
// the round that is open then.
// VARSCOPE_SIMULATION_SEED says which seed is the first.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/wire/protocol.h"
#include "server/rpc/caller_of.h"
#include "server/rpc/worker_calls.h"
#include "server/server.h"
#include "tests/simulation/sim_env.h"

namespace varscope::simulation {
namespace {

using server::Server;
using std::chrono::milliseconds;

// One that has come to the server.
struct Call {
  v1::BarrierRequest request;
  server::Answer<v1::BarrierResponse> answer;
  std::optional<absl::Status> end;
};

struct Worker {
  server::Caller caller;
  bool first_time = false;                   // in another's place; it has passed no round
  uint64_t since = 0;                        // the last round that was complete before it
  uint64_t came = 0;                         // times, with those of who was there before
  uint64_t sent = 0;                         // arrivals
  uint64_t passed = 0;                       // rounds, as it was told
  std::optional<v1::BarrierRequest> asks;    // what it has no answer to
  std::vector<std::shared_ptr<Call>> calls;  // in this life of the server
};

struct Totals {
  uint64_t stories = 0;
  uint64_t rounds = 0;
  uint64_t resent = 0;
  uint64_t restarts = 0;
  uint64_t deaths = 0;
  uint64_t fewer = 0;    // times that one left, and the others went on
  uint64_t unknown = 0;  // stories that ended because nobody knew
};

class BarrierStory {
 public:
  BarrierStory(uint64_t seed, Totals& totals)
      : env_(seed), trace_(env_.trace()), totals_(totals), workers_(2 + trace_.Draw("workers", 3)) {
    options_.data_dir = "/data";
    options_.durability_level = server::DurabilityLevel::kSync;
    options_.lease_seconds = 0;
    options_.snapshot_seconds = 0;
    options_.shared_memory_streams = 0;
  }

  // Empty, or what was wrong.
  std::string Run() {
    Start();
    for (Worker& worker : workers_) Connect(worker);
    for (int step = 0; step < 200 && wrong_.empty() && !unknown_; ++step) Act();
    if (wrong_.empty() && !unknown_) GoOnWithoutFaults();
    ++totals_.stories;
    totals_.unknown += unknown_ ? 1 : 0;
    server_.reset();
    return wrong_;
  }
  const Trace& trace() const { return trace_; }

 private:
  void Start() { server_ = Server::Open(options_, env_).value(); }

  void Connect(Worker& worker) {
    v1::ConnectRequest request;
    request.set_protocol(wire::kProtocol);
    request.set_worker_id(absl::StrCat("w", ids_++));
    server::Answer<v1::ConnectResponse> answer;
    bool done = false;
    server::Connect(server_->context(), {}, request, answer,
                    [&done](const absl::Status& status) { done = status.ok(); });
    while (!done) env_.Advance(milliseconds(20));
    worker.caller =
        server::CallerOf<v1::TensorFrame>(server_->context(), answer->session_key()).value();
  }

  void Die(Worker& worker) {
    trace_.Note(absl::StrCat(worker.caller.worker_id, " dies"));
    const v1::DisconnectRequest request;
    server::Answer<v1::DisconnectResponse> answer;
    bool done = false;
    server::Disconnect(server_->context(), worker.caller, request, answer,
                       [&done](const absl::Status& status) { done = status.ok(); });
    while (!done) env_.Advance(milliseconds(20));
  }

  // Under another id, and it knows of no round.
  void Replace(Worker& worker) {
    ++totals_.deaths;
    Die(worker);
    worker = Worker{.first_time = true, .since = completed_};
    Connect(worker);
  }

  // Whoever says to how many they come says the same.
  bool MayBecomeFewer() const {
    return workers_.size() > 2 &&
           std::all_of(workers_.begin(), workers_.end(),
                       [this](const Worker& w) { return !w.asks && w.passed == completed_; });
  }

  void BecomeFewer() {
    ++totals_.fewer;
    Die(workers_.back());
    workers_.pop_back();
  }

  // Not the first one: of a barrier that all have left nothing is known.
  Worker& AnyButTheFirst() { return workers_[1 + trace_.Draw("dies", workers_.size() - 1)]; }

  void Restart() {
    trace_.Note("the server dies and is started again");
    ++totals_.restarts;
    restarted_ = true;
    env_.disk().Crash();
    server_.reset();
    env_.disk().Restart(Disk::Loss::kNothing);
    for (Worker& worker : workers_) worker.calls.clear();
    Start();
  }

  void Act() {
    Worker& worker = workers_[trace_.Draw("worker", workers_.size())];
    if (trace_.OneIn("crash", 50)) return Restart();
    if (trace_.OneIn("death", 30)) return Replace(AnyButTheFirst());
    if (MayBecomeFewer() && trace_.OneIn("fewer", 6)) return BecomeFewer();
    switch (trace_.Draw("action", 6)) {
      case 0:
      case 1:
        return Send(worker, trace_.OneIn("lost on the way", 4));
      case 2:
        return DeliverAgain(worker);
      case 3:
        return Break(worker);
      default:
        return Hear(worker, trace_.OneIn("lost on the way back", 3));
    }
  }

  // Comes, or sends again what it has no answer to.
  void Send(Worker& worker, bool lost) {
    if (!worker.asks) {
      if (!worker.first_time) ++worker.came;
      v1::BarrierRequest& request = worker.asks.emplace();
      request.set_name("b");
      request.set_parties(workers_.size());
      request.set_timeout_ms(3600'000);
      request.set_sequence((worker.caller.incarnation << 32) + ++worker.sent);
      request.set_passed(worker.passed);
    }
    if (!lost) Deliver(worker, *worker.asks);
    if (worker.asks->again()) ++totals_.resent;
    worker.asks->set_again(true);
  }

  void Deliver(Worker& worker, const v1::BarrierRequest& request) {
    trace_.Note(absl::StrCat(worker.caller.worker_id, ": ", request.ShortDebugString()));
    auto call = std::make_shared<Call>();
    call->request = request;
    worker.calls.push_back(call);
    server::Barrier(server_->context(), worker.caller, call->request, call->answer,
                    [this, call](const absl::Status& status) {
                      call->end = status;
                      if (status.ok()) completed_ = std::max(completed_, call->answer->round());
                    });
  }

  // The network had another copy, of now or of long ago. Nobody hears its answer.
  void DeliverAgain(Worker& worker) {
    if (worker.calls.empty()) return;
    const auto& earlier = worker.calls[trace_.Draw("copy", worker.calls.size())];
    Deliver(worker, v1::BarrierRequest(earlier->request));
  }

  // A connection breaks: the server sees that its caller no longer waits.
  void Break(Worker& worker) {
    if (worker.calls.empty()) return;
    const auto call = worker.calls[trace_.Draw("call", worker.calls.size())];
    trace_.Note(absl::StrCat(worker.caller.worker_id, " breaks off"));
    if (!call->end) server::LeaveBarrier(server_->context(), worker.caller, call->request);
  }

  void Hear(Worker& worker, bool lost) {
    if (!worker.asks || lost) return;
    for (const auto& call : worker.calls) {
      if (!call->end || call->request.sequence() != worker.asks->sequence()) continue;
      if (Told(worker, *call)) return;
    }
  }

  bool Told(Worker& worker, const Call& call) {
    const std::string about =
        absl::StrCat(worker.caller.worker_id, ", which came for the ", worker.came, ". time: ");
    if (call.end->ok()) {
      const uint64_t round = call.answer->round();
      if (worker.first_time ? round < worker.since : round != worker.came) {
        wrong_ = absl::StrCat(about, "passed round ", round);
      }
      worker.first_time = false;
      worker.came = round;
      trace_.Note(absl::StrCat(about, "it passed"));
      worker.passed = call.answer->round();
      worker.asks.reset();
      ++totals_.rounds;
      return true;
    }
    if (absl::StrContains(call.end->message(), "the server was started again")) {
      if (!restarted_ || worker.passed > 0) wrong_ = absl::StrCat(about, call.end->message());
      // Whoever has passed none may begin with any, so it comes again.
      if (worker.first_time) {
        worker.asks.reset();
      } else {
        unknown_ = true;
      }
      return true;
    }
    // A copy that another one replaced, or that was broken off.
    if (!absl::IsAborted(*call.end) && !absl::IsCancelled(*call.end)) {
      wrong_ = absl::StrCat(about, call.end->ToString());
    }
    return false;
  }

  void GoOnWithoutFaults() {
    uint64_t last = 0;
    for (const Worker& worker : workers_) last = std::max(last, worker.came);
    for (uint64_t tries = 0; wrong_.empty() && !unknown_; ++tries) {
      bool all = true;
      for (Worker& worker : workers_) {
        all = all && worker.passed > last;
        // Also who has passed it: who came for the first time may be a round behind.
        Send(worker, false);
        for (Worker& other : workers_) Hear(other, false);
      }
      if (all) return;
      if (tries > 2 * workers_.size() + 4) wrong_ = "the workers wait for each other for ever";
    }
  }

  SimEnv env_;
  Trace& trace_;
  Totals& totals_;
  server::Options options_;
  std::unique_ptr<Server> server_;
  std::vector<Worker> workers_;
  uint64_t ids_ = 0;
  uint64_t completed_ = 0;  // the last round that is
  bool restarted_ = false;
  bool unknown_ = false;
  std::string wrong_;
};

TEST(BarrierRandomTest, TheKthTimeThatAWorkerComesItPassesTheKthRound) {
  const char* const seed = std::getenv("VARSCOPE_SIMULATION_SEED");
  const uint64_t first = seed == nullptr ? 1 : std::strtoull(seed, nullptr, 10);
  Totals totals;
  for (uint64_t i = first; i < first + 2000; ++i) {
    BarrierStory story(i, totals);
    ASSERT_EQ(story.Run(), "") << "VARSCOPE_SIMULATION_SEED=" << i << "\n"
                               << story.trace().Tail(80);
  }
  std::cout << totals.stories << " stories: " << totals.rounds << " rounds passed, "
            << totals.resent << " arrivals sent again, " << totals.restarts << " restarts, "
            << totals.deaths << " deaths, " << totals.fewer << " times they went on as fewer, "
            << totals.unknown << " stories ended because nobody knew\n";
  EXPECT_GT(totals.rounds, totals.stories);
  EXPECT_LT(totals.unknown, totals.stories / 2);
  EXPECT_GT(totals.deaths, totals.stories);
  EXPECT_GT(totals.fewer, 0U);
}

}  // namespace
}  // namespace varscope::simulation

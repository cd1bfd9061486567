// A worker that goes, whatever memory is missing meanwhile: nobody waits for it afterwards, and a
// restart has what the process had.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/durability/recorder.h"
#include "server/membership/barrier.h"
#include "server/membership/workers.h"
#include "server/store/store.h"
#include "server/sync/group_options.h"
#include "server/sync/synchronizer.h"
#include "tests/support/manual_env.h"
#include "tests/support/opened.h"
#include "tests/support/push.h"
#include "tests/support/sanitizer.h"
#include "tests/support/state_of.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::testing {
namespace {

using namespace server;

constexpr std::chrono::hours kLease{1};
constexpr std::chrono::hours kDeadline{3};
constexpr uint64_t kNonce = 7;

// Two workers, a and b, have made a step and a round of a barrier together. Then a comes to both
// once more, and waits for b.
class Waiting {
 public:
  explicit Waiting(const std::filesystem::path& directory)
      : store_(StoreLimits{}, env_),
        workers_(kLease, env_),
        recorder_(Opened(directory), {}, store_, workers_, 0, std::nullopt, env_),
        barriers_([](const std::string& id) { return id; },
                  [this](const std::string& id, uint64_t i) { return workers_.IsLive(id, i); },
                  env_),
        sync_(store_, workers_, {ParseGroup("bsp:workers=2,quorum=1,deadline=10800s").value()},
              env_) {
    workers_.Start(
        [this](const WorkerRecord& w) {
          store_.completion_records.Fence(w.worker_id, w.incarnation);
        },
        [this](const WorkerRecord& w) {
          barriers_.WorkerLost(w.worker_id, w.incarnation);
          sync_.WorkerLost(w);
        });
    ResolveRequest request;
    request.request = {.key = "w", .dtype = DType::kFloat32, .shape = Shape{1}};
    request.name = "w";
    request.initializer = InitializerSpec{.kind = "zeros"};
    EXPECT_TRUE(store_.catalog.Resolve({"a", 1}, request).ok());
    a_ = workers_.Connect("a", "host", 1, Sharing::kGlobal).value();
    b_ = workers_.Connect("b", "host", 2, Sharing::kGlobal).value();
    env_.RunDue();
    Come("a", a_);
    Come("b", b_);
    EXPECT_EQ(pushes_, 2);
    EXPECT_EQ(rounds_, 2);
    pushes_ = rounds_ = 0;
    Come("a", a_);
    EXPECT_EQ(pushes_ + rounds_, 0);
    env_.RunDue();
  }
  ~Waiting() { workers_.Stop(); }

  ManualEnv& env() { return env_; }
  Workers& workers() { return workers_; }
  Synchronizer& sync() { return sync_; }
  Caller b() const { return {"b", b_}; }
  // Of a that were answered.
  int pushes() const { return pushes_; }
  int rounds() const { return rounds_; }
  std::string state() const { return StateOf(store_, workers_); }

  void Come(const std::string& worker, uint64_t incarnation) {
    Push push{.id = {worker, incarnation, ++sequence_}};
    OptimizerStep& step = push.steps.emplace_back();
    step.state = {.optimizer = "GradientDescent",
                  .hyperparameters = {{"learning_rate", 1}},
                  .name = "GradientDescent",
                  .group = "w"};
    step.updates.push_back({.variable = "w", .gradient = Tensor::Of<float>(Shape{1}, {1})});
    server::Submit(sync_, store_, push, [this](const absl::StatusOr<PushResult>&) { ++pushes_; });
    barriers_.Arrive("barrier",
                     {.worker_id = worker,
                      .incarnation = incarnation,
                      .sequence = sequence_,
                      .parties = 2,
                      .timeout = std::chrono::hours(20)},
                     [this](const absl::StatusOr<uint64_t>&) { ++rounds_; });
  }
  void ComeAlone() { Come("a", a_); }
  // So long nobody hears of b.
  void Pass(std::chrono::minutes time) {
    env_.Pass(time);
    EXPECT_TRUE(workers_.Check({"a", a_}).ok());
  }
  // The process runs meanwhile.
  void PassAlmost(std::chrono::minutes time) {
    constexpr std::chrono::minutes kPart{10};
    for (std::chrono::minutes passed = kPart; passed < time; passed += kPart) {
      Pass(kPart);
      env_.RunDue();
    }
    Pass(kPart);
  }

 private:
  ManualEnv env_;
  Store store_;
  Workers workers_;
  Recorder recorder_;
  Barriers barriers_;
  Synchronizer sync_;
  uint64_t a_ = 0;
  uint64_t b_ = 0;
  uint64_t sequence_ = 0;
  int pushes_ = 0;
  int rounds_ = 0;
};

// How b goes: what comes before, and the change itself, which returns why it was not made.
struct End {
  const char* name;
  std::function<void(Waiting&)> before;
  std::function<absl::Status(Waiting&)> change;
  bool ends_push = true;   // a waits for it no longer
  bool ends_round = true;  // at the barrier
};

std::vector<End> Ends() {
  const auto nothing = [](Waiting&) {};
  const auto run = [](Waiting& w) {
    w.env().RunDue();
    return absl::OkStatus();
  };
  return {
      {"leaves", nothing, [](Waiting& w) { return w.workers().Disconnect(w.b()); }},
      {"is evicted", [](Waiting& w) { w.PassAlmost(kLease); }, run},
      {"comes back", nothing,
       [](Waiting& w) {
         return w.workers().Connect("b", "elsewhere", 3, Sharing::kGlobal, kNonce).status();
       }},
      {"is put in quarantine", nothing,
       [](Waiting& w) {
         absl::Status status = w.sync().Quarantine("b", "diverges");
         w.env().RunDue();
         return status;
       },
       true, false},
      {"is late",
       [](Waiting& w) {
         // It is heard of, and does not push.
         for (std::chrono::minutes passed{10}; passed < kDeadline;
              passed += std::chrono::minutes(10)) {
           w.Pass(std::chrono::minutes(10));
           EXPECT_TRUE(w.workers().Check(w.b()).ok());
           w.env().RunDue();
         }
         w.Pass(std::chrono::minutes(10));
         EXPECT_TRUE(w.workers().Check(w.b()).ok());
       },
       run, true, false},
      {"is not who connects", nothing,
       [](Waiting& w) {
         return w.workers().Connect("c", "host", 3, Sharing::kGlobal, kNonce).status();
       },
       false, false},
  };
}

class WorkerEndsTest : public ::testing::Test {
 protected:
  // `calls`: so many allocations of the change succeed, the next fails. Returns whether it did.
  static bool GoesWithout(uint64_t calls, const End& end) {
    const TemporaryDirectory directory;
    std::optional<Waiting> waiting(directory.path());
    end.before(*waiting);
    bool failed = false;
    bool made = false;
    {
      const FailingMemory memory(calls);
      try {
        made = end.change(*waiting).ok();
      } catch (const std::bad_alloc&) {
      }
      failed = memory.failed();
    }
    // Who is told nothing, or of an error, sends it again: it is as if it was the first time.
    if (!made) {
      const absl::Status again = end.change(*waiting);
      EXPECT_TRUE(again.ok()) << again;
    }
    waiting->env().Pass(ManualEnv::kWithoutMemory);
    waiting->env().RunDue();
    EXPECT_EQ(waiting->pushes(), end.ends_push ? 1 : 0);
    EXPECT_EQ(waiting->rounds(), end.ends_round ? 1 : 0);
    if (end.ends_push) {
      waiting->ComeAlone();
      waiting->env().RunDue();
      EXPECT_EQ(waiting->pushes(), 2) << "it is still waited for";
    }
    const std::string before = waiting->state();
    waiting.reset();
    EXPECT_EQ(RecoveredState(directory.path()).value(), before);
    return failed;
  }
};

TEST_F(WorkerEndsTest, NobodyWaitsForItAndARestartKnowsWhateverMemoryIsMissing) {
  if (IsSanitized()) GTEST_SKIP() << "operator new is the sanitizer's";
  for (const End& end : Ends()) {
    SCOPED_TRACE(end.name);
    uint64_t calls = 0;
    for (bool failed = true; failed && !HasFailure(); ++calls) {
      SCOPED_TRACE(calls);
      failed = GoesWithout(calls, end);
    }
    EXPECT_GT(calls, 3U);
  }
}

// Nobody is left to answer the call: its worker may have gone as well.
TEST(HeldLeaseTest, EndsWithWhoeverHoldsIt) {
  ManualEnv env;
  Workers workers(kLease, env);
  workers.Start([](const WorkerRecord&) {}, [](const WorkerRecord&) {});
  const uint64_t w = workers.Connect("w", "host", 1, Sharing::kGlobal).value();
  const auto pass = [&](std::chrono::minutes time) {
    for (std::chrono::minutes passed{0}; passed < time; passed += std::chrono::minutes(10)) {
      env.RunDue();
      env.Pass(std::chrono::minutes(10));
    }
    env.RunDue();
  };
  {
    const Workers::HeldLease held = workers.HoldLease("w", w);
    pass(5 * kLease);
    EXPECT_TRUE(workers.IsLive("w", w));
  }
  pass(kLease - std::chrono::minutes(10));
  EXPECT_TRUE(workers.IsLive("w", w));
  pass(std::chrono::minutes(10));
  EXPECT_FALSE(workers.IsLive("w", w));
}

}  // namespace
}  // namespace varscope::testing

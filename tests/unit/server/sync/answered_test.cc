// Each push and each read is answered once, whatever memory is missing.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "tests/support/sanitizer.h"
#include "tests/unit/server/failing_memory.h"
#include "tests/unit/server/sync/synchronizer_fixture.h"

namespace varscope::server {
namespace {

// How often somebody was told.
class Told {
 public:
  // Has its memory already.
  PushDone Push() {
    return [times = times_](const absl::StatusOr<PushResult>&) { Count(*times); };
  }
  ReadDone Read() {
    return [times = times_](const absl::Status&) { Count(*times); };
  }
  int times() const { return *times_; }
  // Waits for the first.
  int Times() const {
    times_->wait(0);
    return *times_;
  }

 private:
  static void Count(std::atomic<int>& times) {
    ++times;
    times.notify_all();
  }

  const std::shared_ptr<std::atomic<int>> times_ = std::make_shared<std::atomic<int>>(0);
};

class AnsweredTest : public SynchronizerTest {
 protected:
  void SetUp() override {
    if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  }
  // Whether an allocation failed: the one after `calls` of what the server does with the push.
  bool SubmitWithout(uint64_t calls, const std::string& worker, Told& told) {
    const Push push = Gradient(worker, 1);
    ResolvedPush resolved = Resolved(store_, push).value();
    std::vector<Tensor> tensors = Send(push).tensors;
    PushDone done = told.Push();
    return Without(calls, [&] {
      sync_->Submit(std::move(resolved), std::move(tensors), false, std::move(done));
    });
  }
  static bool Without(uint64_t calls, absl::FunctionRef<void()> run) {
    const testing::FailingMemory memory(calls);
    try {
      run();
    } catch (const std::bad_alloc&) {
    }
    return memory.failed();
  }
};

TEST_F(AnsweredTest, EachPushOfABspStepIsToldOnce) {
  Start({"bsp:workers=2,deadline=3600s"}, {"a", "b"});
  bool failed = true;
  for (uint64_t calls = 0; failed; ++calls) {
    SCOPED_TRACE(calls);
    Told first;
    Told last;
    SubmitWithout(UINT64_MAX - 1, "a", first);
    failed = SubmitWithout(calls, "b", last);
    ASSERT_EQ(last.Times(), 1);
    // It never came.
    if (first.times() == 0) {
      ASSERT_TRUE(Submit("b", 1).Get().ok());
    }
    ASSERT_EQ(first.Times(), 1);
  }
  PendingPush a = Submit("a", 1);
  EXPECT_TRUE(Submit("b", 1).Get().ok());
  EXPECT_TRUE(a.Get().ok());
}

TEST_F(AnsweredTest, WhoIsLostIsToldAndTheRestGoOn) {
  Start({"bsp:workers=2,deadline=3600s"}, {"a", "b"});
  hears_at_once_ = false;
  bool failed = true;
  for (uint64_t calls = 0; failed; ++calls) {
    SCOPED_TRACE(calls);
    Told lost;
    SubmitWithout(UINT64_MAX - 1, "a", lost);
    const WorkerRecord record{.worker_id = "a", .incarnation = incarnations_["a"]};
    {
      const testing::FailingMemory memory(calls);
      ASSERT_NO_THROW(sync_->WorkerLost(record));
      failed = memory.failed();
    }
    ASSERT_EQ(lost.Times(), 1);
  }
}

TEST_F(AnsweredTest, EachPushAndEachReadOfAnSspGroupIsToldOnce) {
  Start({"ssp:bound=0,deadline=3600s"}, {"fast", "slow"});
  const std::vector<Variable*> variables = {store_.catalog.Find("w").value().get()};
  const auto read_without = [&](uint64_t calls, Told& told) {
    ReadDone done = told.Read();
    return Without(calls, [&] {
      sync_->AwaitRead("fast", incarnations_["fast"], variables, std::move(done));
    });
  };
  for (const bool of_read : {true, false}) {
    bool failed = true;
    for (uint64_t calls = 0; failed; ++calls) {
      SCOPED_TRACE(calls);
      ASSERT_TRUE(Submit("slow", 1).Get().ok());
      ASSERT_TRUE(Submit("fast", 1).Get().ok());
      while (Read("fast").ready()) ASSERT_TRUE(Submit("fast", 1).Get().ok());
      Told read;
      Told push;
      failed = read_without(of_read ? calls : UINT64_MAX - 1, read);
      if (of_read) {
        SubmitWithout(UINT64_MAX - 1, "slow", push);
      } else {
        failed = SubmitWithout(calls, "slow", push);
      }
      ASSERT_EQ(push.Times(), 1);
      while (read.times() == 0) ASSERT_TRUE(Submit("slow", 1).Get().ok());
      ASSERT_EQ(read.Times(), 1);
    }
  }
}

}  // namespace
}  // namespace varscope::server

// What the server forgets of workers that are gone, a restart has forgotten, too.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "proto/memory/memory_account.h"
#include "proto/tensor/block_pool.h"
#include "tests/recovery/server_run.h"
#include "tests/support/temporary_directory.h"

namespace varscope::testing {
namespace {

using namespace server;

// Workers come, push, go and come back, snapshots are taken; now and then memory is short.
TEST(ForgottenTest, ARestartForgetsTheSameWorkersAndTheirCompletionRecords) {
  MemoryAccount& memory = MemoryAccount::Process();
  // What is kept could make room later.
  BlockPool::Process()->FreeKept();
  size_t forgotten = 0;
  for (uint32_t seed = 1; seed <= 10; ++seed) {
    std::mt19937 random(seed);
    const TemporaryDirectory directory;
    std::string before;
    {
      ServerRun run(directory.path());
      ResolveRequest request;
      request.request = {"v", DType::kFloat32, Shape{1}, Reuse::kAuto, {}};
      request.name = "v";
      request.initializer = InitializerSpec{.kind = "zeros"};
      ASSERT_TRUE(run.store().catalog.Resolve({"w", 1, Sharing::kGlobal}, request).ok());
      for (int i = 0; i < 60; ++i) {
        if (random() % 10 == 0) {
          const size_t known = run.workers().records().size();
          memory.SetLimit(memory.used());
          // Makes room, or is refused.
          run.workers().Connect("short", "host", 1, Sharing::kGlobal).IgnoreError();
          memory.SetLimit(MemoryAccount::kUnlimited);
          const size_t left = run.workers().records().size();
          forgotten += known - std::min(known, left);
        }
        if (random() % 15 == 0) {
          ASSERT_TRUE(run.recorder().TakeSnapshot("").ok());
        }
        const std::string worker = "worker" + std::to_string(random() % 20);
        const uint64_t incarnation =
            run.workers().Connect(worker, "host", 1, Sharing::kGlobal).value();
        Push push{.id = {worker, incarnation, 1}};
        push.assignments.push_back(
            {"v", AssignOp::kAdd, Tensor::Of<float>(Shape{1}, {1}), std::nullopt});
        ASSERT_TRUE((*run.Submit(push))->ok());
        if (random() % 4 > 0) {
          ASSERT_TRUE(run.workers().Disconnect({worker, incarnation}).ok());
        }
      }
      ASSERT_TRUE(run.Settle().ok());
      before = run.state();
    }
    EXPECT_EQ(RecoveredState(directory.path()).value(), before) << "seed " << seed;
  }
  EXPECT_GT(forgotten, 20U);
}

}  // namespace
}  // namespace varscope::testing

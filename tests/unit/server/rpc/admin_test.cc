// An operator's calls while a snapshot is being taken, which takes as long as the test likes.
#include "server/rpc/admin.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/concurrency/mutex.h"
#include "tests/unit/server/rpc/service_parts.h"

namespace varscope::server {
namespace {

constexpr std::chrono::seconds kLong(60);

class SlowSnapshots : public NoDurability {
 public:
  absl::StatusOr<TakenSnapshot> TakeSnapshot(const std::string& name) override {
    const MutexLock lock(mutex_);
    ++begun_;
    changed_.NotifyAll();
    changed_.Wait(mutex_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return may_end_; });
    return TakenSnapshot{name, name};
  }
  absl::StatusOr<std::vector<SnapshotInfo>> ListSnapshots() override {
    return std::vector<SnapshotInfo>(3);
  }

  void AwaitOne() {
    const MutexLock lock(mutex_);
    changed_.Wait(mutex_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return begun_ > 0; });
  }
  void End() {
    const MutexLock lock(mutex_);
    may_end_ = true;
    changed_.NotifyAll();
  }
  int begun() {
    const MutexLock lock(mutex_);
    return begun_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int begun_ ABSL_GUARDED_BY(mutex_) = 0;
  bool may_end_ ABSL_GUARDED_BY(mutex_) = false;
};

class AdminTest : public ::testing::Test, public SlowSnapshots, public ServiceParts {
 protected:
  AdminTest() : ServiceParts(static_cast<SlowSnapshots*>(this)), admin_(context) {
    grpc::ServerBuilder builder;
    builder.RegisterService(&admin_);
    std::unique_ptr<grpc::ServerCompletionQueue> calls = builder.AddCompletionQueue();
    server_ = builder.BuildAndStart();
    queue_ = std::make_unique<CallQueue>(std::move(calls), 1);
    admin_.Accept(*queue_);
    stub_ = v1::Admin::NewStub(server_->InProcessChannel({}));
  }
  ~AdminTest() override {
    End();
    server_->Shutdown(std::chrono::system_clock::now());
  }

  std::future<grpc::StatusCode> Snapshot(const std::string& name) {
    return std::async(std::launch::async, [this, name] {
      grpc::ClientContext call;
      call.set_deadline(std::chrono::system_clock::now() + kLong);
      v1::TakeSnapshotRequest request;
      request.set_name(name);
      v1::TakeSnapshotResponse response;
      return stub_->TakeSnapshot(&call, request, &response).error_code();
    });
  }

  grpc::Status Describe(const std::string& name, v1::DescribeVariableResponse* response) {
    grpc::ClientContext call;
    call.set_deadline(std::chrono::system_clock::now() + kLong);
    v1::DescribeVariableRequest request;
    request.set_name(name);
    return stub_->DescribeVariable(&call, request, response);
  }
  // Whether it ended well.
  bool Lists() {
    grpc::ClientContext call;
    call.set_deadline(std::chrono::system_clock::now() + kLong);
    const auto reader = stub_->ListVariables(&call, {});
    for (v1::ListVariablesResponse part; reader->Read(&part);) continue;
    return reader->Finish().ok();
  }

  AdminService admin_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<CallQueue> queue_;
  std::unique_ptr<v1::Admin::Stub> stub_;
};

TEST_F(AdminTest, WhoeverListsSnapshotsDoesNotWaitForOne) {
  std::future<grpc::StatusCode> first = Snapshot("first");
  AwaitOne();
  std::future<grpc::StatusCode> second = Snapshot("second");
  grpc::ClientContext call;
  call.set_deadline(std::chrono::system_clock::now() + kLong);
  v1::ListSnapshotsResponse response;
  EXPECT_TRUE(stub_->ListSnapshots(&call, {}, &response).ok());
  EXPECT_EQ(response.snapshots_size(), 3);
  EXPECT_EQ(begun(), 1);
  End();
  EXPECT_EQ(first.get(), grpc::StatusCode::OK);
  EXPECT_EQ(second.get(), grpc::StatusCode::OK);
}

TEST_F(AdminTest, AStopWaitsForTheSnapshotThatIsBeingTakenAlone) {
  std::future<grpc::StatusCode> first = Snapshot("first");
  AwaitOne();
  std::vector<std::future<grpc::StatusCode>> others;
  for (int i = 0; i < 10; ++i) others.push_back(Snapshot(absl::StrCat("another-", i)));
  // Some wait, some have not come yet.
  admin_.Stop();
  for (std::future<grpc::StatusCode>& other : others) {
    EXPECT_EQ(other.get(), grpc::StatusCode::UNAVAILABLE);
  }
  End();
  EXPECT_EQ(first.get(), grpc::StatusCode::OK);
  EXPECT_EQ(begun(), 1);
}

// Of some hundreds, whose names begin with one of three letters.
TEST_F(AdminTest, ListsAndDescriptionsHaveAllOfTheStore) {
  constexpr int kMany = 700;
  const auto plan = [](const NameTable&) {
    CreationBatch batch;
    for (int i = 0; i < kMany; ++i) {
      NewVariable& v = batch.variables.emplace_back();
      v.definition = {.name = absl::StrCat(std::string(1, "abc"[i % 3]), i), .shape = Shape{0}};
      if (i % 3 != 1) continue;
      v.definition.kind = VariableKind::kSlot;
      v.definition.primary = "a0";
    }
    return batch;
  };
  ASSERT_TRUE(store.catalog.Create(plan).ok());
  for (const std::string prefix : {"", "a", "b", "c6", "none"}) {
    std::vector<std::string> expected;
    for (int i = 0; i < kMany; ++i) {
      const std::string name = absl::StrCat(std::string(1, "abc"[i % 3]), i);
      if (name.starts_with(prefix)) expected.push_back(name);
    }
    grpc::ClientContext call;
    call.set_deadline(std::chrono::system_clock::now() + kLong);
    v1::ListVariablesRequest request;
    request.set_prefix(prefix);
    std::vector<std::string> names;
    const auto reader = stub_->ListVariables(&call, request);
    for (v1::ListVariablesResponse part; reader->Read(&part);) {
      for (const v1::VariableInfo& info : part.variables()) names.push_back(info.name());
    }
    EXPECT_TRUE(reader->Finish().ok());
    EXPECT_EQ(names, expected) << prefix;
  }
  v1::DescribeVariableResponse description;
  EXPECT_TRUE(Describe("a0", &description).ok());
  ASSERT_EQ(description.slots_size(), kMany / 3);
  for (int i = 0; i < description.slots_size(); ++i) {
    EXPECT_EQ(description.slots(i).name(), absl::StrCat("b", 3 * i + 1));
  }
  EXPECT_TRUE(Describe("a3", &description).ok());
  EXPECT_EQ(description.slots_size(), 0);
}

// Of the two slots of a variable, and of what their optimizer has for all.
TEST_F(AdminTest, AListSaysWhoseStateAVariableIs) {
  const auto plan = [](const NameTable&) {
    CreationBatch batch;
    for (const std::string name : {"w", "w/a", "w/b", "power"}) {
      NewVariable& v = batch.variables.emplace_back();
      v.definition = {.name = name, .shape = Shape{0}};
      if (name == "w") continue;
      v.definition.kind = VariableKind::kSlot;
      v.definition.primary = "w";
    }
    batch.slots = {{"the slots", {"w/b", "w/a"}}};
    batch.non_slots = {{"of all", {"power"}}};
    return batch;
  };
  ASSERT_TRUE(store.catalog.Create(plan).ok());
  grpc::ClientContext call;
  call.set_deadline(std::chrono::system_clock::now() + kLong);
  const auto reader = stub_->ListVariables(&call, {});
  std::vector<std::string> told;
  for (v1::ListVariablesResponse part; reader->Read(&part);) {
    for (const v1::VariableInfo& info : part.variables()) {
      told.push_back(absl::StrCat(info.name(), ": ", info.state_key(), " ", info.state_index(),
                                  info.non_slot() ? " non-slot" : ""));
    }
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(told, (std::vector<std::string>{"w:  0", "w/a: the slots 1", "w/b: the slots 0",
                                            "power: of all 0 non-slot"}));
}

// As many as the server has threads, and more, while none of them can be answered.
TEST_F(AdminTest, WhoeverAsksAboutTheStoreHoldsOneThreadTogether) {
  constexpr uint64_t kMany = 2 * CallQueue::kMostThreads;
  const Caller worker = Connect("w");
  ASSERT_TRUE(Create(worker, "v", Shape{1}).ok());
  const VariablePtr variable = store.catalog.Find("v").value();
  std::vector<std::future<bool>> calls;
  {
    const MutexLock held(variable->mutex);
    for (uint64_t i = 0; i < kMany; ++i) {
      calls.push_back(std::async(std::launch::async, [this, lists = i % 2 == 0] {
        v1::DescribeVariableResponse response;
        return lists ? Lists() : Describe("v", &response).ok();
      }));
    }
    for (int i = 0; i < 20; ++i) {
      grpc::ClientContext call;
      call.set_deadline(std::chrono::system_clock::now() + kLong);
      v1::ListSnapshotsResponse response;
      ASSERT_TRUE(stub_->ListSnapshots(&call, {}, &response).ok());
    }
  }
  for (std::future<bool>& call : calls) EXPECT_TRUE(call.get());
}

// Its turn is not waited for in vain, and nobody else waits for it.
TEST_F(AdminTest, WhoeverLeavesHasNoTurn) {
  const Caller worker = Connect("w");
  ASSERT_TRUE(Create(worker, "v", Shape{1}).ok());
  const VariablePtr variable = store.catalog.Find("v").value();
  std::future<bool> first;
  {
    const MutexLock held(variable->mutex);
    first = std::async(std::launch::async, [this] { return Lists(); });
    for (int i = 0; i < 50; ++i) {
      grpc::ClientContext call;
      const auto reader = stub_->ListVariables(&call, {});
      call.TryCancel();
      v1::ListVariablesResponse part;
      while (reader->Read(&part)) continue;
      EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
    }
  }
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(Lists());
}

}  // namespace
}  // namespace varscope::server

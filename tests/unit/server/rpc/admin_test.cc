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

}  // namespace
}  // namespace varscope::server

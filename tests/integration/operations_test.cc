// What an operator relies on: bounded memory, rollback, quarantine, flags that are checked.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "proto/shm/file_descriptor.h"
#include "tests/support/in_threads.h"
#include "tests/support/programs.h"
#include "tests/support/raw_worker.h"
#include "tests/support/sanitizer.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_directory.h"
#include "varscope/v1/tensor_stream.pb.h"
#include "varscope/v1/worker.grpc.pb.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(MemoryPressureTest, WorkersThatFindTheServerFullAskAgain) {
  const ServerProcess server({"--max-inflight-bytes", "300KiB"});
  InThreads(server, 4, [](int) {
    const Variable w =
        get_variable("w", {.shape = Shape{50000}, .initializer = zeros_initializer()});
    Session session;
    for (int step = 0; step < 10; ++step) session.run(w.assign_add(ones({50000})).op());
  });
  Graph graph(server.target());
  const auto use = graph.as_default();
  EXPECT_EQ(Session().read("w").data<float>()[49999], 40);
}

// Streams of one connection that pull `w`, straight on the wire.
class RawReaders {
 public:
  using Stream = grpc::ClientReaderWriter<v1::TensorFrame, v1::TensorFrame>;
  explicit RawReaders(const ServerProcess& server)
      : stub_(v1::ParameterServer::NewStub(
            grpc::CreateChannel(server.target(), grpc::InsecureChannelCredentials()))) {}

  // One more, whose request is under way.
  Stream& Ask() {
    v1::TensorFrame request;
    request.mutable_header()->add_variables()->set_name("w");
    request.mutable_header()->mutable_pull()->add_variables(0);
    contexts_.push_back(std::make_unique<grpc::ClientContext>());
    streams_.push_back(stub_->Exchange(contexts_.back().get()));
    streams_.back()->Write(request);
    return *streams_.back();
  }
  void Cancel() {
    for (const auto& context : contexts_) context->TryCancel();
  }
  const std::vector<std::unique_ptr<Stream>>& streams() const { return streams_; }

 private:
  const std::unique_ptr<v1::ParameterServer::Stub> stub_;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts_;
  std::vector<std::unique_ptr<Stream>> streams_;
};

// A worker whose every step makes a new version of `w`, 4 MiB of the number of steps.
class Stepper {
 public:
  static constexpr int64_t kElements = 1 << 20;
  explicit Stepper(const ServerProcess& server) : graph_(server.target(), {.cache_pulls = false}) {
    const auto use = graph_.as_default();
    w_ = get_variable("w", {.shape = Shape{kElements}, .initializer = zeros_initializer()});
    add_ = w_.assign_add(ones({kElements})).op();
    session_ = std::make_unique<Session>();
  }
  void Step() { session_->run(add_); }
  float Last() { return session_->run(w_).data<float>()[kElements - 1]; }

 private:
  Graph graph_;
  Variable w_;
  Operation add_;
  std::unique_ptr<Session> session_;
};

TEST(MemoryPressureTest, ReadersThatStallNeitherGrowTheServerNorStopTheOthers) {
  constexpr int kReaders = 64;
  ServerProcess server({"--max-inflight-bytes", "16MiB", "--stall-seconds", "1"});
  Stepper healthy(server);
  RawReaders readers(server);
  for (int i = 0; i < kReaders; ++i) {
    readers.Ask();
    // Each reader would pin a version of its own.
    healthy.Step();
  }
  EXPECT_EQ(healthy.Last(), kReaders);
  if (!IsSanitized()) {
    EXPECT_LT(PeakMemoryOf(server.process().pid()), 160e6);
  }
  readers.Cancel();
  int refused = 0;
  for (const auto& reader : readers.streams()) refused += reader->Finish().ok() ? 0 : 1;
  EXPECT_GT(refused, kReaders / 2);
}

// Between two steps a stream holds nothing of what it sent last.
TEST(MemoryPressureTest, StreamsThatAreIdleKeepNoValues) {
  constexpr int kReaders = 64;
  ServerProcess server;
  Stepper healthy(server);
  RawReaders readers(server);
  for (int i = 0; i < kReaders; ++i) {
    healthy.Step();
    RawReaders::Stream& reader = readers.Ask();
    v1::TensorFrame answer;
    for (size_t read = 0; read < Stepper::kElements * sizeof(float); read += answer.body().size()) {
      ASSERT_TRUE(reader.Read(&answer));
    }
  }
  if (!IsSanitized()) {
    EXPECT_LT(PeakMemoryOf(server.process().pid()), 160e6);
  }
  for (const auto& reader : readers.streams()) {
    reader->WritesDone();
    EXPECT_TRUE(reader->Finish().ok());
  }
}

// Both states are there together, more than --memory-limit leaves to the account: that is nobody's
// who sends a few bytes meanwhile, nor the operator's.
TEST(MemoryPressureTest, ARollbackOfALargeStoreEndsNobodysConnection) {
  constexpr int kVariables = 15;
  constexpr int64_t kElements = 2 << 20;
  const TemporaryDirectory data;
  const shm::FileDescriptor file(memfd_create("log", MFD_CLOEXEC));
  ServerProcess server({"--data-dir", data.path(), "--memory-limit", "256MiB"},
                       {.error = file.get(), .log_level = "info"});
  {
    Graph graph(server.target());
    const auto use = graph.as_default();
    for (int i = 0; i < kVariables; ++i) {
      get_variable("v" + std::to_string(i),
                   {.shape = Shape{kElements}, .initializer = ones_initializer()});
    }
    Session session;
    for (int i = 0; i < kVariables; ++i) {
      EXPECT_EQ(session.read("v" + std::to_string(i)).data<float>()[kElements - 1], 1);
    }
  }
  ASSERT_EQ(server.Ctl({"snapshot", "good"}).code, 0);
  std::atomic<bool> over = false;
  std::thread others([&] {
    const RawWorker worker(server.target(), "bystander");
    while (!over) {
      v1::HeartbeatResponse response;
      worker.Call(&v1::ParameterServer::Stub::Heartbeat, v1::HeartbeatRequest(), &response);
    }
  });
  for (int i = 0; i < 3; ++i) {
    const Finished rolled = server.Ctl({"rollback", "good"});
    EXPECT_EQ(rolled.code, 0) << rolled.error;
    EXPECT_EQ(server.Ctl({"health"}).code, 0);
  }
  over = true;
  others.join();
  EXPECT_EQ(server.Stop(), 0);
  std::string log(lseek(file.get(), 0, SEEK_END), '\0');
  ASSERT_EQ(pread(file.get(), log.data(), log.size(), 0), static_cast<ssize_t>(log.size()));
  EXPECT_THAT(log, HasSubstr("stopped after"));
  EXPECT_THAT(log, Not(HasSubstr("ended the connection")));
}

class RollbackTest : public ::testing::Test {
 protected:
  float Value() {
    Graph graph(server_.target());
    const auto use = graph.as_default();
    return Session().read("w").scalar<float>();
  }

  const TemporaryDirectory data_;
  ServerProcess server_{{"--data-dir", data_.path()}};
};

TEST_F(RollbackTest, GoesBackForGoodAndWorkersNotice) {
  Graph graph(server_.target(), {.worker_id = "w"});
  const auto use = graph.as_default();
  const Variable w = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()});
  const Operation train = train::MomentumOptimizer(1.0, 0.5).minimize(w + 0);
  Session session;
  session.run(train);
  const float at_snapshot = session.run(w).scalar<float>();
  ASSERT_EQ(server_.Ctl({"snapshot", "good"}).code, 0);
  EXPECT_THAT(server_.Ctl({"snapshot", "good"}).error, HasSubstr("there is a snapshot 'good'"));
  session.run(train);
  session.run(train);
  const Finished rolled = server_.Ctl({"rollback", "good"});
  EXPECT_THAT(rolled.output, HasSubstr("rolled back to good, global step 1")) << rolled.error;
  EXPECT_EQ(Value(), at_snapshot);
  try {
    session.run(train);
    ADD_FAILURE() << "the worker did not notice";
  } catch (const AbortedError& error) {
    EXPECT_THAT(error.message(), HasSubstr("rolled back to a snapshot"));
  }
  // The next run goes on from there, slots included: 1 * 0.5 + 1.
  session.run(train);
  EXPECT_EQ(session.run(w).scalar<float>(), at_snapshot - 1.5F);
  server_.Kill();
  server_.Restart();
  EXPECT_EQ(Value(), at_snapshot - 1.5F);
}

// A version that comes a second time is not the value that a worker still holds of the first.
TEST_F(RollbackTest, WhatAWorkerHoldsFromBeforeIsNotTakenForCurrent) {
  Graph graph(server_.target(), {.worker_id = "w"});
  const auto use = graph.as_default();
  const Variable w = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()});
  Session session;
  ASSERT_EQ(server_.Ctl({"snapshot", "zero"}).code, 0);
  session.run(w.assign(1).op());
  EXPECT_EQ(session.run(w).scalar<float>(), 1);
  EXPECT_EQ(session.run(w).scalar<float>(), 1);
  ASSERT_EQ(server_.Ctl({"rollback", "zero"}).code, 0);
  EXPECT_THROW(session.run(w), AbortedError);
  {
    Graph other(server_.target());
    const auto use_other = other.as_default();
    const variable_scope reuse(get_variable_scope(), {.reuse = AUTO_REUSE});
    Session().run(get_variable("w").assign(2).op());
  }
  EXPECT_EQ(session.run(w).scalar<float>(), 2);
}

TEST_F(RollbackTest, WhatWasDefinedAfterTheSnapshotIsDefinedAgain) {
  Graph graph(server_.target(), {.worker_id = "w"});
  const auto use = graph.as_default();
  const Variable w = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()});
  ASSERT_EQ(server_.Ctl({"snapshot", "early"}).code, 0);
  const Variable late = get_variable("late", {.shape = Shape{}, .initializer = ones_initializer()});
  Session session;
  const Operation add = group({late.assign_add(1).op(), w.assign_add(1).op()});
  session.run(add);
  ASSERT_EQ(server_.Ctl({"rollback", "early"}).code, 0);
  EXPECT_THROW(session.run(add), AbortedError);
  session.run(add);
  EXPECT_EQ(session.run(late).scalar<float>(), 2);
  EXPECT_EQ(session.run(w).scalar<float>(), 1);
}

TEST_F(RollbackTest, ACrashRightAfterItDoesNotUndoIt) {
  {
    Graph graph(server_.target(), {.worker_id = "w"});
    const auto use = graph.as_default();
    const Variable w = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()});
    Session session;
    ASSERT_EQ(server_.Ctl({"snapshot", "zero"}).code, 0);
    session.run(w.assign(7).op());
  }
  ASSERT_EQ(server_.Ctl({"rollback", "zero"}).code, 0);
  server_.Kill();
  server_.Restart();
  EXPECT_EQ(Value(), 0);
  EXPECT_THAT(server_.Ctl({"snapshots"}).output, HasSubstr("zero"));
  const Finished unknown = server_.Ctl({"rollback", "nothing"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.error, HasSubstr("no snapshot 'nothing'; there are:"));
}

TEST_F(RollbackTest, ADirectoryTellsWhatItHoldsOnceItsServerIsGone) {
  {
    Graph graph(server_.target(), {.worker_id = "w"});
    const auto use = graph.as_default();
    const Variable w = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()});
    Session().run(w.assign(7).op());
  }
  ASSERT_EQ(server_.Ctl({"snapshot", "seven"}).code, 0);
  const auto verify = [&] { return RunToEnd({Built("bin/varscopectl"), "verify", data_.path()}); };
  const Finished busy = verify();
  EXPECT_EQ(busy.code, 1);
  EXPECT_THAT(busy.error, HasSubstr("in use by another varscoped"));
  server_.Kill();
  const Finished verified = verify();
  EXPECT_EQ(verified.code, 0) << verified.error;
  EXPECT_THAT(verified.output,
              AllOf(HasSubstr("seven"), HasSubstr("1 variables, 4 B"), HasSubstr("state hash ")));
  // One that is damaged is named, though a start does not need it.
  for (const auto& entry : std::filesystem::directory_iterator(data_.path())) {
    if (entry.path().filename().string().find("seven") == std::string::npos) continue;
    std::filesystem::resize_file(entry.path(), entry.file_size() - 1);
  }
  const Finished damaged = verify();
  EXPECT_EQ(damaged.code, 1);
  EXPECT_THAT(damaged.output, HasSubstr("DAMAGED"));
  EXPECT_THAT(damaged.error, HasSubstr("seven"));
}

TEST(SyncFlagTest, AWrongModeIsRefusedAtTheStart) {
  const Finished finished = RunToEnd({Built("bin/varscoped"), "--sync", "model=bulk"});
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.error, HasSubstr("'bulk' is none of async, bsp, ssp, local"));
  EXPECT_EQ(RunToEnd({Built("bin/varscoped"), "--sync", "bsp", "--sync", "async"}).code, 2);
}

TEST_F(RollbackTest, AChangeUnderWhichTheServerDiesMayHaveHappened) {
  {
    Graph graph(server_.target());
    const auto use = graph.as_default();
    get_variable("w", {.shape = Shape{16 << 20}, .initializer = zeros_initializer()});
    Session().run(global_variables_initializer());
  }
  const auto is_writing = [&] {
    for (const auto& entry : std::filesystem::directory_iterator(data_.path())) {
      if (entry.path().filename().string().find("doomed") != std::string::npos) return true;
    }
    return false;
  };
  Finished finished{.code = 0, .output = "", .error = ""};
  // It may be done before it is killed.
  for (int tries = 0; finished.code == 0 && tries < 100; ++tries) {
    CapturedProcess ctl(
        CtlCommand(server_.target(), {"snapshot", "doomed" + std::to_string(tries)}));
    while (!is_writing()) std::this_thread::yield();
    server_.Kill();
    finished = ctl.Wait();
    for (const auto& entry : std::filesystem::directory_iterator(data_.path())) {
      if (entry.path().filename().string().find("doomed") != std::string::npos) {
        std::filesystem::remove(entry.path());
      }
    }
    server_.Restart();
  }
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.error, HasSubstr("was gone before it answered: the snapshot may have"));
}

TEST(QuarantineTest, AnOperatorStopsAWorkersPushes) {
  const ServerProcess server;
  Graph graph(server.target(), {.worker_id = "bad"});
  const auto use = graph.as_default();
  const Variable w = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()});
  Session session;
  EXPECT_EQ(server.Ctl({"quarantine", "bad", "--reason", "diverges"}).code, 0);
  EXPECT_THROW(session.run(w.assign(1)), FailedPreconditionError);
  EXPECT_THAT(server.Ctl({"workers"}).output, HasSubstr("quarantined: diverges"));
  EXPECT_EQ(server.Ctl({"release", "bad"}).code, 0);
  EXPECT_EQ(session.run(w.assign(1)).scalar<float>(), 1);
}

}  // namespace
}  // namespace varscope::testing

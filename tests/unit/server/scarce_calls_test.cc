// Each kind of call to a server in whose process allocations fail, several in a row: it is answered
// or cancelled, and the server goes on.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "proto/wire/convert.h"
#include "server/server.h"
#include "tests/support/definition.h"
#include "tests/support/raw_worker.h"
#include "tests/support/sanitizer.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/failing_memory.h"
#include "varscope/v1/admin.grpc.pb.h"
#include "varscope/v1/worker.grpc.pb.h"

namespace varscope::server {
namespace {

using testing::RawWorker;
using Workers = v1::ParameterServer::Stub;
using Admin = v1::Admin::Stub;
using Health = grpc::health::v1::Health;

// Longer than what fits into a string itself.
const std::string kVariable = "a_variable_whose_name_takes_memory_of_its_own";

class ScarceCallsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
    Options options;
    options.listen = {"127.0.0.1:0"};
    options.data_dir = directory_.path();
    options.max_store_bytes = options.max_variable_bytes = options.max_push_bytes = 16 << 20;
    options.max_inflight_bytes = 16 << 20;
    options.groups = {GroupOptions{.prefix = "bsp", .spec = "bsp", .mode = SyncMode::kBsp},
                      GroupOptions{.prefix = "ssp", .spec = "ssp", .mode = SyncMode::kSsp}};
    server_ = Server::Open(options).value();
    ASSERT_TRUE(server_->Serve().ok());
    const auto worker = Connect();
    for (const std::string prefix : {"", "bsp/", "ssp/"}) {
      ASSERT_TRUE(Define(*worker, prefix + kVariable).ok());
    }
    v1::TakeSnapshotRequest snapshot;
    snapshot.set_name("good");
    ASSERT_TRUE(Ask(&Admin::TakeSnapshot, snapshot)(*worker).ok());
  }

  // How a call ends that the worker makes.
  using Call = std::function<grpc::Status(const RawWorker&)>;

  // Until it is let in: a rollback whose caller has gone may still be under way.
  std::unique_ptr<RawWorker> Connect() const {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    for (;;) {
      try {
        return std::make_unique<RawWorker>(absl::StrCat("127.0.0.1:", server_->ports()[0]), "w");
      } catch (const std::runtime_error&) {
        if (std::chrono::steady_clock::now() > limit) throw;
      }
    }
  }

  // Of a worker that has just connected, for each of several allocations in a row.
  void ExpectAnEnd(const Call& call) {
    for (uint64_t times = 1; times <= 4; ++times) {
      bool failed = true;
      for (uint64_t calls = 0; failed; calls += 1 + calls / 8) {
        SCOPED_TRACE(absl::StrCat(times, " fail after ", calls));
        const std::unique_ptr<RawWorker> worker = Connect();
        grpc::Status end;
        {
          const testing::FailingMemoryOfOthers failing(calls, times);
          end = call(*worker);
          failed = failing.failed();
        }
        // Its own, which is a minute: nobody else ended it.
        ASSERT_NE(end.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED) << end.error_message();
      }
    }
    const grpc::Status after = call(*Connect());
    EXPECT_TRUE(after.ok()) << after.error_message();
  }

  grpc::Status Define(const RawWorker& worker, const std::string& name) {
    v1::ResolveRequest request;
    request.set_sequence(++next_);
    *request.add_definitions() = testing::ZerosOf(name, {2});
    v1::ResolveResponse response;
    return worker.Call(&Workers::Resolve, request, &response);
  }

  // A gradient, its worker's first push.
  static v1::TensorFrame PushTo(const std::string& name, const RawWorker& worker) {
    v1::TensorFrame request;
    v1::FrameHeader& head = *request.mutable_header();
    v1::NamedVariable& variable = *head.add_variables();
    variable.set_name(name);
    variable.set_dtype(v1::DT_FLOAT32);
    variable.mutable_shape()->add_dims(2);
    v1::PushHead& push = *head.mutable_push();
    push.set_sequence(1);
    push.set_groups_version(worker.connected().groups_version());
    v1::OptimizerStep& step = *push.add_steps();
    step.mutable_state()->set_optimizer("GradientDescent");
    wire::ToProto({{"learning_rate", 0.1}}, step.mutable_state()->mutable_hyperparameters());
    step.add_variables(0);
    request.set_body(std::string(2 * sizeof(float), '\0'));
    head.set_body_bytes(request.body().size());
    return request;
  }

  // One request on a stream, and the stream's end.
  static grpc::Status Exchange(const RawWorker& worker, const v1::TensorFrame& request) {
    grpc::ClientContext context;
    worker.Prepare(context);
    const auto stream = worker.stub().Exchange(&context);
    stream->Write(request);
    v1::TensorFrame answer;
    stream->Read(&answer);
    stream->WritesDone();
    while (stream->Read(&answer)) {
    }
    return stream->Finish();
  }

  // A call of the operator's.
  template <typename Request, typename Response>
  static Call Ask(grpc::Status (Admin::*method)(grpc::ClientContext*, const Request&, Response*),
                  const Request& request) {
    return [=](const RawWorker& worker) {
      grpc::ClientContext context;
      worker.Prepare(context);
      Response response;
      return ((*v1::Admin::NewStub(worker.channel())).*method)(&context, request, &response);
    };
  }
  template <typename Request, typename Response>
  static Call List(std::unique_ptr<grpc::ClientReader<Response>> (Admin::*method)(
                       grpc::ClientContext*, const Request&),
                   const Request& request) {
    return [=](const RawWorker& worker) {
      grpc::ClientContext context;
      worker.Prepare(context);
      const auto stub = v1::Admin::NewStub(worker.channel());
      const auto reader = ((*stub).*method)(&context, request);
      Response response;
      while (reader->Read(&response)) {
      }
      return reader->Finish();
    };
  }

  const testing::TemporaryDirectory directory_;
  std::unique_ptr<Server> server_;
  uint64_t next_ = 0;
};

TEST_F(ScarceCallsTest, Connect) {
  ExpectAnEnd([](const RawWorker& worker) {
    v1::ConnectRequest request;
    request.set_protocol(wire::kProtocol);
    request.set_worker_id("another");
    v1::ConnectResponse response;
    return worker.Call(&Workers::Connect, request, &response);
  });
}

TEST_F(ScarceCallsTest, Heartbeat) {
  ExpectAnEnd([](const RawWorker& worker) {
    v1::HeartbeatResponse response;
    return worker.Call(&Workers::Heartbeat, v1::HeartbeatRequest(), &response);
  });
}

TEST_F(ScarceCallsTest, Resolve) {
  ExpectAnEnd([this](const RawWorker& worker) {
    return Define(worker, absl::StrCat(kVariable, "_", ++next_));
  });
}

TEST_F(ScarceCallsTest, Barrier) {
  ExpectAnEnd([this](const RawWorker& worker) {
    v1::BarrierRequest request;
    request.set_name("a_barrier_whose_name_takes_memory_of_its_own");
    request.set_parties(1);
    request.set_timeout_ms(600'000);
    request.set_sequence(++next_);
    v1::BarrierResponse response;
    return worker.Call(&Workers::Barrier, request, &response);
  });
}

TEST_F(ScarceCallsTest, Disconnect) {
  ExpectAnEnd([](const RawWorker& worker) {
    v1::DisconnectResponse response;
    return worker.Call(&Workers::Disconnect, v1::DisconnectRequest(), &response);
  });
}

// Of no group, and of groups that wait for others.
TEST_F(ScarceCallsTest, PushAndPull) {
  for (const std::string prefix : {"", "bsp/", "ssp/"}) {
    SCOPED_TRACE(prefix);
    const std::string name = prefix + kVariable;
    ExpectAnEnd([&](const RawWorker& worker) { return Exchange(worker, PushTo(name, worker)); });
    ExpectAnEnd([&](const RawWorker& worker) {
      v1::TensorFrame request = PushTo(name, worker);
      request.mutable_header()->mutable_pull()->add_variables(0);
      return Exchange(worker, request);
    });
    ExpectAnEnd([&](const RawWorker& worker) {
      v1::TensorFrame request;
      request.mutable_header()->add_variables()->set_name(name);
      request.mutable_header()->mutable_pull()->add_variables(0);
      return Exchange(worker, request);
    });
  }
}

TEST_F(ScarceCallsTest, Lists) {
  ExpectAnEnd(List(&Admin::ListVariables, v1::ListVariablesRequest()));
  ExpectAnEnd(List(&Admin::ListWorkers, v1::ListWorkersRequest()));
  ExpectAnEnd(Ask(&Admin::ListGroups, v1::ListGroupsRequest()));
  ExpectAnEnd(Ask(&Admin::ListSnapshots, v1::ListSnapshotsRequest()));
}

TEST_F(ScarceCallsTest, DescribeVariable) {
  v1::DescribeVariableRequest request;
  request.set_name(kVariable);
  ExpectAnEnd(Ask(&Admin::DescribeVariable, request));
}

TEST_F(ScarceCallsTest, TakeSnapshot) {
  ExpectAnEnd(Ask(&Admin::TakeSnapshot, v1::TakeSnapshotRequest()));
}

TEST_F(ScarceCallsTest, Rollback) {
  v1::RollbackRequest request;
  request.set_name("good");
  ExpectAnEnd(Ask(&Admin::Rollback, request));
}

TEST_F(ScarceCallsTest, Quarantine) {
  v1::QuarantineRequest request;
  request.set_worker_id("w");
  for (const std::string reason : {"a reason that takes memory of its own", ""}) {
    request.set_reason(reason);
    ExpectAnEnd(Ask(&Admin::Quarantine, request));
  }
}

TEST_F(ScarceCallsTest, HealthCheck) {
  ExpectAnEnd([](const RawWorker& worker) {
    grpc::ClientContext context;
    worker.Prepare(context);
    grpc::health::v1::HealthCheckResponse response;
    return Health::NewStub(worker.channel())->Check(&context, {}, &response);
  });
}

}  // namespace
}  // namespace varscope::server

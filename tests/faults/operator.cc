#include "tests/faults/operator.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <thread>

#include "tests/faults/harness.h"

namespace varscope::testing {

Operator::Operator(const std::string& target)
    : stub_(v1::ParameterServer::NewStub(
          grpc::CreateChannel(target, grpc::InsecureChannelCredentials()))) {}

bool Operator::WaitUntilGone(const std::string& worker) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < limit) {
    grpc::ClientContext context;
    v1::ListWorkersResponse response;
    stub_->ListWorkers(&context, {}, &response);
    for (const v1::WorkerInfo& w : response.workers()) {
      if (w.worker_id() != worker) continue;
      if (w.state() == v1::WorkerInfo::EVICTED) return true;
      if (w.state() == v1::WorkerInfo::LEFT) return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  throw Broken("worker " + worker + " stands still and was not evicted within 30 s");
}

std::string Operator::Snapshot() {
  grpc::ClientContext context;
  v1::SnapshotResponse response;
  const grpc::Status status = stub_->Snapshot(&context, {}, &response);
  if (!status.ok()) throw Broken("no snapshot: " + status.error_message());
  return response.path();
}

}  // namespace varscope::testing

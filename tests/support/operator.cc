#include "tests/support/operator.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "client/rpc/list_parts.h"
#include "tests/support/raw_worker.h"

namespace varscope::testing {
namespace {

void ThrowIfFailed(const grpc::Status& status, const std::string& what) {
  if (!status.ok()) throw std::runtime_error(what + ": " + status.error_message());
}

}  // namespace

Operator::Operator(const std::string& target)
    : target_(target),
      stub_(v1::Admin::NewStub(grpc::CreateChannel(target, grpc::InsecureChannelCredentials()))) {}

v1::ListWorkersResponse Operator::Workers() {
  grpc::ClientContext context;
  v1::ListWorkersResponse all;
  ThrowIfFailed(internal::ReadParts(*stub_, &v1::Admin::Stub::ListWorkers, context,
                                    v1::ListWorkersRequest(), &all),
                "no list of workers");
  return all;
}

std::optional<v1::WorkerInfo::State> Operator::StateOf(const std::string& worker) {
  const v1::ListWorkersResponse all = Workers();
  for (const v1::WorkerInfo& w : all.workers()) {
    if (w.worker_id() == worker) return w.state();
  }
  return std::nullopt;
}

uint64_t Operator::IncarnationOf(const std::string& worker) {
  const v1::ListWorkersResponse all = Workers();
  for (const v1::WorkerInfo& w : all.workers()) {
    if (w.worker_id() == worker) return w.incarnation();
  }
  return 0;
}

std::vector<std::string> Operator::WaitsOf(const std::string& worker) {
  const v1::ListWorkersResponse all = Workers();
  for (const v1::WorkerInfo& w : all.workers()) {
    if (w.worker_id() == worker) return {w.waits().begin(), w.waits().end()};
  }
  return {};
}

bool Operator::WaitUntilLost(const std::string& worker) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < limit) {
    const std::optional<v1::WorkerInfo::State> state = StateOf(worker);
    if (state == v1::WorkerInfo::EVICTED) return true;
    if (state == v1::WorkerInfo::LEFT) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  throw std::runtime_error("worker " + worker + " is paused and was not evicted within 30 s");
}

v1::VariableInfo Operator::Describe(const std::string& variable) {
  grpc::ClientContext context;
  v1::DescribeVariableRequest request;
  request.set_name(variable);
  v1::DescribeVariableResponse response;
  ThrowIfFailed(stub_->DescribeVariable(&context, request, &response), "no variable " + variable);
  return response.variable();
}

v1::GroupInfo Operator::Group() {
  grpc::ClientContext context;
  v1::ListGroupsResponse response;
  ThrowIfFailed(stub_->ListGroups(&context, {}, &response), "no list of groups");
  if (response.groups_size() == 0) throw std::runtime_error("the server has no group");
  return response.groups(0);
}

uint64_t Operator::Connect(const std::string& worker) {
  return RawWorker(target_, worker).connected().incarnation();
}

std::string Operator::Snapshot() {
  grpc::ClientContext context;
  v1::TakeSnapshotResponse response;
  ThrowIfFailed(stub_->TakeSnapshot(&context, {}, &response), "no snapshot");
  return response.path();
}

}  // namespace varscope::testing

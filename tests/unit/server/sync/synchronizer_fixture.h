// A synchronizer with workers, and pushes and reads that somebody waits for.
#ifndef VARSCOPE_TESTS_UNIT_SERVER_SYNC_SYNCHRONIZER_FIXTURE_H_
#define VARSCOPE_TESTS_UNIT_SERVER_SYNC_SYNCHRONIZER_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/sync/synchronizer.h"
#include "tests/support/push.h"

namespace varscope::server {

// A push or a read that somebody waits for.
template <typename T>
class Pending {
 public:
  std::function<void(T)> Done() {
    return [promise = promise_](T value) { promise->set_value(std::move(value)); };
  }
  bool ready() const {
    return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  T Get() { return future_.get(); }

 private:
  std::shared_ptr<std::promise<T>> promise_ = std::make_shared<std::promise<T>>();
  std::future<T> future_ = promise_->get_future();
};
using PendingPush = Pending<absl::StatusOr<PushResult>>;
using PendingRead = Pending<absl::Status>;

class SynchronizerTest : public ::testing::Test {
 protected:
  ~SynchronizerTest() override { workers_.Stop(); }

  void Start(const std::vector<std::string>& groups, const std::vector<std::string>& workers) {
    std::vector<GroupOptions> options;
    for (const std::string& group : groups) options.push_back(ParseGroup(group).value());
    sync_.emplace(store_, workers_, options);
    workers_.Start(
        [this](const WorkerRecord& w) {
          store_.completion_records.Fence(w.worker_id, w.incarnation);
        },
        [this](const WorkerRecord& w) {
          if (hears_at_once_) return sync_->WorkerLost(w);
          late_.push_back(w);
        });
    for (const std::string& worker : workers) Connect(worker);
    for (const char* name : {"w", "model/w"}) {
      ResolveRequest request;
      request.request = {.key = name, .dtype = DType::kFloat32, .shape = Shape{1}};
      request.name = name;
      request.initializer = InitializerSpec{.kind = "zeros"};
      ASSERT_TRUE(store_.catalog.Resolve({"creator", 1}, request).ok());
    }
  }
  void Connect(const std::string& worker) {
    incarnations_[worker] = workers_.Connect(worker, "host", 1, Sharing::kGlobal).value();
  }

  // A step of gradient descent with learning rate 1.
  Push Gradient(const std::string& worker, float gradient, const std::string& variable = "w",
                std::optional<uint64_t> base = {}) {
    Push push{.id = {worker, incarnations_.at(worker), ++sequence_}};
    OptimizerStep& step = push.steps.emplace_back();
    step.state = {.optimizer = "GradientDescent",
                  .hyperparameters = {{"learning_rate", 1}},
                  .name = "GradientDescent",
                  .group = variable};
    step.updates.push_back({.variable = variable,
                            .gradient = Tensor::Of<float>(Shape{1}, {gradient}),
                            .base_version = base});
    return push;
  }
  PendingPush Submit(const Push& push) {
    PendingPush pending;
    server::Submit(*sync_, store_, push, pending.Done());
    return pending;
  }
  PendingPush Submit(const std::string& worker, float gradient, std::optional<uint64_t> base = {}) {
    return Submit(Gradient(worker, gradient, "w", base));
  }
  PendingRead Read(const std::string& worker) {
    PendingRead pending;
    const std::vector<Variable*> variables = {store_.catalog.Find("w").value().get()};
    sync_->AwaitRead(worker, incarnations_[worker], variables, pending.Done());
    return pending;
  }
  void HearOfTheLost() {
    for (const WorkerRecord& worker : late_) sync_->WorkerLost(worker);
  }
  float Value(const std::string& variable = "w") {
    return ValueOf(store_, variable).scalar<float>();
  }
  GroupStatus Status() { return sync_->status().at(0); }

  Store store_{StoreLimits{}};
  Workers workers_;
  std::optional<Synchronizer> sync_;
  std::map<std::string, uint64_t> incarnations_;
  uint64_t sequence_ = 0;
  // Else the groups hear of lost workers in HearOfTheLost, as when a thread gets no processor.
  bool hears_at_once_ = true;
  std::vector<WorkerRecord> late_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_TESTS_UNIT_SERVER_SYNC_SYNCHRONIZER_FIXTURE_H_

#include "varscope/session.h"

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/graph/creation.h"
#include "client/graph/state.h"
#include "client/rpc/connection.h"
#include "client/session/executor.h"
#include "client/session/plan.h"
#include "proto/core/names.h"
#include "proto/core/nearest.h"
#include "varscope/errors.h"

namespace varscope {
namespace {

// VARSCOPE_THREADS, or one for each core.
int ThreadCount() {
  const char* const asked = std::getenv("VARSCOPE_THREADS");
  int threads = 0;
  if (asked != nullptr && absl::SimpleAtoi(asked, &threads) && threads > 0) return threads;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// All sessions of a process share its threads and buffers.
internal::Device& ProcessDevice() {
  static auto* const device = new internal::Device(ThreadCount());
  return *device;
}

void CheckFeed(const Feed& feed) {
  const auto& [output, value] = feed;
  if (!value.defined()) throw ValueError(absl::StrCat("Cannot feed nothing for ", output.name()));
  if (value.dtype() == output.dtype() && value.shape().IsCompatibleWith(output.shape())) return;
  throw ValueError(absl::StrCat(
      "Cannot feed value of ", Name(value.dtype()), " ", value.shape().ToString(), " for Tensor '",
      output.name(), "', which has ", Name(output.dtype()), " ", output.shape().ToString()));
}

using PlanKey = std::vector<std::pair<const internal::Node*, int>>;

PlanKey KeyOf(const std::vector<Fetch>& fetches, const std::vector<Feed>& feeds) {
  PlanKey key;
  for (const Fetch& fetch : fetches) key.emplace_back(fetch.node(), fetch.index());
  key.emplace_back(nullptr, 0);
  for (const Feed& feed : feeds) key.emplace_back(feed.first.node(), feed.first.index());
  return key;
}

}  // namespace

struct Session::Impl {
  explicit Impl(internal::GraphState& graph) : graph(graph), store(graph.store()), local(*store) {}

  std::shared_ptr<const internal::Plan> PlanFor(const std::vector<Fetch>& fetches,
                                                const std::vector<Feed>& feeds) {
    const PlanKey key = KeyOf(fetches, feeds);
    std::lock_guard lock(mutex);
    std::shared_ptr<const internal::Plan>& plan = plans[key];
    if (plan == nullptr) {
      std::vector<Output> fed;
      for (const Feed& feed : feeds) fed.push_back(feed.first);
      plan = std::make_shared<const internal::Plan>(internal::Compile(fetches, fed));
    }
    return plan;
  }

  void CheckGraph(const internal::Node* node) const {
    if (node == nullptr) throw ValueError("Session.run: a fetch or feed is not defined.");
    if (node->graph == &graph) return;
    throw ValueError(
        absl::StrCat("Session.run: '", node->name, "' is not an element of this session's graph."));
  }

  internal::GraphState& graph;
  const std::shared_ptr<internal::RemoteStore> store;
  std::mutex mutex;
  std::map<PlanKey, std::shared_ptr<const internal::Plan>> plans;  // guarded by mutex
  std::atomic<uint64_t> global_step{0};
  std::atomic<uint64_t> dropped{0};
  internal::LocalTraining local;
};

Graph::Graph(const std::string& target, ConnectOptions options) : Graph() {
  state_->Connect(std::make_shared<internal::Connection>(target, options));
}

Session::Session(const std::string& target, ConnectOptions options) {
  internal::GraphState& graph = internal::Current();
  if (graph.store() == nullptr) {
    graph.Connect(std::make_shared<internal::Connection>(target, options));
    internal::ResolvePending(graph);
  }
  impl_ = std::make_unique<Impl>(graph);
}

Session::Session() {
  internal::GraphState& graph = internal::Current();
  if (graph.store() == nullptr) {
    throw ValueError(
        "Session(): the graph is not connected; give Session or Graph a target such "
        "as \"127.0.0.1:7077\".");
  }
  impl_ = std::make_unique<Impl>(graph);
}

Session::~Session() = default;

std::vector<Tensor> Session::run(const std::vector<Fetch>& fetches,
                                 const std::vector<Feed>& feeds) {
  for (const Fetch& fetch : fetches) impl_->CheckGraph(fetch.node());
  std::vector<Tensor> values;
  for (const Feed& feed : feeds) {
    impl_->CheckGraph(feed.first.node());
    CheckFeed(feed);
    values.push_back(feed.second);
  }
  const std::shared_ptr<const internal::Plan> plan = impl_->PlanFor(fetches, feeds);
  internal::RunOutcome outcome =
      internal::Execute(*plan, values, *impl_->store, impl_->local, ProcessDevice());
  impl_->dropped += outcome.dropped;
  if (outcome.global_step) impl_->global_step = *outcome.global_step;
  return std::move(outcome.results);
}

Tensor Session::run(const Fetch& fetch, const std::vector<Feed>& feeds) {
  return run(std::vector<Fetch>{fetch}, feeds).front();
}

Tensor Session::read(const std::string& name) {
  const absl::StatusOr<std::string> variable = VariableOf(name);
  if (!variable.ok()) throw ValueError(std::string(variable.status().message()));
  try {
    return impl_->store->PullWhole({*variable})[0].value;
  } catch (const NotFoundError& error) {
    std::vector<std::string> names;
    for (const internal::ListedVariable& v : impl_->store->List("")) names.push_back(v.name);
    throw NotFoundError(error.message() + DidYouMean(Nearest(*variable, names)), error.detail());
  }
}

uint64_t Session::global_step() const { return impl_->global_step; }

internal::RemoteStore& Session::store() const { return *impl_->store; }

uint64_t Session::dropped_pushes() const { return impl_->dropped; }

void Session::barrier(const std::string& name, uint32_t parties,
                      std::chrono::milliseconds timeout) {
  impl_->store->Barrier(name, parties, timeout);
}

}  // namespace varscope

#include "varscope/session.h"

#include <atomic>
#include <map>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "client/graph/creation.h"
#include "client/graph/default_stack.h"
#include "client/graph/handles.h"
#include "client/kernels/recent.h"
#include "client/rpc/connection.h"
#include "client/rpc/deadline.h"
#include "client/session/access.h"
#include "client/session/executor.h"
#include "client/session/plan.h"
#include "proto/concurrency/mutex.h"
#include "proto/concurrency/parallel.h"
#include "proto/naming/names.h"
#include "proto/tensor/nearest.h"
#include "varscope/errors.h"

namespace varscope {
namespace {

// The threads that the sessions of a process share: all those that ask for the same number have the
// same ones; 0 is the process's own number.
internal::Device& DeviceOf(int threads) {
  static auto* const mutex = new Mutex;
  static auto* const devices = new std::map<int, std::unique_ptr<internal::Device>>;
  const MutexLock lock(*mutex);
  std::unique_ptr<internal::Device>& device = (*devices)[threads];
  if (device == nullptr) {
    device = std::make_unique<internal::Device>(threads > 0 ? threads : ProcessThreads());
  }
  return *device;
}

void CheckNumbers(const ConnectOptions& options) {
  constexpr int kMost = 4096;
  if (options.threads < 0 || options.threads > kMost) {
    throw ValueError(
        absl::StrCat("ConnectOptions: threads is ", options.threads, ", expected 0 to ", kMost));
  }
  if (options.timeout.count() <= 0 || options.timeout > internal::kLongestTimeout) {
    throw ValueError(absl::StrCat("ConnectOptions: timeout is ", options.timeout.count(),
                                  " ms, expected 1 to ", internal::kLongestTimeout.count()));
  }
}

void CheckFeed(const Feed& feed) {
  const auto& [output, value] = feed;
  if (!value.defined()) throw ValueError(absl::StrCat("Cannot feed nothing for ", output.name()));
  if (value.dtype() == output.dtype() && value.shape().IsCompatibleWith(output.shape())) return;
  throw ValueError(absl::StrCat(
      "Cannot feed value of ", Name(value.dtype()), " ", value.shape().ToString(), " for Tensor '",
      output.name(), "', which has ", Name(output.dtype()), " ", output.shape().ToString()));
}

// Fetches, and fed outputs, sorted.
using PlanKey = std::pair<std::vector<internal::NodeOutput>, std::vector<internal::NodeOutput>>;

// A program that builds its fetches anew for each run would keep all plans for ever.
constexpr size_t kMostPlans = 64;

const internal::Node* NodeOf(const internal::NodeOutput& output) { return output.node; }
const internal::Node* NodeOf(const internal::Node* node) { return node; }

template <typename Handle>
auto OwnIn(const internal::GraphState& graph, const Handle& handle) {
  if (!handle.defined()) throw ValueError("Session.run: a fetch or feed is not defined.");
  if (internal::Unwrap(handle.graph()).get() == &graph) {
    const auto own = internal::Unwrap(handle);
    if (NodeOf(own)->body == nullptr) return own;
    throw ValueError(absl::StrCat("Session.run: '", handle.name(),
                                  "' is inside a branch of a condition or the body of a loop, and "
                                  "cannot be fetched or fed."));
  }
  throw ValueError(absl::StrCat("Session.run: '", handle.name(),
                                "' is not an element of this session's graph."));
}

}  // namespace

struct Session::Impl {
  explicit Impl(std::shared_ptr<internal::GraphState> of)
      : graph(std::move(of)), store(graph->store()), local(*store), slots(*store) {}

  std::shared_ptr<const internal::Plan> PlanFor(const PlanKey& key) {
    std::shared_ptr<const internal::Plan> plan = plans.Find(key);
    if (plan == nullptr) {
      plan = std::make_shared<const internal::Plan>(internal::Compile(key.first, key.second));
      plans.Keep(key, plan);
    }
    return plan;
  }

  const std::shared_ptr<internal::GraphState> graph;
  const std::shared_ptr<internal::RemoteStore> store;
  internal::Recent<PlanKey, internal::Plan> plans{kMostPlans};
  std::atomic<uint64_t> global_step{0};
  std::atomic<uint64_t> dropped{0};
  internal::LocalTraining local;
  internal::StoredSlots slots;
  internal::RandomStreams streams;
};

namespace internal {

RemoteStore& SessionAccess::StoreOf(const Session& session) { return *session.impl_->store; }

void SessionAccess::Assign(const Session& session,
                           const std::vector<PushRequest::Assignment>& assignments) {
  session.impl_->store->Push({.assignments = assignments, .allow_nonfinite = true});
  session.impl_->local.Follow(assignments);
}

std::vector<bool> SessionAccess::HaveValues(const Session& session,
                                            const std::vector<Variable>& variables) {
  const StoredSlots::Names slots = session.impl_->slots.All(*session.impl_->graph);
  std::set<std::string> initialized;
  for (const ListedVariable& listed : session.impl_->store->List("")) {
    if (listed.initialized) initialized.insert(listed.name);
  }
  std::vector<bool> have;
  for (const Variable& variable : variables) {
    const VariableState* const state = session.impl_->graph->Own(variable);
    const auto slot = slots.find(state);
    have.push_back(state->slot ? slot != slots.end() && initialized.contains(slot->second)
                               : initialized.contains(state->name));
  }
  return have;
}

StoredSlots& SessionAccess::SlotsOf(const Session& session) { return session.impl_->slots; }

GraphState& SessionAccess::GraphOf(const Session& session) { return *session.impl_->graph; }

NodeOutput SessionAccess::Get(const GraphState& graph, const Fetch& fetch) {
  if (const auto* const output = std::get_if<Output>(&fetch.what_)) return OwnIn(graph, *output);
  return {OwnIn(graph, std::get<Operation>(fetch.what_)), -1};
}

}  // namespace internal

Graph::Graph(const std::string& target, const ConnectOptions& options) : Graph() {
  CheckNumbers(options);
  state_->Connect(std::make_shared<internal::Connection>(target, options), options.threads);
}

Session::Session(const std::string& target, const ConnectOptions& options) {
  const Graph graph = Graph::get_default();
  if (!graph.connected()) {
    CheckNumbers(options);
    internal::GraphState& state = *internal::Unwrap(graph);
    const auto store = std::make_shared<internal::Connection>(target, options);
    internal::ResolvePending(state, *store);
    state.Connect(store, options.threads);
  }
  impl_ = std::make_shared<Impl>(internal::Unwrap(graph));
}

Session::Session() {
  const Graph graph = Graph::get_default();
  if (!graph.connected()) {
    throw ValueError(
        "Session(): the graph is not connected; give Session or Graph a target such "
        "as \"127.0.0.1:7077\".");
  }
  impl_ = std::make_shared<Impl>(internal::Unwrap(graph));
}

ScopeToken Session::Enter() const {
  return internal::DefaultStack<Impl>::Enter("Session.as_default()", impl_);
}

std::optional<Session> get_default_session() {
  auto& sessions = *internal::DefaultStack<Session::Impl>::OfThread();
  sessions.scopes.Check();
  if (sessions.values.empty()) return std::nullopt;
  return Session(sessions.values.back());
}

std::vector<Tensor> Session::run(const std::vector<Fetch>& fetches,
                                 const std::vector<Feed>& feeds) {
  impl_->graph->Use();
  PlanKey key;
  for (const Fetch& fetch : fetches) {
    key.first.push_back(internal::SessionAccess::Get(*impl_->graph, fetch));
  }
  // Sorted, because their order is nothing that a run depends on; of what is fed twice the last.
  std::map<internal::NodeOutput, Tensor> fed;
  for (const Feed& feed : feeds) {
    Tensor& value = fed[OwnIn(*impl_->graph, feed.first)];
    CheckFeed(feed);
    value = feed.second;
  }
  std::vector<Tensor> values;
  for (auto& [output, value] : fed) {
    key.second.push_back(output);
    values.push_back(std::move(value));
  }
  const std::shared_ptr<const internal::Plan> plan = impl_->PlanFor(key);
  internal::Device& device = DeviceOf(impl_->graph->threads());
  const ParallelLimit limit(device.threads());
  internal::RunOutcome outcome = internal::Execute(*plan, values, *impl_->store, impl_->local,
                                                   impl_->slots, impl_->streams, device);
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

uint64_t Session::dropped_pushes() const { return impl_->dropped; }

void Session::barrier(const std::string& name, uint32_t parties,
                      std::chrono::milliseconds timeout) {
  impl_->store->Barrier(name, parties, timeout);
}

}  // namespace varscope

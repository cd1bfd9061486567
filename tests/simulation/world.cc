#include "tests/simulation/world.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/wire/frame_reader.h"
#include "proto/wire/frame_writer.h"
#include "proto/wire/protocol.h"
#include "server/rpc/request_loop.h"
#include "server/rpc/worker_calls.h"
#include "tests/support/state_of.h"

namespace varscope::simulation {

using namespace server;

namespace {

constexpr int64_t kMarks = 256;
constexpr int64_t kRows = 4;
constexpr int64_t kColumns = 2;
constexpr char kMarksPrefix[] = "marks-";

Options OptionsFor(DurabilityLevel level) {
  Options options;
  options.data_dir = "/data";
  options.durability_level = level;
  options.durability_interval_ms = 20;
  options.max_store_bytes = options.max_variable_bytes = options.max_push_bytes = 1 << 24;
  options.max_inflight_bytes = 1 << 24;
  options.snapshot_seconds = 0;
  options.max_log_bytes = World::kMaxLogBytes;
  options.lease_seconds = 0;
  options.shared_memory_streams = 0;
  return options;
}

std::map<std::string, double> HyperparametersOf(const std::string& optimizer) {
  std::map<std::string, double> all = {{"learning_rate", 0.1}};
  if (optimizer == "Momentum") all["momentum"] = 0.9;
  if (optimizer == "Adam") all.insert({{"beta1", 0.9}, {"beta2", 0.999}, {"epsilon", 1e-8}});
  return all;
}

// The first line that differs.
std::string Difference(const std::string& is, const std::string& was) {
  std::istringstream a(is);
  std::istringstream b(was);
  std::string line;
  std::string other;
  while (std::getline(a, line) && std::getline(b, other) && line == other) {
  }
  constexpr size_t kLongest = 120;
  return absl::StrCat("'", absl::CHexEscape(line.substr(0, kLongest)), "', the last was '",
                      absl::CHexEscape(other.substr(0, kLongest)), "'");
}

// Without slots that no push has used: they are made just before the push that needs them is
// logged, so a crash may leave them.
StoreState WithoutFreshSlots(StoreState state) {
  std::set<std::string> fresh;
  for (const CapturedVariable& v : state.variables) {
    if (v.definition.kind == VariableKind::kSlot && v.version == 0) fresh.insert(v.definition.name);
  }
  std::erase_if(state.variables,
                [&](const CapturedVariable& v) { return fresh.contains(v.definition.name); });
  for (auto* bound : {&state.slots, &state.non_slots}) {
    std::erase_if(*bound, [&](const StateNames& names) {
      return std::all_of(names.variables.begin(), names.variables.end(),
                         [&](const std::string& name) { return fresh.contains(name); });
    });
  }
  return state;
}

}  // namespace

// One that has been sent. Its stream is its own.
struct World::Request {
  std::string worker;
  std::optional<RequestLoop> loop;  // of a push
  std::optional<size_t> state;      // the server's when it had been done
  bool done = false;
};

World::World(uint64_t seed, DurabilityLevel level)
    : env_(seed), options_(OptionsFor(level)), worker_names_{"w0", "w1", "w2"} {
  for (const std::string& name : worker_names_) workers_[name];
}

World::~World() {
  if (running()) Crash();
}

void World::Start() {
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Open(options_, env_);
  if (!server.ok()) {
    env_.trace().Note(absl::StrCat("does not start: ", server.status().ToString()));
    throw std::runtime_error(std::string(server.status().message()));
  }
  server_ = *std::move(server);
  // All first values are computed later, by an event of their own.
  server_->context().store.catalog.SetLarge(-1);
  const std::string now = State();
  const auto first = states_.begin() + static_cast<std::ptrdiff_t>(oldest_allowed_);
  if (!states_.empty() && std::find(first, states_.end(), now) == states_.end() && now != maybe_) {
    const bool older = std::find(states_.begin(), first, now) != first;
    wrong_ = absl::StrCat(
        "recovered ",
        older ? "a state from before an acknowledged change: " : "a state that never was: ",
        Difference(now, states_.back()));
  }
  states_ = {now};
  oldest_allowed_ = 0;
  maybe_.clear();
  CheckMarks();
}

void World::CheckMarks() {
  for (const CapturedVariable& v : Capture(server_->context().store).variables) {
    if (!absl::StartsWith(v.definition.name, kMarksPrefix) || !v.value.defined()) continue;
    const auto marks = v.value.values<float>();
    for (size_t i = 0; i < marks.size(); ++i) {
      if (marks[i] <= 1) continue;
      wrong_ = absl::StrCat("push ", i + 1, " of ", v.definition.name, " was applied ", marks[i],
                            " times");
    }
  }
}

void World::Crash() {
  env_.trace().Note("the process dies");
  env_.disk().Crash();
  // What waits for the disk hears that it is gone; nobody hears that.
  hears_ = false;
  const auto is_done = [](const auto& request) { return request->done; };
  while (!std::all_of(requests_.begin(), requests_.end(), is_done)) {
    env_.Advance(std::chrono::milliseconds(20));
  }
  requests_.clear();
  server_.reset();
  hears_ = true;
}

std::string World::State() const {
  return testing::StateOf(WithoutFreshSlots(Capture(server_->context().store)),
                          server_->context().workers.records());
}

void World::Remember() {
  std::string now = State();
  if (states_.empty() || states_.back() != now) states_.push_back(std::move(now));
}

void World::Answered(Request& request, const absl::Status& status) {
  request.done = true;
  if (!hears_) return;
  env_.trace().Note(absl::StrCat("answer: ", status.ToString()));
  ++answered_;
  // What it knows of the server is no more: it has to connect again.
  if (absl::IsUnauthenticated(status) || absl::IsAborted(status))
    workers_[request.worker].incarnation = 0;
  if (!status.ok()) return;
  ++acknowledged_;
  // A push is as safe as its reply says.
  if (request.loop && options_.durability_level != DurabilityLevel::kSync) return;
  oldest_allowed_ = std::max(oldest_allowed_, *request.state);
  maybe_.clear();
}

// One that has one answer; `begin` gets what to call with its status.
void World::Call(const std::string& worker, const std::function<void(CallDone)>& begin) {
  Request& request = *requests_.emplace_back(std::make_unique<Request>());
  request.worker = worker;
  begin([this, &request](const absl::Status& status) {
    NoteState(request);
    Answered(request, status);
  });
  Remember();
  request.state = states_.size() - 1;
}

void World::NoteState(Request& request) {
  if (!hears_ || request.state) return;
  Remember();
  request.state = states_.size() - 1;
}

void World::Connect(const std::string& name) {
  env_.trace().Note("connect " + name);
  v1::ConnectRequest request;
  request.set_protocol(wire::kProtocol);
  request.set_worker_id(name);
  request.set_host("host");
  request.set_nonce(env_.trace().Draw("nonce", 1 << 30) + 1);
  const auto response = std::make_shared<v1::ConnectResponse>();
  Call(name, [&](const CallDone& done) {
    server::Connect(server_->context(), {}, request, response.get(),
                    [response, done](const absl::Status& status) { done(status); });
  });
  if (response->session_key().empty()) return;
  workers_[name].incarnation = response->incarnation();
  workers_[name].last.reset();  // another incarnation's
  workers_[name].session_key = response->session_key();
  Create(name, kMarksPrefix + name);
}

void World::Create(const std::string& worker, const std::string& name) {
  env_.trace().Note(absl::StrCat(worker, " creates ", name));
  const bool is_marks = absl::StartsWith(name, kMarksPrefix);
  const absl::StatusOr<Caller> caller =
      server_->context().session_keys.Identify(workers_[worker].session_key);
  v1::ResolveRequest request;
  v1::VariableDefinition& definition = *request.add_definitions();
  definition.set_kind(v1::KIND_SHARED);
  definition.set_name(name);
  definition.set_key(name);
  definition.set_dtype(v1::DT_FLOAT32);
  definition.mutable_shape()->add_dims(is_marks ? kMarks : kRows);
  if (!is_marks) definition.mutable_shape()->add_dims(kColumns);
  definition.set_reuse(v1::REUSE_AUTO);
  definition.set_trainable(true);
  definition.mutable_initializer()->set_kind(is_marks ? "zeros" : "random_normal");
  const auto response = std::make_shared<v1::ResolveResponse>();
  Call(worker, [&](const CallDone& done) {
    server::Resolve(server_->context(), *caller, request, response.get(),
                    [response, done](const absl::Status& status) { done(status); });
  });
  if (response->resolutions_size() > 0 && !is_marks &&
      std::find(variables_.begin(), variables_.end(), name) == variables_.end()) {
    variables_.push_back(name);
  }
}

void World::Push(const std::string& name, const std::string& variable,
                 const std::string& optimizer) {
  Worker& worker = workers_[name];
  server::Push push{.id = {name, worker.incarnation, ++worker.sequence}};
  std::vector<float> mark(kMarks);
  mark.at(worker.sequence - 1) = 1;
  push.assignments.push_back(
      {kMarksPrefix + name, AssignOp::kAdd, Tensor::Of<float>(Shape{kMarks}, mark), std::nullopt});
  OptimizerStep step{.state = {.optimizer = optimizer,
                               .hyperparameters = HyperparametersOf(optimizer),
                               .name = optimizer,
                               .group = variable}};
  step.updates.push_back(DrawGradient(variable));
  push.steps.push_back(std::move(step));
  worker.last = push;
  Submit(name, push);
}

// Dense, or of some rows, perhaps one of them twice.
GradientUpdate World::DrawGradient(const std::string& variable) {
  Trace& trace = env_.trace();
  const bool sparse = trace.OneIn("sparse", 3);
  const auto rows = sparse ? static_cast<int64_t>(trace.Draw("rows", 4)) : kRows;
  GradientUpdate update{.variable = variable,
                        .gradient = Tensor(DType::kFloat32, Shape{rows, kColumns})};
  for (float& x : update.gradient.mutable_values<float>()) {
    x = static_cast<float>(trace.Draw("gradient", 200)) / 100 - 1;
  }
  if (!sparse) return update;
  update.rows = Tensor(DType::kInt64, Shape{rows});
  for (int64_t& row : update.rows->mutable_values<int64_t>()) {
    row = static_cast<int64_t>(trace.Draw("row", kRows));
  }
  return update;
}

void World::PushAgain(const std::string& name) {
  if (workers_[name].last) Submit(name, *workers_[name].last);
}

void World::ReadAnswer(Request& request) {
  wire::FrameReader answer(
      [](const v1::FrameHeader&) { return std::vector<wire::IncomingTensor>(); });
  absl::Status status;
  auto next = request.loop->Ran();
  for (; next == RequestLoop::Next::kWrite; next = request.loop->Written()) {
    grpc::ByteBuffer frame = request.loop->frame();
    status.Update(answer.Add(frame));
  }
  if (status.ok() && answer.head().has_error()) {
    status = absl::Status(static_cast<absl::StatusCode>(answer.head().error().code()),
                          answer.head().error().message());
  }
  NoteState(request);
  Answered(request, status);
}

void World::Submit(const std::string& name, const server::Push& push) {
  env_.trace().Note(absl::StrCat(name, " pushes ", push.id.sequence));
  Request& request = *requests_.emplace_back(std::make_unique<Request>());
  request.worker = name;
  absl::StatusOr<Caller> caller =
      server_->context().session_keys.Identify(workers_[name].session_key);
  if (!caller.ok()) return Answered(request, caller.status());
  request.loop.emplace(server_->context(), *std::move(caller), wire::kFrameBodyBytes, [] {});
  SentPush sent = Send(push);
  wire::FrameWriter writer(sent.head, std::move(sent.tensors));
  auto next = RequestLoop::Next::kRead;
  while (next == RequestLoop::Next::kRead) {
    grpc::ByteBuffer frame = writer.Next().value();
    next = request.loop->Received(frame);
  }
  if (next == RequestLoop::Next::kEnd) return Answered(request, request.loop->end());
  request.loop->Run([this, &request] { ReadAnswer(request); });
  Remember();
  request.state = states_.size() - 1;
  CheckMarks();
}

void World::Leave(const std::string& name) {
  env_.trace().Note(name + " leaves");
  const absl::StatusOr<Caller> caller =
      server_->context().session_keys.Identify(workers_[name].session_key);
  workers_[name].incarnation = 0;
  if (!caller.ok()) return;
  Call(name, [&](CallDone done) {
    server::Disconnect(server_->context(), *caller, {}, nullptr, std::move(done));
  });
}

void World::Quarantine(const std::string& name, const std::string& reason) {
  env_.trace().Note(absl::StrCat("quarantine of ", name, ": '", reason, "'"));
  Call(name, [&](CallDone done) {
    AnswerDurably(
        server_->context().durability,
        [&] { return server_->context().workers.Quarantine(name, reason); }, std::move(done));
  });
}

void World::TakeSnapshot(const std::string& name) {
  env_.trace().Note("snapshot " + name);
  const StoreState state = Capture(server_->context().store);
  const absl::StatusOr<TakenSnapshot> taken = server_->context().durability.TakeSnapshot(name);
  env_.trace().Note(taken.status().ToString());
  if (taken.ok()) snapshots_[taken->name] = state;
  // It holds all changes so far.
  if (taken.ok()) oldest_allowed_ = states_.size() - 1;
}

void World::RollBack(const std::string& name) {
  env_.trace().Note("rollback to " + name);
  std::vector<WorkerRecord> workers = server_->context().workers.records();
  for (WorkerRecord& worker : workers) worker.state = WorkerState::kRolledBack;
  const std::string target = testing::StateOf(WithoutFreshSlots(snapshots_.at(name)), workers);
  const std::string before = State();
  const absl::StatusOr<uint64_t> step = server_->context().durability.Rollback(name);
  env_.trace().Note(step.status().ToString());
  if (step.ok()) {
    if (State() != target) wrong_ = "a rollback made another state than its snapshot's";
    states_ = {target};
    oldest_allowed_ = 0;
    maybe_.clear();
    for (const auto& request : requests_) request->state = 0;
  } else {
    if (State() != before) wrong_ = "a rollback that failed changed something";
    // Its file may be there, and nothing that says that it is not wanted.
    maybe_ = target;
  }
}

}  // namespace varscope::simulation

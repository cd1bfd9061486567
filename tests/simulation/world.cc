#include "tests/simulation/world.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <stdexcept>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/memory/memory_account.h"
#include "proto/tensor/block_pool.h"
#include "proto/wire/convert.h"
#include "proto/wire/encoding.h"
#include "proto/wire/frame_reader.h"
#include "proto/wire/frame_writer.h"
#include "proto/wire/protocol.h"
#include "server/catalog/variable_pages.h"
#include "server/rpc/caller_of.h"
#include "server/rpc/convert.h"
#include "server/rpc/request_loop.h"
#include "server/rpc/worker_calls.h"
#include "tests/support/state_of.h"
#include "varscope/v1/admin.pb.h"

namespace varscope::simulation {

using namespace server;

namespace {

constexpr int64_t kMarks = 512;
constexpr int64_t kRows = 4;
constexpr int64_t kColumns = 2;
constexpr char kMarksPrefix[] = "marks-";

Options OptionsFor(const Setup& setup) {
  Options options;
  options.data_dir = "/data";
  options.durability_level = setup.level;
  options.durability_interval_ms = 20;
  options.max_store_bytes = options.max_variable_bytes = setup.max_store_bytes;
  options.max_push_bytes = uint64_t{1} << 24;
  options.max_inflight_bytes = setup.max_inflight_bytes;
  options.snapshot_seconds = 0;
  options.max_log_bytes = World::kMaxLogBytes;
  options.lease_seconds = setup.lease_seconds;
  options.shared_memory_streams = 0;
  options.grace_seconds = 0;
  for (const std::string& group : setup.groups) options.groups.push_back(*ParseGroup(group));
  return options;
}

std::map<std::string, double> HyperparametersOf(const std::string& optimizer) {
  std::map<std::string, double> all = {{"learning_rate", 0.1}};
  if (optimizer == "Momentum") all["momentum"] = 0.9;
  if (optimizer == "Adam") all.insert({{"beta1", 0.9}, {"beta2", 0.999}, {"epsilon", 1e-8}});
  return all;
}

// Of the process, without what is kept for later.
uint64_t HeldBytes() {
  BlockPool::Process()->FreeKept();
  return MemoryAccount::Process().used();
}
// Of messages that are not gone yet, and of what barriers know of the few who came to them: their
// last answers and rounds. A restart forgets both.
constexpr uint64_t kLittle = uint64_t{24} << 10;

std::string MarksOf(const std::string& worker) { return kMarksPrefix + worker; }

// A stream gives its variables numbers, and has given `by` before.
void Shift(v1::FrameHeader& head, uint32_t by) {
  for (v1::OptimizerStep& step : *head.mutable_push()->mutable_steps()) {
    for (uint32_t& number : *step.mutable_variables()) number += by;
    for (uint32_t& number : *step.mutable_create_slots()) number += by;
  }
  for (v1::Assignment& a : *head.mutable_push()->mutable_assignments()) {
    a.set_variable(a.variable() + by);
  }
}

// After these nothing of a push that was sent once can have happened.
bool SaysThatNothingHappened(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnauthenticated:
      return true;
    default:
      return false;
  }
}

// Those of float32 travel in fewer bytes, each as the draws say.
void EncodeGradients(Draws& draws, SentPush& sent) {
  size_t at = 0;
  for (v1::OptimizerStep& step : *sent.head.mutable_push()->mutable_steps()) {
    for (int i = 0; i < step.variables_size(); ++i) {
      if (step.index_counts(i) > 0) ++at;
      Tensor& gradient = sent.tensors[at++];
      auto encoding = wire::Encoding::kNone;
      if (gradient.dtype() == DType::kFloat32) {
        encoding = static_cast<wire::Encoding>(draws.Draw("encoding", 4));
      }
      step.add_encodings(static_cast<v1::Encoding>(encoding));
      if (encoding != wire::Encoding::kNone) gradient = *wire::Encode(encoding, gradient);
    }
  }
}

Tensor RowsOf(const Tensor& value, const std::vector<int64_t>& rows) {
  std::vector<int64_t> dims = value.shape().dims();
  dims[0] = static_cast<int64_t>(rows.size());
  Tensor some(value.dtype(), Shape(dims));
  const size_t size = rows.empty() ? 0 : some.byte_size() / rows.size();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (size > 0) std::memcpy(some.mutable_raw() + i * size, value.raw() + rows[i] * size, size);
  }
  return some;
}

}  // namespace

struct World::Stream {
  std::optional<RequestLoop> loop;
  uint32_t named = 0;  // variables
  bool busy = false;
  std::vector<Pulled> pulled;      // by the last pull
  std::vector<uint64_t> versions;  // of its answer; empty: it cannot be repeated
};

// One that has been sent.
struct World::Request {
  std::string worker;  // empty: nobody's
  std::string kind;
  std::string key;
  std::shared_ptr<Stream> stream;
  std::vector<std::string> rows;  // of the table of what was reached
  std::set<std::string> modes;
  // Of a push: which element of the worker's marks it adds to.
  std::optional<size_t> mark;
  bool is_push = false;
  bool first_time = true;
  bool is_over = false;                                    // its incarnation
  std::vector<std::pair<std::string, uint64_t>> versions;  // before it; each of them is to grow
  std::vector<Pulled> pulled;
  bool repeats = false;
  std::optional<uint64_t> position;  // of what it changed
  uint64_t era = 0;
  bool done = false;
};

World::World(uint64_t seed, DurabilityLevel level)
    : env_(seed), level_(level), worker_names_{"w0", "w1", "w2", "w3", "w4"} {
  setup_.level = level;
  setup_.groups = {"bsp=bsp:workers=2,deadline=2s"};
  for (const std::string& name : worker_names_) workers_[name];
  workers_[kRogue];
  env_.Observe([this] { Look(); });
}

World::~World() {
  if (running()) Crash();
}

Recorder& World::recorder() const { return dynamic_cast<Recorder&>(server_->context().durability); }

void World::Wrong(const std::string& what) {
  if (wrong_.empty()) wrong_ = what;
}

void World::Start() {
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Open(OptionsFor(setup_), env_);
  if (!server.ok()) {
    env_.trace().Note(absl::StrCat("does not start: ", server.status().ToString()));
    throw std::runtime_error(std::string(server.status().message()));
  }
  server_ = *std::move(server);
  const DurabilityLevel before = std::exchange(level_, setup_.level);
  // All first values are computed later, by an event of their own.
  server_->context().store.catalog.SetLarge(-1);
  const uint64_t position = recorder().last_position();
  env_.trace().Note(absl::StrCat("started at change ", position, ", durability ", NameOf(level_)));
  std::string now = State();
  // One that died in a rollback may owe its second record, which a start writes first. It is not on
  // stable storage yet.
  const bool may_owe = has_log() && rolled_back_ && position > 0;
  const bool owed = may_owe && history_.WhatIsWrong(position - 1, now).empty();
  rolled_back_ = rolled_back_ && (owed || !has_log());
  const std::string what = history_.WhatIsWrong(position, now);
  if (!what.empty() && !owed) Wrong(what);
  for (const std::string& mode : std::exchange(modes_, {})) {
    reached_.Add(Reached::Cell(Reached::RestartRow(mode), before));
  }
  history_.BeginAgain(owed ? position - 1 : position, now);
  history_.Saw(position, std::move(now));
  snapshot_position_ = position;
  versions_.clear();
  ++era_;
  LookAt(Capture(server_->context().store));
}

void World::ForgetRequests() {
  requests_.clear();
  for (auto& [name, worker] : workers_) worker.stream.reset();
}

void World::Crash() {
  env_.trace().Note("the process dies");
  Look();
  env_.disk().Crash();
  // What waits for others, or for the disk, ends; nobody hears that.
  hears_ = false;
  server_->context().synchronizer.Stop();
  server_->context().barriers.Stop();
  const auto is_done = [](const auto& request) { return request->done; };
  while (!std::all_of(requests_.begin(), requests_.end(), is_done)) {
    env_.Advance(std::chrono::milliseconds(20));
  }
  ForgetRequests();
  server_.reset();
  hears_ = true;
  // Who has come last may be forgotten.
  for (auto& [name, worker] : workers_) {
    if (!has_log()) worker.old_key.clear();
  }
}

std::string World::State() const {
  return testing::StateOf(server_->context().store, server_->context().workers);
}

const VariableDefinition* World::Definition(const std::string& name) const {
  const absl::StatusOr<VariablePtr> variable = server_->context().store.catalog.Find(name);
  return variable.ok() ? &(*variable)->def : nullptr;
}

uint64_t World::VersionOf(const std::string& name) const {
  const absl::StatusOr<VariablePtr> variable = server_->context().store.catalog.Find(name);
  if (!variable.ok()) return 0;
  const MutexLock lock((*variable)->mutex);
  return (*variable)->version;
}

std::string World::ModeOf(const std::string& variable) const {
  const std::string prefix = variable.substr(0, variable.find('/'));
  const bool has_group =
      std::any_of(setup_.groups.begin(), setup_.groups.end(),
                  [&](const std::string& group) { return absl::StartsWith(group, prefix + "="); });
  return has_group ? prefix : "async";
}

// Nothing: it has none, or is not there.
std::optional<int> World::MarkOf(const Request& request) const {
  if (!request.mark || request.era != era_) return std::nullopt;
  const absl::StatusOr<VariablePtr> marks =
      server_->context().store.catalog.Find(MarksOf(request.worker));
  if (!marks.ok()) return std::nullopt;
  const MutexLock lock((*marks)->mutex);
  if (!(*marks)->value.defined()) return 0;
  return (*marks)->value.values<uint8_t>()[*request.mark];
}

void World::Look() {
  if (!running() || !hears_ || looking_) return;
  if (has_log() && recorder().last_position() == history_.last_position()) return;
  looking_ = true;
  const StoreState state = Capture(server_->context().store);
  if (has_log()) {
    env_.trace().Note(
        absl::StrCat("change ", recorder().last_position(), ", step ", state.steps.global));
    history_.Saw(recorder().last_position(),
                 testing::StateOf(state, server_->context().workers.records()));
  }
  LookAt(state);
  looking_ = false;
}

void World::LookAt(const StoreState& state) {
  for (const CapturedVariable& v : state.variables) {
    const std::string& name = v.definition->name;
    uint64_t& version = versions_[name];
    if (v.version < version) {
      Wrong(absl::StrCat(name, " has version ", v.version, ", it had version ", version));
    }
    version = v.version;
    if (!absl::StartsWith(name, kMarksPrefix) || !v.value.defined()) continue;
    const auto marks = v.value.values<uint8_t>();
    for (size_t i = 0; i < marks.size(); ++i) {
      if (marks[i] <= 1) continue;
      Wrong(absl::StrCat("push ", i + 1, " of ", name, " was applied ", marks[i], " times"));
    }
  }
  for (const auto& request : requests_) {
    if (request->position || MarkOf(*request).value_or(0) == 0) continue;
    request->position = has_log() ? recorder().last_position() : 0;
    for (const auto& [name, before] : request->versions) {
      if (VersionOf(name) > before) continue;
      Wrong(absl::StrCat("a push of ", request->worker, " was applied, but for its update of ",
                         name));
    }
  }
}

World::Request& World::NewRequest(const std::string& worker, std::string kind) {
  if (requests_.size() > 200) {
    std::erase_if(requests_, [](const auto& request) { return request->done; });
  }
  Request& request = *requests_.emplace_back(std::make_unique<Request>());
  request.worker = worker;
  request.kind = std::move(kind);
  request.era = era_;
  return request;
}

void World::Answered(Request& request, const absl::Status& status) {
  request.done = true;
  if (request.stream) request.stream->busy = false;
  if (!hears_) return;
  env_.trace().Note(
      absl::StrCat("answer to ", request.worker, "'s ", request.kind, ": ", status.ToString()));
  ++answered_;
  // What it knows of the server is no more: it has to connect again.
  if (!request.worker.empty() && (absl::IsUnauthenticated(status) || absl::IsAborted(status)) &&
      request.key == workers_[request.worker].session_key) {
    workers_[request.worker].incarnation = 0;
  }
  if (!status.ok()) return;
  ++acknowledged_;
  if (!request.kind.empty()) reached_.Add(Reached::Cell(request.kind, level_));
  if (request.era != era_ || !has_log() || !request.position) return;
  // A push is as safe as its reply says.
  if (!request.is_push || level_ == DurabilityLevel::kSync) history_.MustKeep(*request.position);
}

// One that has one answer; `begin` gets what to call with its status.
void World::Call(const std::string& worker, const std::string& kind,
                 const std::function<void(CallDone)>& begin) {
  Request& request = NewRequest(worker, kind);
  if (!worker.empty()) request.key = workers_[worker].session_key;
  // Who is there, or comes to a barrier, changes nothing.
  const bool changes = kind != "heartbeat" && kind != "barrier";
  const auto note = [this, &request, changes] {
    if (hears_ && changes && !request.position) request.position = recorder().last_position();
  };
  begin([this, &request, note](const absl::Status& status) {
    Look();
    note();
    Answered(request, status);
  });
  Look();
  note();
}

absl::StatusOr<Caller> World::Identify(const std::string& key) const {
  return server::CallerOf<v1::TensorFrame>(server_->context(), key);
}

void World::Connect(const std::string& name) {
  env_.trace().Note("connect " + name);
  v1::ConnectRequest request;
  request.set_protocol(wire::kProtocol);
  request.set_worker_id(name);
  request.set_host("host");
  request.set_nonce(env_.trace().Draw("nonce", 1 << 30) + 1);
  const auto answer = std::make_shared<Answer<v1::ConnectResponse>>();
  Worker& worker = workers_[name];
  const std::string before = worker.session_key;
  worker.old_key.clear();
  Call(name, "connect", [&](CallDone done) {
    server::Connect(server_->context(), {}, request, *answer,
                    [this, &worker, before, answer,
                     done = std::move(done)](const absl::Status& status) mutable {
                      // Before that a crash may undo it, and a server that dies says nothing.
                      if (hears_ && status.ok()) worker.old_key = before;
                      done(status);
                    });
  });
  if ((*answer)->session_key().empty()) return;
  worker.incarnation = (*answer)->incarnation();
  worker.session_key = (*answer)->session_key();
  worker.last.reset();  // another incarnation's
  worker.last_sent.reset();
  worker.stream.reset();
  v1::ResolveRequest marks;
  v1::VariableDefinition& definition = *marks.add_definitions();
  definition.set_name(MarksOf(name));
  definition.set_key(MarksOf(name));
  definition.set_dtype(v1::DT_UINT8);
  definition.mutable_shape()->add_dims(kMarks);
  definition.set_reuse(v1::REUSE_AUTO);
  definition.mutable_initializer()->set_kind("zeros");
  Resolve(name, marks);
}

void World::Create(const std::string& worker, const std::string& name) {
  v1::ResolveRequest request;
  v1::VariableDefinition& definition = *request.add_definitions();
  definition.set_name(name);
  definition.set_key(name);
  definition.set_dtype(v1::DT_FLOAT32);
  definition.mutable_shape()->add_dims(kRows);
  definition.mutable_shape()->add_dims(kColumns);
  definition.set_reuse(v1::REUSE_AUTO);
  definition.set_trainable(true);
  definition.mutable_initializer()->set_kind("random_normal");
  Resolve(worker, request);
}

void World::Resolve(const std::string& worker, const v1::ResolveRequest& request) {
  env_.trace().Note(absl::StrCat(worker, " creates ", request.ShortDebugString()));
  const absl::StatusOr<Caller> caller = Identify(workers_[worker].session_key);
  if (!caller.ok()) return;
  const auto answer = std::make_shared<Answer<v1::ResolveResponse>>();
  Call(worker, "resolve", [&](CallDone done) {
    server::Resolve(
        server_->context(), *caller, request, *answer,
        [this, request, answer, done = std::move(done)](const absl::Status& status) mutable {
          if (hears_ && status.ok()) ReachResolved(request);
          done(status);
        });
  });
  for (const v1::Resolution& resolution : (*answer)->resolutions()) {
    for (const v1::VariableInfo& variable : resolution.variables()) {
      const std::string& name = variable.name();
      const bool known = std::find(variables_.begin(), variables_.end(), name) != variables_.end();
      if (!known && !absl::StartsWith(name, kMarksPrefix)) variables_.push_back(name);
    }
  }
}

void World::ReachResolved(const v1::ResolveRequest& request) {
  for (const v1::VariableDefinition& definition : request.definitions()) {
    const absl::StatusOr<DType> dtype = wire::FromProto(definition.dtype());
    if (!dtype.ok()) continue;
    reached_.Add(Reached::Cell(Reached::Row(*dtype, "resolve", ModeOf(definition.name())), level_));
  }
}

void World::Heartbeat(const std::string& worker) {
  env_.trace().Note(worker + " is there");
  const absl::StatusOr<Caller> caller = Identify(workers_[worker].session_key);
  if (!caller.ok()) return;
  Answer<v1::HeartbeatResponse> answer;
  Call(worker, "heartbeat", [&](CallDone done) {
    server::Heartbeat(server_->context(), *caller, {}, answer, std::move(done));
  });
}

void World::Leave(const std::string& name) {
  env_.trace().Note(name + " leaves");
  const absl::StatusOr<Caller> caller = Identify(workers_[name].session_key);
  workers_[name].incarnation = 0;
  if (!caller.ok()) return;
  const auto answer = std::make_shared<Answer<v1::DisconnectResponse>>();
  Call(name, "leave", [&](CallDone done) {
    server::Disconnect(
        server_->context(), *caller, {}, *answer,
        [answer, done = std::move(done)](const absl::Status& status) mutable { done(status); });
  });
}

void World::Arrive(const std::string& worker, const v1::BarrierRequest& given) {
  env_.trace().Note(absl::StrCat(worker, " comes to ", given.ShortDebugString()));
  const absl::StatusOr<Caller> caller = Identify(workers_[worker].session_key);
  if (!caller.ok()) return;
  const auto request = std::make_shared<v1::BarrierRequest>(given);
  const auto answer = std::make_shared<Answer<v1::BarrierResponse>>();
  Call(worker, "barrier", [&](CallDone done) {
    server::Barrier(server_->context(), *caller, *request, *answer,
                    [request, answer, done = std::move(done)](const absl::Status& status) mutable {
                      done(status);
                    });
  });
}

void World::Quarantine(const std::string& name, const std::string& reason) {
  env_.trace().Note(absl::StrCat("quarantine of ", name, ": '", reason, "'"));
  Call("", "quarantine", [&](CallDone done) {
    AnswerDurably(
        server_->context().durability,
        [&] { return server_->context().synchronizer.Quarantine(name, reason); }, std::move(done));
  });
}

void World::AskOperatorsQuestions(const std::string& about) {
  env_.trace().Note("questions about " + about);
  const ServiceContext& context = server_->context();
  v1::DescribeVariableResponse description;
  const absl::StatusOr<VariablePtr> found = context.store.catalog.Find(about);
  if (found.ok()) ToProto(**found, description.mutable_variable());
  v1::ListVariablesResponse variables;
  VariablePages pages(context.store.catalog);
  for (auto page = pages.Next(); page.ok() && !page->empty(); page = pages.Next()) {
    for (const VariablePtr& variable : *page) {
      if (!absl::StartsWith(variable->def.name, about)) continue;
      ToProto(*variable, variables.add_variables());
    }
  }
  constexpr size_t kMost = 100;
  v1::ListWorkersResponse workers;
  for (const WorkerStatus& worker : context.workers.StatusAfter("", kMost)) {
    ToProto(worker, workers.add_workers());
  }
  v1::ListGroupsResponse groups;
  for (const GroupStatus& group : context.synchronizer.status()) {
    ToProto(group, groups.add_groups());
  }
  if (context.durability.ListSnapshots().ok()) reached_.Add(Reached::Cell("list", level_));
}

void World::Push(const std::string& name, const std::string& variable,
                 const std::string& optimizer) {
  OptimizerStep step{.state = {.optimizer = optimizer,
                               .hyperparameters = HyperparametersOf(optimizer),
                               .name = optimizer,
                               .group = variable}};
  step.updates.push_back(DrawGradient(variable));
  server::Push push;
  push.steps.push_back(std::move(step));
  Push(name, std::move(push));
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

void World::Push(const std::string& name, server::Push push, std::vector<std::string> rows) {
  Worker& worker = workers_[name];
  push.id = {name, worker.incarnation, ++worker.sequence};
  if (worker.sequence <= kMarks) {
    Tensor mark(DType::kUint8, Shape{kMarks});
    std::fill_n(mark.mutable_values<uint8_t>().data(), kMarks, 0);
    mark.mutable_values<uint8_t>()[worker.sequence - 1] = 1;
    push.assignments.push_back({MarksOf(name), AssignOp::kAdd, mark, std::nullopt});
  }
  worker.last = push;
  worker.last_rows.clear();
  for (const std::string& row : rows) worker.last_rows.push_back(Reached::Again(row));
  // Bytes that nobody shares are written in place, as a server's are.
  for (OptimizerStep& step : worker.last->steps) {
    for (GradientUpdate& update : step.updates) update.gradient = update.gradient.Clone();
  }
  for (Assignment& assignment : worker.last->assignments) {
    assignment.value = assignment.value.Clone();
  }
  Submit(name, worker.session_key, push, std::move(rows), /*first_time=*/true);
}

void World::PushAgain(const std::string& name) {
  Worker& worker = workers_[name];
  if (!worker.last) return;
  server::Push push = *worker.last;
  for (OptimizerStep& step : push.steps) {
    for (GradientUpdate& update : step.updates) update.gradient = update.gradient.Clone();
  }
  Submit(name, worker.session_key, push, worker.last_rows, /*first_time=*/false);
}

void World::PushAsBefore(const std::string& name) {
  Worker& worker = workers_[name];
  if (worker.old_key.empty() || worker.sequence >= kMarks) return;
  server::Push push{.id = {name, 0, ++worker.sequence}};
  Tensor mark(DType::kUint8, Shape{kMarks});
  std::fill_n(mark.mutable_values<uint8_t>().data(), kMarks, 0);
  mark.mutable_values<uint8_t>()[worker.sequence - 1] = 1;
  push.assignments.push_back({MarksOf(name), AssignOp::kAdd, mark, std::nullopt});
  Submit(name, worker.old_key, push, {}, /*first_time=*/true);
}

// A stream is used again once it is idle.
std::shared_ptr<World::Stream> World::StreamOf(const std::string& name, const std::string& key) {
  const bool is_own = !name.empty() && key == workers_[name].session_key;
  if (is_own && workers_[name].stream && !workers_[name].stream->busy) return workers_[name].stream;
  absl::StatusOr<Caller> caller = Identify(key);
  if (!caller.ok()) return nullptr;
  auto stream = std::make_shared<Stream>();
  stream->loop.emplace(server_->context(), *std::move(caller), wire::kFrameBodyBytes, [] {});
  if (is_own) workers_[name].stream = stream;
  return stream;
}

void World::Submit(const std::string& name, const std::string& key, const server::Push& push,
                   std::vector<std::string> rows, bool first_time) {
  const bool over = key != workers_[name].session_key;
  env_.trace().Note(absl::StrCat(name, " pushes ", push.id.sequence,
                                 over ? " as the incarnation before" : "",
                                 first_time ? "" : " again"));
  Request& request = NewRequest(name, first_time ? "push" : "push again");
  request.key = key;
  request.is_push = true;
  request.first_time = first_time;
  request.is_over = over;
  request.rows = std::move(rows);
  for (const OptimizerStep& step : push.steps) {
    for (const GradientUpdate& update : step.updates) request.modes.insert(ModeOf(update.variable));
  }
  if (push.id.sequence <= kMarks) request.mark = push.id.sequence - 1;
  if (first_time) {
    for (const OptimizerStep& step : push.steps) {
      for (const GradientUpdate& update : step.updates) {
        const GroupOptions* group = nullptr;
        const auto groups = server_->context().synchronizer.status();
        for (const GroupStatus& status : groups) {
          if (absl::StartsWith(update.variable, status.options.prefix + "/")) {
            group = &status.options;
          }
        }
        // What few others push, a robust group leaves out.
        if (group != nullptr && IsRobust(group->aggregation)) continue;
        request.versions.emplace_back(update.variable, VersionOf(update.variable));
      }
    }
  }
  // It was applied before, with the changes so far.
  if (MarkOf(request).value_or(0) != 0) {
    request.position = has_log() ? recorder().last_position() : 0;
  }
  request.stream = StreamOf(name, key);
  if (request.stream == nullptr) return Answered(request, Identify(key).status());
  // Sent again it is the same bytes, as a worker's are.
  std::optional<SentPush>& last = workers_[name].last_sent;
  SentPush sent = first_time || !last ? server::Send(push) : *last;
  if (first_time && env_.trace().OneIn("encoded gradients", 4)) {
    EncodeGradients(env_.trace(), sent);
  }
  if (first_time && !over) last = sent;
  for (Tensor& tensor : sent.tensors) tensor = tensor.Clone();
  Send(request, std::move(sent.head), std::move(sent.tensors));
}

void World::Pull(const std::string& name, const std::vector<Pulled>& pulled, bool repeat) {
  Worker& worker = workers_[name];
  const std::shared_ptr<Stream> stream = StreamOf(name, worker.session_key);
  if (stream == nullptr) return;
  if (repeat && stream->versions.empty()) return;
  env_.trace().Note(absl::StrCat(name, repeat ? " pulls again" : " pulls ",
                                 pulled.empty() ? "" : pulled[0].name));
  const bool rows = std::any_of(pulled.begin(), pulled.end(),
                                [](const Pulled& one) { return one.rows.has_value(); });
  Request& request = NewRequest(name, repeat ? "repeated pull" : rows ? "pull rows" : "pull");
  request.key = worker.session_key;
  request.stream = stream;
  request.repeats = repeat;
  request.pulled = repeat ? stream->pulled : pulled;
  v1::FrameHeader head;
  v1::PullRequest& pull = *head.mutable_pull();
  std::vector<Tensor> tensors;
  pull.set_epoch(server_->context().epoch());
  pull.set_repeat(repeat);
  for (const Pulled& one : pulled) {
    pull.add_variables(stream->named + head.variables_size());
    head.add_variables()->set_name(one.name);
    pull.add_encodings(one.encoding);
    pull.add_index_counts(one.rows ? one.rows->size() + 1 : 0);
    if (!one.rows) continue;
    tensors.push_back(
        Tensor::Of<int64_t>(Shape{static_cast<int64_t>(one.rows->size())}, *one.rows));
  }
  Send(request, std::move(head), std::move(tensors));
}

void World::Send(Request& request, v1::FrameHeader head, std::vector<Tensor> tensors) {
  Stream& stream = *request.stream;
  stream.busy = true;
  if (head.has_push()) Shift(head, stream.named);
  stream.named += head.variables_size();
  wire::FrameWriter writer(head, std::move(tensors),
                           {.checksums = env_.trace().OneIn("checksums", 4)});
  auto next = RequestLoop::Next::kRead;
  while (next == RequestLoop::Next::kRead) {
    std::optional<grpc::ByteBuffer> frame = writer.Next();
    if (!frame) return Answered(request, absl::InternalError("the server wants more"));
    next = stream.loop->Received(*frame);
  }
  if (next == RequestLoop::Next::kRun) return RunRequest(request);
  const absl::Status end = stream.loop->end();
  if (!request.worker.empty()) workers_[request.worker].stream.reset();
  Answered(request, end);
}

void World::RunRequest(Request& request) {
  request.stream->loop->Run([this, &request] { ReadAnswer(request); });
  Look();
}

void World::ReadAnswer(Request& request) {
  Look();
  Stream& stream = *request.stream;
  // Which values come: all, or those that are not as they were.
  wire::FrameReader answer([&](const v1::FrameHeader& head) {
    std::vector<wire::IncomingTensor> tensors;
    for (int i = 0; i < head.versions_size(); ++i) {
      const Pulled& one = request.pulled[i];
      const VariableDefinition* const def = Definition(one.name);
      if (def == nullptr) return std::vector<wire::IncomingTensor>();
      if (request.repeats && stream.versions[i] == head.versions(i)) continue;
      std::vector<int64_t> dims = def->shape.dims();
      if (one.rows) dims[0] = static_cast<int64_t>(one.rows->size());
      tensors.push_back({def->dtype, Shape(dims), static_cast<wire::Encoding>(one.encoding), ""});
    }
    return tensors;
  });
  absl::Status status;
  auto next = stream.loop->Ran();
  for (; next == RequestLoop::Next::kWrite; next = stream.loop->Written()) {
    grpc::ByteBuffer frame = stream.loop->frame();
    status.Update(answer.Add(frame));
  }
  if (next == RequestLoop::Next::kEnd) {
    status.Update(stream.loop->end());
    if (!request.worker.empty()) workers_[request.worker].stream.reset();
  }
  if (!status.ok() && hears_) Wrong(absl::StrCat("an answer makes no sense: ", status.ToString()));
  if (status.ok() && answer.head().has_error()) {
    status = absl::Status(static_cast<absl::StatusCode>(answer.head().error().code()),
                          answer.head().error().message());
    stream.named = 0;
    stream.versions.clear();
  }
  if (hears_ && request.is_push) CheckPushed(request, status, answer.head().pushed());
  if (hears_ && status.ok() && !request.pulled.empty()) {
    CheckPulled(request, answer);
    for (const Pulled& one : request.pulled) {
      const VariableDefinition* const def = Definition(one.name);
      if (def == nullptr) continue;
      reached_.Add(Reached::Cell(Reached::Row(def->dtype, request.kind, ModeOf(one.name)), level_));
    }
  }
  Answered(request, status);
}

void World::CheckPushed(Request& request, const absl::Status& status,
                        const v1::PushResponse& pushed) {
  const std::string about =
      absl::StrCat("push ", request.mark.value_or(0) + 1, " of ", request.worker, " (",
                   status.ok() ? pushed.ShortDebugString() : status.ToString(), ") ");
  if (status.ok() && request.is_over) Wrong(about + "was taken, though its incarnation was over");
  const std::optional<int> mark = MarkOf(request);
  const bool applied = status.ok() && pushed.outcome() == v1::PushResponse::APPLIED;
  if (applied && mark.value_or(1) == 0) Wrong(about + "was acknowledged and did nothing");
  const bool refused =
      (status.ok() && !applied) || (SaysThatNothingHappened(status) && request.first_time);
  if (refused && mark.value_or(0) != 0) Wrong(about + "was refused and applied");
  if (!applied) return;
  for (const std::string& row : request.rows) reached_.Add(Reached::Cell(row, level_));
  if (request.first_time) modes_.insert(request.modes.begin(), request.modes.end());
}

// It is what is there now.
void World::CheckPulled(Request& request, const wire::FrameReader& answer) {
  Stream& stream = *request.stream;
  const v1::FrameHeader& head = answer.head();
  if (head.unchanged()) {
    for (size_t i = 0; i < request.pulled.size(); ++i) {
      if (stream.versions[i] == VersionOf(request.pulled[i].name)) continue;
      Wrong(request.pulled[i].name + " was said to be unchanged, and has another version");
    }
    return;
  }
  if (static_cast<size_t>(head.versions_size()) != request.pulled.size()) {
    return Wrong("a pull's answer has too few versions");
  }
  size_t at = 0;
  for (int i = 0; i < head.versions_size(); ++i) {
    const Pulled& one = request.pulled[i];
    if (head.versions(i) != VersionOf(one.name)) {
      Wrong(absl::StrCat(one.name, " was pulled in version ", head.versions(i), ", it has ",
                         VersionOf(one.name)));
    }
    if (request.repeats && stream.versions[i] == head.versions(i)) continue;
    if (at >= answer.tensors().size()) return Wrong("a pull's answer has too few values");
    const Tensor& got = answer.tensors()[at++];
    if (one.encoding != v1::ENCODING_NONE) continue;
    const Tensor value = ValueOf(server_->context().store, one.name);
    const Tensor expected = one.rows ? RowsOf(value, *one.rows) : value;
    if (std::memcmp(got.raw(), expected.raw(), expected.byte_size()) != 0) {
      Wrong(one.name + " was pulled with other bytes than it has");
    }
  }
  stream.pulled = request.pulled;
  stream.versions.clear();
  if (head.repeatable()) stream.versions.assign(head.versions().begin(), head.versions().end());
}

void World::SendAnything(const std::string& key, const v1::FrameHeader& head,
                         const std::string& body, bool checksum) {
  env_.trace().Note(absl::StrCat("anything: ", head.ShortDebugString()));
  const size_t half = body.size() / 2;
  Request& request = NewRequest("", "");
  request.key = key;
  request.stream = StreamOf("", key);
  if (request.stream == nullptr) return Answered(request, Identify(key).status());
  auto next = RequestLoop::Next::kRead;
  for (int frame = 0; frame < 2 && next == RequestLoop::Next::kRead; ++frame) {
    const grpc::Slice slice(frame == 0 ? body.substr(0, half) : body.substr(half));
    grpc::ByteBuffer buffer =
        wire::Encode(frame == 0 ? head : v1::FrameHeader(), {slice}, checksum);
    next = request.stream->loop->Received(buffer);
    if (next == RequestLoop::Next::kWrite) next = request.stream->loop->Written();
  }
  // Whatever is missing does not come.
  if (next == RequestLoop::Next::kRead) next = request.stream->loop->Ended(absl::OkStatus());
  if (next == RequestLoop::Next::kEnd) return Answered(request, request.stream->loop->end());
  request.stream->loop->Run([this, &request] {
    auto next = request.stream->loop->Ran();
    while (next == RequestLoop::Next::kWrite) next = request.stream->loop->Written();
    // It waits for an acknowledgement, or for the next request.
    if (next == RequestLoop::Next::kRead) request.stream->loop->Ended(absl::OkStatus());
    Answered(request, absl::UnknownError("whatever it was"));
  });
  Look();
}

void World::SendBytes(const std::string& key, const std::string& bytes) {
  env_.trace().Note(absl::StrCat(bytes.size(), " bytes"));
  const std::shared_ptr<Stream> stream = StreamOf("", key);
  if (stream == nullptr) return;
  const grpc::Slice slice(bytes);
  grpc::ByteBuffer buffer(&slice, 1);
  const RequestLoop::Next next = stream->loop->Received(buffer);
  if (next != RequestLoop::Next::kRun) return;
  Request& request = NewRequest("", "");
  request.stream = stream;
  stream->loop->Run([this, &request] {
    request.stream->loop->Ran();
    Answered(request, absl::UnknownError("whatever it was"));
  });
  Look();
}

void World::CallAnything(const std::string& key, const v1::ConnectRequest& given) {
  env_.trace().Note("anything: " + given.ShortDebugString());
  const absl::StatusOr<Caller> caller = Identify(key);
  if (!caller.ok()) return;
  const auto request = std::make_shared<v1::ConnectRequest>(given);
  const auto answer = std::make_shared<Answer<v1::ConnectResponse>>();
  Call("", "", [&](CallDone done) {
    server::Connect(server_->context(), *caller, *request, *answer,
                    [request, answer, done = std::move(done)](const absl::Status& status) mutable {
                      done(status);
                    });
  });
}

void World::CallAnything(const std::string& key, const v1::ResolveRequest& given) {
  env_.trace().Note("anything: " + given.ShortDebugString());
  const absl::StatusOr<Caller> caller = Identify(key);
  if (!caller.ok()) return;
  const auto request = std::make_shared<v1::ResolveRequest>(given);
  const auto answer = std::make_shared<Answer<v1::ResolveResponse>>();
  Call("", "", [&](CallDone done) {
    server::Resolve(server_->context(), *caller, *request, *answer,
                    [request, answer, done = std::move(done)](const absl::Status& status) mutable {
                      done(status);
                    });
  });
}

void World::CallAnything(const std::string& key, const v1::BarrierRequest& given) {
  env_.trace().Note("anything: " + given.ShortDebugString());
  const absl::StatusOr<Caller> caller = Identify(key);
  if (!caller.ok()) return;
  const auto request = std::make_shared<v1::BarrierRequest>(given);
  const auto answer = std::make_shared<Answer<v1::BarrierResponse>>();
  Call("", "barrier", [&](CallDone done) {
    server::Barrier(server_->context(), *caller, *request, *answer,
                    [request, answer, done = std::move(done)](const absl::Status& status) mutable {
                      done(status);
                    });
  });
}

void World::TakeSnapshot(const std::string& name, const std::function<void()>& meanwhile) {
  env_.trace().Note("snapshot " + name);
  Look();
  const StoreState state = Capture(server_->context().store);
  const uint64_t position = has_log() ? recorder().last_position() : snapshot_position_ + 1;
  if (!has_log()) {
    history_.Saw(position, testing::StateOf(state, server_->context().workers.records()));
  }
  env_.disk().Meanwhile(meanwhile);
  const absl::StatusOr<TakenSnapshot> taken = server_->context().durability.TakeSnapshot(name);
  env_.disk().Meanwhile(nullptr);
  env_.trace().Note(taken.status().ToString());
  Look();
  if (!taken.ok()) return;
  snapshots_[taken->name] = state;
  snapshot_position_ = position;
  // It holds all changes so far.
  history_.MustKeep(position);
  reached_.Add(Reached::Cell("snapshot", level_));
}

void World::RollBack(const std::string& name) {
  env_.trace().Note("rollback to " + name);
  Look();
  std::vector<WorkerRecord> workers = server_->context().workers.records();
  for (WorkerRecord& worker : workers) worker.state = WorkerState::kRolledBack;
  const std::string target = testing::StateOf(snapshots_.at(name), workers);
  const std::string before = State();
  // Its own, which its snapshot has.
  const uint64_t position = (has_log() ? recorder().last_position() : snapshot_position_) + 1;
  rolled_back_ = true;
  // What it comes to is known at its end.
  looking_ = true;
  const absl::StatusOr<uint64_t> step = server_->context().durability.Rollback(name);
  looking_ = false;
  env_.trace().Note(step.status().ToString());
  const uint64_t now = has_log() ? recorder().last_position() : position;
  if (step.ok()) {
    if (State() != target) {
      Wrong("a rollback made another state than its snapshot's: " + Difference(State(), target));
    }
    history_.BeginAgain(position, target);
    history_.Saw(now, target);
    snapshot_position_ = position;
    versions_.clear();
    ++era_;
    reached_.Add(Reached::Cell("rollback", level_));
    LookAt(Capture(server_->context().store));
    return;
  }
  if (State() != before) {
    Wrong("a rollback that failed changed something: " + Difference(State(), before));
  }
  if (has_log() && now < position) return;  // it has not begun
  // Its file may be there, and nothing that says that it is not wanted.
  history_.Saw(position, target);
  if (!has_log()) return;
  for (uint64_t p = position; p <= now; ++p) history_.Saw(p, before);
}

// What any worker may expect.
void World::ExpectThatItServes() {
  const std::string worker = worker_names_[0];
  const std::string variable = "the-last";
  const auto expect = [&](const char* what, size_t answers) {
    env_.Advance(std::chrono::milliseconds(3000));
    if (acknowledged_ < answers) Wrong(absl::StrCat("at the end the server refuses to ", what));
    return acknowledged_;
  };
  size_t before = acknowledged_;
  Connect(worker);
  before = expect("take a worker", before + 2);
  Quarantine(worker, "");
  before = expect("release a worker", before + 1);
  Create(worker, variable);
  before = expect("create a variable", before + 1);
  Push(worker, variable, "Momentum");
  before = expect("take a push", before + 1);
  Pull(worker, {{variable}});
  before = expect("answer a pull", before + 1);
  Leave(worker);
  expect("let a worker go", before + 1);
}

void World::Finish() {
  env_.trace().Note("the end: no more faults");
  env_.disk().Heal();
  env_.disk().CrashAt(UINT64_MAX);
  // Also who thinks that his session is over, and could not make another.
  for (const auto& [name, worker] : workers_) Leave(name);
  // Longer than any lease, deadline and retry.
  env_.Advance(std::chrono::milliseconds(40'000));
  for (const auto& request : requests_) {
    if (!request->done)
      Wrong(absl::StrCat(request->worker, "'s ", request->kind, " waits for ever"));
  }
  if (!wrong_.empty()) return;  // they still wait
  ForgetRequests();
  const ServiceContext& context = server_->context();
  if (const uint64_t left = context.memory_quota.used(); left > 0) {
    Wrong(absl::StrCat(left, " bytes stay reserved"));
  }
  if (const uint64_t left = context.pinned_memory.used(); left > 0) {
    Wrong(absl::StrCat(left, " bytes stay pinned"));
  }
  if (has_log() && State() != history_.last()) {
    Wrong("something changed without a record: " + Difference(State(), history_.last()));
  }
  // It had time enough to write.
  if (has_log()) history_.MustKeep(history_.last_position());
  const uint64_t held = HeldBytes();
  const bool kept = has_log();
  Crash();
  env_.disk().Restart(Disk::Loss::kPosix);
  setup_.max_store_bytes = setup_.max_inflight_bytes = uint64_t{1} << 24;
  setup_.lease_seconds = 0;
  Start();
  // The same state, and nothing of the past.
  const uint64_t needed = HeldBytes();
  env_.trace().Note(absl::StrCat(held, " bytes are held, ", needed, " after a restart"));
  if (kept && held > needed + kLittle) {
    Wrong(
        absl::StrCat(held, " bytes are held when all workers have left, for a state of ", needed));
  }
  ExpectThatItServes();
}

}  // namespace varscope::simulation

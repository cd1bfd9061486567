#include "tests/simulation/requests.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/optimizers/optimizer.h"
#include "proto/wire/convert.h"
#include "tests/simulation/reached.h"
#include "tests/simulation/values.h"

namespace varscope::simulation {

using namespace server;

namespace {

// As a name has it.
std::string NamedMode(const std::string& name) { return name.substr(0, name.find('/')); }

bool IsTogether(const std::string& mode) { return mode != "async" && mode != "ssp"; }

bool LeavesFewOut(const std::string& mode) {
  return mode == "median" || mode == "trimmed_mean" || mode == "krum";
}

}  // namespace

std::vector<std::string> DrawGroups(Draws& draws, const std::vector<std::string>& modes) {
  std::vector<std::string> groups;
  for (const std::string& mode : modes) {
    if (draws.OneIn("without the group", 6)) continue;
    // One that ends while the story goes on, or one that never does.
    const char* const deadline = draws.OneIn("long deadline", 2) ? "86400s" : "2s";
    const std::string round =
        absl::StrCat("workers=5,deadline=", deadline, draws.OneIn("quorum", 4) ? ",quorum=3" : "");
    if (mode == "async") {
      static const std::vector<std::string> kPolicies = {
          "async", "async:clip_norm=1,nonfinite=refuse", "async:nonfinite=skip,quarantine=40",
          "async:stale=scale,max_staleness=3"};
      groups.push_back(absl::StrCat(mode, "=", draws.OneOf("policy", kPolicies)));
    } else if (mode == "ssp") {
      groups.push_back(
          absl::StrCat("ssp=ssp:bound=", draws.Draw("bound", 4), ",deadline=", deadline));
    } else if (mode == "local") {
      groups.push_back(absl::StrCat("local=local:steps=4,workers=5,deadline=", deadline));
    } else if (mode == "bsp") {
      groups.push_back(absl::StrCat("bsp=bsp:", round));
    } else if (mode == "backup") {
      groups.push_back(absl::StrCat("backup=bsp:workers=5,backup=1,deadline=", deadline));
    } else {
      groups.push_back(absl::StrCat(mode, "=bsp:workers=5,deadline=", deadline, ",aggregate=", mode,
                                    mode == "median" ? "" : "/1"));
    }
  }
  return groups;
}

std::string Requests::DrawMode() { return draws_.OneOf("mode", modes_); }

std::vector<Requests::Known> Requests::KnownOf(const std::string& mode) const {
  std::vector<Known> known;
  for (const std::string& name : world_.variables()) {
    if (!mode.empty() && NamedMode(name) != mode) continue;
    const VariableDefinition* const definition = world_.Definition(name);
    if (definition == nullptr) continue;
    known.push_back({name, NamedMode(name), definition->dtype, definition->shape});
  }
  return known;
}

void Requests::Create(const std::string& worker) {
  static const std::vector<Shape> kShapes = {{4, 2}, {}, {1}, {0, 3}, {3, 0}, {5}, {2, 2, 3}, {17}};
  static const std::vector<std::string> kKinds = {
      "zeros",         "ones",       "constant",      "value",           "random_uniform",
      "random_normal", "orthogonal", "glorot_normal", "truncated_normal"};
  const std::string name = absl::StrCat(DrawMode(), "/v", draws_.Draw("name", 6));
  // Half of them take gradients.
  DType dtype = draws_.OneIn("float64", 2) ? DType::kFloat64 : DType::kFloat32;
  if (draws_.OneIn("any dtype", 2)) dtype = kDTypes[draws_.Draw("dtype", std::size(kDTypes))].dtype;
  const Shape shape = draws_.OneOf("shape", kShapes);
  v1::ResolveRequest request;
  request.set_sequence(draws_.OneIn("without a number", 4) ? 0 : ++resolved_);
  v1::VariableDefinition& definition = *request.add_definitions();
  const bool unique = draws_.OneIn("unique", 6);
  definition.set_kind(unique ? v1::KIND_UNIQUE : v1::KIND_SHARED);
  definition.set_name(name);
  if (!unique) definition.set_key(name);
  definition.set_dtype(wire::ToProto(dtype));
  wire::ToProto(shape, definition.mutable_shape());
  definition.set_reuse(v1::REUSE_AUTO);
  definition.set_trainable(draws_.OneIn("trainable", 2));
  if (draws_.OneIn("by its worker", 6)) {
    definition.set_worker_initialized(true);
    definition.mutable_initializer()->set_kind("zeros");
  } else {
    v1::InitializerSpec& initializer = *definition.mutable_initializer();
    initializer.set_kind(draws_.OneOf("initializer", kKinds));
    if (draws_.OneIn("seed", 3)) initializer.set_seed(draws_.Draw("seed's value", 100));
    if (initializer.kind() == "value") {
      const Tensor value = DrawValues(draws_, dtype, shape, /*finite=*/true);
      initializer.set_value(
          std::string(reinterpret_cast<const char*>(value.raw()), value.byte_size()));
    }
    if (initializer.kind() == "constant") {
      wire::ToProto({{"value", DrawNumber(draws_)}}, initializer.mutable_parameters());
    }
  }
  if (!unique && shape.rank() == 2 && shape.dim(0) > 1 && draws_.OneIn("partitioned", 4)) {
    wire::ToProto(shape, definition.mutable_partitioning()->mutable_full_shape());
    definition.mutable_partitioning()->add_partitions(2);
    definition.mutable_partitioning()->add_partitions(1);
  }
  world_.Resolve(worker, request);
}

OptimizerStep Requests::NewStep(const std::string& mode) {
  OptimizerStep step;
  const auto names = optimizers::OptimizerNames();
  const std::string name(names[draws_.Draw("optimizer", names.size())]);
  step.state.optimizer = step.state.name = name;
  if (world_.ModeOf(mode) == "local") {
    step.state.optimizer = "Momentum";
    step.state.name = "OuterMomentum";
  } else if (draws_.OneIn("another name", 5)) {
    step.state.name = "Mine";
  }
  const optimizers::Optimizer& optimizer = *optimizers::FindOptimizer(step.state.optimizer);
  for (const optimizers::HyperparameterDef& def : optimizer.hyperparameters) {
    const bool must = std::isnan(def.default_value);
    if (!must && !draws_.OneIn("given", 4)) continue;
    const std::string given(def.name);
    if (def.range.whole) {
      step.state.hyperparameters[given] = 1;
    } else if (def.range.most > 0) {
      step.state.hyperparameters[given] = draws_.OneIn("any value", 12) ? DrawNumber(draws_) : 0.1;
    }
  }
  if (draws_.OneIn("clip norm", 5)) step.clip_norm = std::abs(DrawNumber(draws_));
  if (draws_.OneIn("clip value", 5)) step.clip_value = std::abs(DrawNumber(draws_));
  if (draws_.OneIn("weight decay", 5)) step.weight_decay = 0.01;
  step.creator = {"w1", "host", 7, "train.cc", 1, 1};
  return step;
}

GradientUpdate Requests::NewUpdate(const Known& known, bool finite) {
  GradientUpdate update{.variable = known.name};
  Shape shape = known.shape;
  if (shape.rank() > 0 && draws_.OneIn("sparse", 2)) {
    std::vector<int64_t> dims = shape.dims();
    dims[0] = static_cast<int64_t>(draws_.Draw("rows", 6));
    update.rows = DrawRows(draws_, shape, dims[0]);
    shape = Shape(dims);
  }
  update.gradient = DrawValues(draws_, known.dtype, shape, finite);
  if (draws_.OneIn("base version", 3)) {
    const uint64_t version = world_.VersionOf(known.name);
    update.base_version = version - std::min<uint64_t>(version, draws_.Draw("staleness", 4));
  }
  return update;
}

void Requests::AddAssignment(const Known& known, server::Push& push) {
  static const std::vector<AssignOp> kOps = {
      AssignOp::kAssign,     AssignOp::kAdd,        AssignOp::kSub,       AssignOp::kScatterUpdate,
      AssignOp::kScatterAdd, AssignOp::kScatterSub, AssignOp::kInitialize};
  Assignment assignment{known.name, draws_.OneOf("assignment", kOps), Tensor(), std::nullopt};
  Shape shape = known.shape;
  if (IsScatter(assignment.op)) {
    if (shape.rank() == 0) return;
    std::vector<int64_t> dims = shape.dims();
    dims[0] = static_cast<int64_t>(draws_.Draw("rows", 4));
    assignment.rows = DrawRows(draws_, shape, dims[0]);
    shape = Shape(dims);
  }
  const bool finite = !push.allow_nonfinite && !draws_.OneIn("not finite", 30);
  assignment.value = DrawValues(draws_, known.dtype, shape, finite);
  push.assignments.push_back(std::move(assignment));
}

// As workers name it: by one of two scopes, so that they meet, also where it was made unnamed.
void Requests::NameState(OptimizerStep& step) {
  server::NameState(step, [this] { return draws_.OneIn("scope", 2) ? "" : "train/"; });
}

server::Push Requests::Gradients(const std::string& mode, const std::vector<Known>& variables,
                                 const OptimizerStep& step) {
  server::Push push;
  push.allow_nonfinite = draws_.OneIn("allow what is not finite", 8);
  const bool finite = !push.allow_nonfinite && !draws_.OneIn("not finite", 40);
  push.steps = {step};
  push.steps[0].state.group = variables[0].name;
  const bool alone = !LeavesFewOut(world_.ModeOf(mode));
  for (const Known& known : variables) {
    push.steps[0].updates.push_back(NewUpdate(known, finite));
    if (alone && draws_.OneIn("slots alone", 10)) {
      push.steps[0].create_slots.push_back({.variable = known.name});
    }
  }
  if (world_.ModeOf(mode) != "local" && draws_.OneIn("a second step", 10)) {
    push.steps.push_back(NewStep(mode));
    push.steps[1].state.group = variables[0].name;
    push.steps[1].updates.push_back(NewUpdate(variables[0], finite));
  }
  for (OptimizerStep& given : push.steps) {
    if (draws_.OneIn("named state", 2)) NameState(given);
  }
  if (draws_.OneIn("an assignment beside", 12)) {
    const std::vector<Known> all = KnownOf("async");
    if (!all.empty()) AddAssignment(draws_.OneOf("variable", all), push);
  }
  return push;
}

std::vector<std::string> Requests::RowsOf(const server::Push& push) const {
  std::vector<std::string> rows;
  for (const OptimizerStep& step : push.steps) {
    for (const GradientUpdate& update : step.updates) {
      rows.push_back(Reached::Row(update.gradient.dtype(), step.state.optimizer,
                                  update.rows.has_value(), world_.ModeOf(update.variable)));
    }
  }
  for (const Assignment& a : push.assignments) {
    rows.push_back(Reached::Row(a.value.dtype(), NameOf(a.op), a.rows.has_value(), "async"));
  }
  return rows;
}

// Variables of one mode, each once; now and then an integer, or one of another group.
std::optional<server::Push> Requests::NewPush() {
  const std::string mode = DrawMode();
  std::vector<Known> known = KnownOf(mode);
  if (known.empty()) return std::nullopt;
  const Known& one = draws_.OneOf("variable", known);
  return Gradients(mode, {one}, NewStep(mode));
}

void Requests::PushGradients(const std::string& worker) {
  const std::string mode = DrawMode();
  std::vector<Known> known = KnownOf(mode);
  std::erase_if(known, [&](const Known& one) {
    return !TakesGradients(one.dtype) && !draws_.OneIn("no dtype for it", 30);
  });
  std::vector<Known> some;
  for (uint64_t count = 1 + draws_.Draw("variables", 3); count > 0 && !known.empty(); --count) {
    const auto at = static_cast<std::ptrdiff_t>(draws_.Draw("variable", known.size()));
    some.push_back(known[at]);
    if (!draws_.OneIn("twice", 60)) known.erase(known.begin() + at);
  }
  if (some.empty()) return;
  const OptimizerStep step = NewStep(mode);
  std::vector<std::string> who = {worker};
  if (IsTogether(world_.ModeOf(mode)) && !draws_.OneIn("alone", 6)) who = world_.workers();
  for (const std::string& one : who) {
    if (!world_.connected(one)) continue;
    server::Push push = Gradients(mode, some, step);
    std::vector<std::string> rows = RowsOf(push);
    world_.Push(one, std::move(push), std::move(rows));
  }
}

void Requests::Assign(const std::string& worker) {
  const std::vector<Known> known = KnownOf("");
  if (known.empty()) return;
  server::Push push;
  push.allow_nonfinite = draws_.OneIn("allow what is not finite", 8);
  for (uint64_t count = 1 + draws_.Draw("assignments", 3); count > 0; --count) {
    AddAssignment(draws_.OneOf("variable", known), push);
  }
  if (push.assignments.empty()) return;
  std::vector<std::string> rows = RowsOf(push);
  world_.Push(worker, std::move(push), std::move(rows));
}

void Requests::Pull(const std::string& worker) {
  const std::vector<Known> known = KnownOf("");
  if (known.empty()) return;
  std::vector<Pulled> pulled;
  for (uint64_t count = 1 + draws_.Draw("variables", 3); count > 0; --count) {
    const Known& one = draws_.OneOf("variable", known);
    Pulled& pull = pulled.emplace_back(Pulled{one.name});
    if (one.dtype == DType::kFloat32 && draws_.OneIn("encoded", 3)) {
      pull.encoding = draws_.OneIn("float16", 2) ? v1::ENCODING_FLOAT16 : v1::ENCODING_BFLOAT16;
    }
    if (one.shape.rank() == 0 || one.shape.dim(0) == 0 || !draws_.OneIn("rows", 3)) continue;
    std::vector<int64_t>& rows = pull.rows.emplace();
    for (uint64_t n = draws_.Draw("how many", one.shape.dim(0) + 1); n > 0; --n) {
      rows.push_back(static_cast<int64_t>(draws_.Draw("row", one.shape.dim(0))));
    }
  }
  world_.Pull(worker, pulled);
}

void Requests::Arrive(const std::string& worker) {
  v1::BarrierRequest request;
  request.set_name(draws_.OneIn("another barrier", 4) ? "b" : "a");
  request.set_parties(1 + draws_.Draw("parties", 3));
  request.set_timeout_ms(1 + draws_.Draw("timeout", 5000));
  request.set_sequence((world_.incarnation(worker) << 32) + ++arrivals_[worker]);
  request.set_again(draws_.OneIn("again", 8));
  world_.Arrive(worker, request);
}

}  // namespace varscope::simulation

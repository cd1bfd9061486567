// Random changes of every kind, with values at the ends of their ranges, to a store that is kept in
// a directory; copies of the directory, taken at random points, must recover to the same bytes.
//
// VARSCOPE_SEARCH_MINUTES makes it search for so long, VARSCOPE_SEARCH_SEEDS for so many seeds;
// VARSCOPE_SEARCH_SEED begins with that seed.
// VARSCOPE_SEARCH_TABLE=1 prints what has been applied: dtype, optimizer or assignment, its kind,
// mode, durability; and fails when one of the possible ones is missing.
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <random>

#include "absl/strings/str_cat.h"
#include "proto/optimizers/optimizer.h"
#include "server/durability/convert.h"
#include "server/durability/frame.h"
#include "tests/recovery/server_run.h"
#include "tests/support/opened.h"
#include "tests/support/temporary_directory.h"

namespace varscope::testing {
namespace {

using namespace server;
namespace fs = std::filesystem;

constexpr int kSeeds = 12;
constexpr int kChangesPerSeed = 1200;

// Each name's first part is its group; the rest are async. No deadline ends a step in between.
const std::vector<std::string> kGroups = {
    "mean=bsp:deadline=86400s,workers=5",
    "median=bsp:deadline=86400s,workers=5,aggregate=median",
    "trim=bsp:deadline=86400s,workers=5,aggregate=trimmed_mean/1",
    "krum=bsp:deadline=86400s,workers=5,aggregate=krum/1",
    "backup=bsp:deadline=86400s,workers=5,backup=1",
    "clip=async:clip_norm=1,nonfinite=refuse",
    "skip=async:nonfinite=skip,quarantine=1000000",
    "stale=async:stale=scale,max_staleness=3",
    "ssp=ssp:deadline=86400s,bound=1000000",
    "local=local:deadline=86400s,workers=5,steps=4",
};
const std::vector<std::string> kPrefixes = {"mean", "median", "trim", "krum",  "backup", "clip",
                                            "skip", "stale",  "ssp",  "local", "rest"};
constexpr size_t kTogether = 5;  // the first of them, and "local": all workers push a step

// No worker creates slots there alone.
bool IsRobust(const std::string& prefix) {
  return prefix == "median" || prefix == "trim" || prefix == "krum";
}

bool IsTogether(const std::string& prefix) {
  const auto end = kPrefixes.begin() + kTogether;
  return prefix == "local" || std::find(kPrefixes.begin(), end, prefix) != end;
}

struct Counts {
  uint64_t pushes = 0;
  uint64_t applied = 0;
  uint64_t recoveries = 0;
  uint64_t restarts = 0;
  uint64_t rollbacks = 0;
  std::map<std::string, uint64_t> cells;  // what was applied how often
};

std::string ModeOf(const std::string& prefix) {
  if (prefix == "local" || prefix == "ssp") return prefix;
  return IsTogether(prefix) ? "bsp" : "async";
}

std::string Cell(DType dtype, const std::string& what, bool rows, const std::string& mode,
                 DurabilityLevel level) {
  return absl::StrCat(Name(dtype), " ", what, rows ? " rows " : " whole ", mode,
                      level == DurabilityLevel::kSync ? " sync" : " async");
}

const std::map<AssignOp, std::string>& Ops() {
  static const auto* const all =
      new std::map<AssignOp, std::string>{{AssignOp::kAssign, "assign"},
                                          {AssignOp::kAdd, "add"},
                                          {AssignOp::kSub, "sub"},
                                          {AssignOp::kInitialize, "initialize"},
                                          {AssignOp::kScatterUpdate, "scatter_update"},
                                          {AssignOp::kScatterAdd, "scatter_add"},
                                          {AssignOp::kScatterSub, "scatter_sub"}};
  return *all;
}

// A bool is not added, and a group that is local takes differences, by one optimizer.
std::vector<std::string> PossibleCells() {
  std::vector<std::string> all;
  for (const DurabilityLevel level : {DurabilityLevel::kSync, DurabilityLevel::kAsync}) {
    for (const DTypeInfo& dtype : kDTypes) {
      for (const auto& [op, name] : Ops()) {
        const bool sums = op == AssignOp::kAdd || op == AssignOp::kSub ||
                          op == AssignOp::kScatterAdd || op == AssignOp::kScatterSub;
        if (sums && dtype.dtype == DType::kBool) continue;
        all.push_back(Cell(dtype.dtype, name, IsScatter(op), "async", level));
      }
    }
    for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
      for (const bool rows : {false, true}) {
        for (const absl::string_view optimizer : optimizers::OptimizerNames()) {
          for (const std::string mode : {"async", "bsp", "ssp"}) {
            all.push_back(Cell(dtype, std::string(optimizer), rows, mode, level));
          }
        }
        all.push_back(Cell(dtype, "Momentum", rows, "local", level));
      }
    }
  }
  return all;
}

class Search {
 public:
  Search(uint32_t seed, Counts& counts) : random_(seed), counts_(counts) { Begin(); }

  void Run(int changes) {
    for (int i = 0; i < changes && !::testing::Test::HasFailure(); ++i) {
      Change();
      if (OneIn(8)) Compare();
      if (OneIn(200)) Restart();
    }
    Compare();
  }

 private:
  struct Known {
    std::string name;
    std::string prefix;
    DType dtype;
    Shape shape;
  };

  // --- chance
  bool OneIn(uint32_t n) { return random_() % n == 0; }
  template <typename Range>
  const auto& OneOf(const Range& range) {
    return *(std::begin(range) + random_() % std::size(range));
  }
  double Number() {
    static constexpr double kNumbers[] = {0, -0.0, 1, -1, 0.5, 1e-3, 0.1, 2, 1e10, 1e30, 1e-30};
    static constexpr double kEnds[] = {3.4e38, -3.4e38, 1e-45, 1.7e308, -1.7e308, 5e-324, 1e300};
    return OneIn(4) ? OneOf(kEnds) : OneOf(kNumbers);
  }

  template <typename T>
  T Element(bool finite) {
    using Limits = std::numeric_limits<T>;
    if constexpr (std::is_same_v<T, bool>) {
      return OneIn(2);
    } else if constexpr (Limits::is_integer) {
      const T ends[] = {Limits::min(), Limits::max(), 0, 1};
      return OneIn(3) ? OneOf(ends) : static_cast<T>(random_());
    } else {
      const T ends[] = {Limits::max(),        Limits::lowest(), Limits::min(),
                        Limits::denorm_min(), T{-0.0F},         static_cast<T>(Limits::max() / 2)};
      const T never[] = {Limits::infinity(), static_cast<T>(-Limits::infinity()),
                         Limits::quiet_NaN()};
      if (!finite && OneIn(3)) return OneOf(never);
      return OneIn(3) ? OneOf(ends)
                      : static_cast<T>(static_cast<double>(random_() % 2000) / 100 - 10);
    }
  }

  Tensor Values(DType dtype, const Shape& shape, bool finite) {
    Tensor tensor(dtype, shape);
    VisitDType(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (T& x : tensor.mutable_values<T>()) x = Element<T>(finite);
    });
    return tensor;
  }

  Tensor Rows(const Shape& shape, int64_t count) {
    const int64_t rows = std::max<int64_t>(shape.dim(0), 1);
    std::vector<int64_t> numbers(count);
    for (int64_t& row : numbers) row = OneIn(100) ? rows : static_cast<int64_t>(random_() % rows);
    if (OneIn(2)) return Tensor::Of<int64_t>(Shape{count}, numbers);
    return Tensor::Of<int32_t>(Shape{count}, {numbers.begin(), numbers.end()});
  }

  // --- runs of the server
  void Begin() {
    ServerRunOptions options{.level = OneIn(3) ? DurabilityLevel::kAsync : DurabilityLevel::kSync,
                             .groups = kGroups};
    if (OneIn(3)) options.groups.clear();  // other options than last time
    level_ = options.level;
    run_.emplace(directory_.path(), options);
    together_ = !options.groups.empty();
    for (const std::string& worker : kWorkers) Connect(worker);
  }

  void Restart() {
    // A step that an end has closed is made by a thread of its group.
    run_->StopGroups();
    const std::string before = run_->state();
    ASSERT_TRUE(run_->Settle().ok());
    if (OneIn(2)) {
      ASSERT_TRUE(run_->recorder().TakeSnapshot("").ok());
    }
    run_.reset();
    ++counts_.restarts;
    const absl::StatusOr<std::string> after = RecoveredState(directory_.path());
    ASSERT_TRUE(after.ok()) << after.status();
    ASSERT_EQ(*after, before);
    Begin();
  }

  void Connect(const std::string& worker) {
    const Sharing sharing = OneIn(2) ? Sharing::kGlobal : Sharing::kReplicated;
    incarnation_[worker] = run_->workers().Connect(worker, "host", 7, sharing, random_()).value();
    sequence_[worker] = 0;
  }

  // It comes back sooner or later; until then nothing of it is taken.
  void Leave(const std::string& worker) {
    // One that a rollback has ended cannot leave.
    (void)run_->workers().Disconnect({worker, incarnation_[worker]});
  }

  // Who pushes does not ask about it here: only the record is of interest.
  void Quarantine(const std::string& worker) {
    const std::string reason = OneIn(2) ? "diverges" : "";
    ASSERT_TRUE(run_->workers().Quarantine(worker, reason).ok());
  }

  // What a kill would leave now is what there is.
  void Compare() {
    Count();
    const fs::path copy = copies_ / "copy";
    std::string before;
    do {  // again, if a group's thread made a step meanwhile
      before = run_->state();
      const absl::Status settled = run_->Settle();
      ASSERT_TRUE(settled.ok()) << settled;
      CopyDirectory(directory_.path(), copy);
    } while (run_->state() != before);
    if (OneIn(3)) DamageNewestSnapshot(copy);
    CheckLog(copy);
    const absl::StatusOr<std::string> after = RecoveredState(copy);
    ++counts_.recoveries;
    ASSERT_TRUE(after.ok()) << after.status();
    ASSERT_TRUE(*after == before) << "recovered to another state:\n"
                                  << FirstDifference(*after, before);
  }

  static std::string FirstDifference(const std::string& a, const std::string& b) {
    const size_t at = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
    const size_t from = at < 200 ? 0 : at - 200;
    return absl::StrCat("recovered ", a.substr(from, 400), "\n\nlive      ", b.substr(from, 400));
  }

  // The one before, and more of the log, give the same. Of a rollback, the snapshot that it went
  // back to, if that is kept.
  void DamageNewestSnapshot(const fs::path& directory) {
    const std::vector<SnapshotFile> files = ListSnapshots(*Opened(directory)).value();
    const auto is_older = [&](const SnapshotFile& file) {
      const bool named = file.name.size() > std::string("snapshot-").size() + 20;
      return !named && file.position < files[0].position;
    };
    if (!std::any_of(files.begin(), files.end(), is_older)) return;
    if (files[0].position == rolled_back_from_unnamed_) return;
    for (const SnapshotFile& file : files) {
      if (file.position != files[0].position) break;
      const fs::path path = directory / file.name;
      fs::resize_file(path, fs::file_size(path) / 2);
    }
  }

  // No NaN and no infinity got past those who do not allow them.
  void CheckLog(const fs::path& directory) {
    const std::vector<Segment> segments = ListSegments(*Opened(directory)).value();
    for (const Segment& segment : segments) {
      std::string bytes(fs::file_size(segment.path), '\0');
      const auto file = Opened(directory)->Open(segment.path.filename().string()).value();
      ASSERT_TRUE(file->Read(std::as_writable_bytes(std::span(bytes))).ok());
      const auto log = std::as_bytes(std::span(bytes));
      for (auto frame = ReadFrame(log, 0); frame; frame = ReadFrame(log, frame->end)) {
        if (frame->is_mark()) continue;
        const absl::StatusOr<server::Change> change = FromRecord(frame->header, frame->body);
        ASSERT_TRUE(change.ok()) << change.status();
        const auto* const logged = std::get_if<LoggedPush>(&*change);
        if (logged == nullptr || logged->pushed.allow_nonfinite()) continue;
        for (const Tensor& tensor : logged->tensors) {
          ASSERT_LT(FirstNonFinite(tensor), 0) << "change " << frame->position;
        }
      }
    }
  }

  // --- changes
  void Change() {
    if (known_.size() < 5 || OneIn(15)) return Create();
    if (OneIn(60)) return Connect(OneOf(kWorkers));
    if (OneIn(100)) return Leave(OneOf(kWorkers));
    if (OneIn(200)) return Quarantine(OneOf(kWorkers));
    if (OneIn(50)) return Snapshot();
    if (OneIn(150)) return RollBack();
    if (OneIn(20) && last_) return Submit(*last_);  // sent again
    if (OneIn(4)) return Assign();
    PushGradients();
  }

  void Create() {
    static const Shape kShapes[] = {{}, {1}, {4, 2}, {0, 3}, {3, 0}, {5}, {2, 2, 3}, {17}};
    // Half of them take gradients.
    const DType dtype = OneIn(2)   ? OneOf(kDTypes).dtype
                        : OneIn(2) ? DType::kFloat32
                                   : DType::kFloat64;
    static const char* const kKinds[] = {"zeros",         "ones",           "constant",
                                         "value",         "random_uniform", "random_normal",
                                         "glorot_normal", "orthogonal",     "identity"};
    Known known{.prefix = OneOf(kPrefixes), .dtype = dtype, .shape = OneOf(kShapes)};
    const std::string name = absl::StrCat(known.prefix, "/v", random_() % 1000);
    ResolveRequest request{.kind = OneIn(2) ? VariableKind::kShared : VariableKind::kUnique};
    request.request = {name, known.dtype, known.shape, Reuse::kAuto, {}};
    request.name = name;
    request.trainable = OneIn(2);
    request.creator = {"w0", "host", 7, "train.cc", static_cast<int>(random_() % 100), 1};
    if (OneIn(8)) {
      request.worker_initialized = true;
    } else {
      request.initializer = InitializerSpec{.kind = OneOf(kKinds)};
      if (OneIn(3)) request.initializer->seed = random_();
      if (request.initializer->kind == "value") {
        request.initializer->value = Values(known.dtype, known.shape, true);
      }
      if (request.initializer->kind == "constant") {
        request.initializer->parameters["value"] = Number();
      }
    }
    if (known.shape.rank() == 2 && known.shape.dim(0) > 1 && OneIn(4)) {
      request.kind = VariableKind::kShared;
      request.request.partitions = {{2, 1}};
    }
    const std::string worker = OneOf(kWorkers);
    const Caller caller{worker, incarnation_[worker],
                        OneIn(4) ? Sharing::kReplicated : Sharing::kGlobal};
    request.number = random_() % 50;
    const absl::StatusOr<Resolution> made = run_->store().catalog.Resolve(caller, request);
    if (!made.ok()) return;
    for (const VariablePtr& variable : made->variables) {
      known_.push_back(
          {variable->def.name, known.prefix, variable->def.dtype, variable->def.shape});
    }
  }

  Push NewPush(const std::string& worker) {
    Push push{.id = {worker, incarnation_[worker], ++sequence_[worker]}};
    if (OneIn(30)) push.id.sequence += random_() % 20;
    sequence_[worker] = push.id.sequence;
    if (OneIn(20)) push.id.sequence = 0;
    push.allow_nonfinite = OneIn(6);
    return push;
  }

  void Submit(const Push& push) {
    ++counts_.pushes;
    last_ = push;
    // Bytes that nobody shares are written in place, as a server's are.
    for (OptimizerStep& step : last_->steps) {
      for (GradientUpdate& update : step.updates) update.gradient = update.gradient.Clone();
    }
    for (Assignment& assignment : last_->assignments) assignment.value = assignment.value.Clone();
    const ServerRun::Answer answer = run_->Submit(push);
    if (answer->has_value() && (*answer)->ok()) ++counts_.applied;
    waiting_.push_back({answer, CellsOf(push)});
  }

  std::vector<std::string> CellsOf(const Push& push) const {
    std::vector<std::string> cells;
    const auto prefix = [&](const std::string& name) { return name.substr(0, name.find('/')); };
    for (const OptimizerStep& step : push.steps) {
      for (const GradientUpdate& update : step.updates) {
        const std::string mode = together_ ? ModeOf(prefix(update.variable)) : "async";
        cells.push_back(Cell(update.gradient.dtype(), step.state.optimizer, update.rows.has_value(),
                             mode, level_));
      }
    }
    for (const Assignment& assignment : push.assignments) {
      cells.push_back(Cell(assignment.value.dtype(), Ops().at(assignment.op),
                           assignment.rows.has_value(), "async", level_));
    }
    return cells;
  }

  // Those that have been answered since; the rest were lost with their run, or still wait.
  void Count() {
    for (const auto& [answer, cells] : waiting_) {
      if (!answer->has_value() || !(*answer)->ok()) continue;
      if ((**answer)->outcome != Outcome::kApplied) continue;
      for (const std::string& cell : cells) ++counts_.cells[cell];
    }
    std::erase_if(waiting_, [](const auto& entry) { return entry.first->has_value(); });
  }

  void AddAssignment(Push& push, const Known& known) {
    static constexpr AssignOp kOps[] = {AssignOp::kAssign,     AssignOp::kAdd,
                                        AssignOp::kSub,        AssignOp::kScatterUpdate,
                                        AssignOp::kScatterAdd, AssignOp::kScatterSub,
                                        AssignOp::kInitialize};
    Assignment assignment{known.name, OneOf(kOps), Tensor(), std::nullopt};
    Shape shape = known.shape;
    if (IsScatter(assignment.op)) {
      if (shape.rank() == 0) return;
      std::vector<int64_t> dims = shape.dims();
      dims[0] = static_cast<int64_t>(random_() % 4);
      assignment.rows = Rows(shape, dims[0]);
      shape = Shape(dims);
    }
    const bool finite = !push.allow_nonfinite && !OneIn(30);
    assignment.value = Values(known.dtype, shape, finite);
    push.assignments.push_back(std::move(assignment));
  }

  void Assign() {
    Push push = NewPush(OneOf(kWorkers));
    const uint32_t count = 1 + random_() % 3;
    for (uint32_t i = 0; i < count; ++i) AddAssignment(push, OneOf(known_));
    Submit(push);
  }

  OptimizerStep NewStep(const std::string& prefix) {
    OptimizerStep step;
    const auto names = optimizers::OptimizerNames();
    step.state.optimizer = step.state.name = std::string(OneOf(names));
    if (prefix == "local" && together_) {
      step.state.optimizer = "Momentum";
      step.state.name = "OuterMomentum";
    } else if (OneIn(5)) {
      step.state.name = "Mine";
    }
    const optimizers::Optimizer& optimizer = *optimizers::FindOptimizer(step.state.optimizer);
    for (const optimizers::HyperparameterDef& def : optimizer.hyperparameters) {
      const bool must = std::isnan(def.default_value);
      if (!must && !OneIn(4)) continue;
      if (def.range.whole) {
        step.state.hyperparameters[std::string(def.name)] = 1;
        continue;
      }
      if (def.range.most <= 0) continue;
      step.state.hyperparameters[std::string(def.name)] = OneIn(8) ? Number() : 0.1;
    }
    if (OneIn(3)) step.clip_norm = std::abs(Number());
    if (OneIn(3)) step.clip_value = std::abs(Number());
    if (OneIn(4)) step.weight_decay = OneIn(8) ? Number() : 0.01;
    step.creator = {"w1", "host", 7, "train.cc", 1, 1};
    return step;
  }

  GradientUpdate NewUpdate(const Known& known, bool finite) {
    GradientUpdate update{.variable = known.name};
    Shape shape = known.shape;
    if (shape.rank() > 0 && OneIn(2)) {
      std::vector<int64_t> dims = shape.dims();
      dims[0] = static_cast<int64_t>(random_() % 6);
      update.rows = Rows(shape, dims[0]);
      shape = Shape(dims);
    }
    update.gradient = Values(known.dtype, shape, finite);
    if (OneIn(3)) {
      const auto variable = run_->store().catalog.Find(known.name);
      uint64_t version = 0;
      if (variable.ok()) {
        const MutexLock lock((*variable)->mutex);
        version = (*variable)->version;
      }
      update.base_version = version - std::min<uint64_t>(version, random_() % 4);
    }
    return update;
  }

  // Variables of one group, each once; now and then one twice, or an integer.
  std::vector<Known> Some(const std::string& prefix) {
    std::vector<Known> of_group;
    for (const Known& known : known_) {
      if (known.prefix == prefix && (TakesGradients(known.dtype) || OneIn(20)))
        of_group.push_back(known);
    }
    std::shuffle(of_group.begin(), of_group.end(), random_);
    of_group.resize(std::min<size_t>(of_group.size(), 1 + random_() % 3));
    if (!of_group.empty() && OneIn(50)) of_group.push_back(of_group[0]);
    return of_group;
  }

  // As workers name it: by one of two scopes, so that they meet, also where it was made unnamed.
  void NameState(OptimizerStep& step) {
    server::NameState(step, [this] { return OneIn(2) ? "" : "train/"; });
  }

  Push GradientsFor(const std::string& worker, const std::string& prefix,
                    const std::vector<Known>& variables, const OptimizerStep& step) {
    Push push = NewPush(worker);
    const bool finite = !push.allow_nonfinite && !OneIn(40);
    push.steps = {step};
    push.steps[0].state.group = variables[0].name;
    for (const Known& known : variables) {
      if (!OneIn(5)) push.steps[0].updates.push_back(NewUpdate(known, finite));
      const bool alone = !IsRobust(prefix) || !together_;
      if (alone && OneIn(8)) push.steps[0].create_slots.push_back({.variable = known.name});
    }
    if (OneIn(10) && !(prefix == "local" && together_)) {
      push.steps.push_back(NewStep(prefix));
      push.steps[1].state.group = variables[0].name;
      push.steps[1].updates.push_back(NewUpdate(variables[0], finite));
    }
    for (OptimizerStep& given : push.steps) {
      if (!OneIn(3)) NameState(given);
    }
    if (OneIn(10)) AddAssignment(push, OneOf(known_));
    return push;
  }

  void PushGradients() {
    const std::string prefix = OneOf(known_).prefix;
    const std::vector<Known> variables = Some(prefix);
    if (variables.empty()) return;
    const OptimizerStep step = NewStep(prefix);
    if (!IsTogether(prefix) || !together_) {
      return Submit(GradientsFor(OneOf(kWorkers), prefix, variables, step));
    }
    for (const std::string& worker : kWorkers) {
      Submit(GradientsFor(worker, prefix, variables, step));
    }
  }

  void Snapshot() {
    const std::string name = OneIn(2) ? "" : absl::StrCat("s", snapshots_++);
    const absl::StatusOr<TakenSnapshot> taken = run_->recorder().TakeSnapshot(name);
    ASSERT_TRUE(taken.ok()) << taken.status();
  }

  void RollBack() {
    // Of the state that is left behind.
    if (OneIn(2)) Snapshot();
    const std::vector<SnapshotInfo> infos = run_->recorder().ListSnapshots().value();
    if (infos.empty()) return;
    const std::string name = OneOf(infos).name;
    const absl::StatusOr<uint64_t> step = run_->recorder().Rollback(name);
    ASSERT_TRUE(step.ok()) << step.status();
    ++counts_.rollbacks;
    if (name.starts_with("snapshot-")) {
      rolled_back_from_unnamed_ = ListSnapshots(*Opened(directory_.path())).value()[0].position;
    }
    Compare();
    std::erase_if(known_, [&](const Known& k) { return !run_->store().catalog.Find(k.name).ok(); });
    for (const std::string& worker : kWorkers) Connect(worker);
    if (OneIn(2)) Snapshot();
  }

  static inline const std::vector<std::string> kWorkers = {"w0", "w1", "w2", "w3", "w4"};

  std::mt19937 random_;
  Counts& counts_;
  const TemporaryDirectory directory_;
  const TemporaryDirectory copies_;
  std::optional<ServerRun> run_;
  bool together_ = false;
  DurabilityLevel level_ = DurabilityLevel::kSync;
  std::vector<std::pair<ServerRun::Answer, std::vector<std::string>>> waiting_;
  std::map<std::string, uint64_t> incarnation_;
  std::map<std::string, uint64_t> sequence_;
  std::vector<Known> known_;
  std::optional<Push> last_;
  int snapshots_ = 0;
  uint64_t rolled_back_from_unnamed_ = 0;  // the position
};

TEST(RandomSearchTest, WhateverWasAppliedRecoversByteForByte) {
  const char* const minutes = std::getenv("VARSCOPE_SEARCH_MINUTES");
  const char* const first = std::getenv("VARSCOPE_SEARCH_SEED");
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::minutes(minutes == nullptr ? 0 : std::atoi(minutes));
  spdlog::set_level(spdlog::level::err);
  uint32_t seed = first == nullptr ? 1 : std::atoi(first);
  const char* const seeds = std::getenv("VARSCOPE_SEARCH_SEEDS");
  const uint32_t last = seed + (seeds == nullptr ? kSeeds : std::atoi(seeds));
  Counts counts;
  while (!HasFailure() &&
         (minutes == nullptr ? seed < last : std::chrono::steady_clock::now() < end)) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Search(seed++, counts).Run(kChangesPerSeed);
  }
  std::cout << counts.pushes << " pushes, of which " << counts.applied << " were applied at once; "
            << counts.recoveries << " recoveries, " << counts.restarts << " restarts, "
            << counts.rollbacks << " rollbacks\n";
  EXPECT_GT(counts.recoveries, 0U);
  if (std::getenv("VARSCOPE_SEARCH_TABLE") == nullptr) return;
  for (const auto& [cell, times] : counts.cells) std::cout << times << " " << cell << "\n";
  size_t missing = 0;
  for (const std::string& cell : PossibleCells()) {
    if (counts.cells.contains(cell)) continue;
    ++missing;
    std::cout << "none " << cell << "\n";
  }
  EXPECT_EQ(missing, 0U) << "of " << PossibleCells().size();
}

}  // namespace
}  // namespace varscope::testing

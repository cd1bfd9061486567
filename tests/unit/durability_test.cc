// What a store loses when it dies: nothing that was durable, exactly, whatever byte of its files is
// damaged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <future>
#include <random>
#include <thread>

#include "absl/status/statusor.h"
#include "proto/core/crc32c.h"
#include "server/durability/frame.h"
#include "server/durability/log.h"
#include "server/durability/recorder.h"
#include "server/durability/recovery.h"
#include "server/durability/snapshot.h"
#include "tests/support/push.h"
#include "tests/support/temporary_directory.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryDirectory;
namespace fs = std::filesystem;

constexpr StoreLimits kLimits{1 << 24, 1 << 24};

// Everything about a store that must survive, as text.
std::string Describe(const Store& store, const Workers& workers) {
  const StoreState state = store.Capture([] {});
  std::ostringstream out;
  out << "step " << state.global_step << "\n";
  for (const CapturedVariable& v : state.variables) {
    const VariableDefinition& d = v.definition;
    out << d.name << " " << d.key << " " << static_cast<int>(d.kind) << " " << Name(d.dtype) << " "
        << d.shape.ToString() << " " << d.trainable << " " << d.primary << " "
        << ToString(d.definer) << " " << d.definer_incarnation << " " << d.definer_request << " "
        << d.initializer << " " << d.seed << " v" << v.version << " " << v.initialized << " "
        << v.pushes << " " << v.bytes_pushed << " "
        << std::string(reinterpret_cast<const char*>(v.value.raw()), v.value.byte_size()) << "\n";
  }
  std::vector<std::string> lines;
  for (const PartitionedNames& p : state.partitioned) {
    lines.push_back(p.key + p.known.full_shape.ToString() + p.parts.front());
  }
  for (const auto* bound : {&state.slots, &state.scalars}) {
    for (const BoundNames& b : *bound) lines.push_back(b.key + ":" + b.variables.front());
  }
  for (const Ledger::Entry& e : state.ledger) {
    lines.push_back(e.id.worker_id + std::to_string(e.id.incarnation) + "." +
                    std::to_string(e.id.sequence) + "=" + std::to_string(e.applied.global_step));
  }
  for (const WorkerRecord& w : workers.records()) {
    lines.push_back(w.worker_id + std::to_string(w.incarnation) + w.host + std::to_string(w.pid));
  }
  std::sort(lines.begin(), lines.end());
  for (const std::string& line : lines) out << line << "\n";
  return out.str();
}

// A store that is kept in a directory, and random changes of every kind.
class Kept {
 public:
  explicit Kept(const fs::path& directory, DurabilityLevel level = DurabilityLevel::kSync)
      : directory_(directory) {
    const absl::StatusOr<Recovered> recovered = Recover(directory, store_, workers_);
    EXPECT_TRUE(recovered.ok()) << recovered.status();
    recovered_ = *recovered;
    recorder_.emplace(File::Create(directory / "LOCK").value(),
                      RecorderOptions{.directory = directory, .level = level}, store_, workers_,
                      recovered->position);
  }

  void Change(std::mt19937& random) {
    if (incarnation_ == 0 || random() % 20 == 0) {
      incarnation_ = workers_.Connect("w", "host", 7, Sharing::kGlobal).value();
      sequence_ = 0;
    }
    const Asker asker{"w", incarnation_, Sharing::kGlobal, random() % 1000};
    if (names_.empty() || random() % 5 == 0) return Create(asker, random);
    const std::string name = names_[random() % names_.size()];
    Push push{.id = {"w", incarnation_, ++sequence_}};
    if (random() % 4 == 0) {
      push.assignments.push_back({name, random() % 2 ? AssignOp::kAssign : AssignOp::kAdd,
                                  Values(Shape{4, 2}, random), std::nullopt});
    } else {
      OptimizerStep step;
      step.state.optimizer = step.state.name = random() % 2 ? "Adam" : "Momentum";
      if (step.state.optimizer == "Momentum") {
        step.state.hyperparameters = {{"learning_rate", 0.1}, {"momentum", 0.9}};
      }
      step.state.group = name;
      step.clip_norm = random() % 2;
      const bool sparse = random() % 2 == 0;
      step.updates.push_back(
          {name, Values(sparse ? Shape{3, 2} : Shape{4, 2}, random),
           sparse ? std::optional(Tensor::Of<int64_t>(Shape{3}, {3, 1, 3})) : std::nullopt});
      push.steps.push_back(std::move(step));
    }
    EXPECT_TRUE(Apply(store_, std::move(push)).ok());
  }

  // Until everything is on the medium.
  void Settle() {
    std::promise<absl::Status> done;
    recorder_->AfterAllSoFar([&](const absl::Status& status) { done.set_value(status); });
    EXPECT_TRUE(done.get_future().get().ok());
  }
  fs::path TakeSnapshot(const std::string& name = "") {
    return recorder_->TakeSnapshot(name).value().path;
  }
  std::string state() const { return Describe(store_, workers_); }
  Store& store() { return store_; }
  StoreObserver* recorder() { return &*recorder_; }
  const Recovered& recovered() const { return recovered_; }

 private:
  static Tensor Values(const Shape& shape, std::mt19937& random) {
    Tensor t(DType::kFloat32, shape);
    for (float& x : t.mutable_values<float>()) x = static_cast<float>(random() % 1000) / 100 - 5;
    return t;
  }

  void Create(const Asker& asker, std::mt19937& random) {
    ResolveRequest request;
    const std::string name = "v" + std::to_string(random() % 100000);
    request.request = {name, DType::kFloat32, Shape{4, 2}, Reuse::kAuto, {}};
    request.name = name;
    request.definer = {"w", "host", 7, "train.cc", static_cast<int>(random() % 100), 1};
    request.initializer = InitializerSpec{.kind = "random_normal"};
    if (random() % 3 == 0) {
      request.initializer->kind = "value";
      request.initializer->value = Values(Shape{4, 2}, random);
    }
    if (random() % 4 == 0) {
      request.request.partitions = {{2, 1}};
    } else {
      request.kind = random() % 2 ? VariableKind::kShared : VariableKind::kUnique;
    }
    const Resolution made = store_.Resolve(asker, request).value();
    if (made.variables.size() == 1) names_.push_back(made.variables[0]->def.name);
  }

  const fs::path directory_;
  Store store_{kLimits};
  Workers workers_;
  Recovered recovered_;
  std::optional<Recorder> recorder_;
  uint64_t incarnation_ = 0;
  uint64_t sequence_ = 0;
  std::vector<std::string> names_;
};

// The state that a directory recovers to, or the refusal.
absl::StatusOr<std::string> RecoveredState(const fs::path& directory) {
  Store store(kLimits);
  Workers workers;
  const absl::StatusOr<Recovered> recovered = Recover(directory, store, workers);
  if (!recovered.ok()) return recovered.status();
  return Describe(store, workers);
}

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void WriteAll(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}
fs::path OnlyLog(const fs::path& directory) {
  const std::vector<Segment> segments = ListSegments(directory).value();
  EXPECT_EQ(segments.size(), 1U);
  return segments.at(0).path;
}

TEST(DurabilityTest, TheLogAloneGivesTheSameStateAgain) {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    std::mt19937 random(seed);
    const TemporaryDirectory directory;
    std::string before;
    for (int life = 0; life < 3; ++life) {
      Kept kept(directory.path());
      if (life > 0) {
        EXPECT_EQ(kept.state(), before) << "seed " << seed;
      }
      for (int i = 0; i < 60; ++i) kept.Change(random);
      kept.Settle();
      before = kept.state();
    }
    EXPECT_EQ(RecoveredState(directory.path()).value(), before);
  }
}

TEST(DurabilityTest, SnapshotsAndTheLogAfterThemGiveTheSameStateAgain) {
  std::mt19937 random(7);
  const TemporaryDirectory directory;
  std::string before;
  {
    Kept kept(directory.path());
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 40; ++i) kept.Change(random);
      kept.Settle();
      kept.TakeSnapshot();
    }
    for (int i = 0; i < 10; ++i) kept.Change(random);
    kept.Settle();
    before = kept.state();
  }
  EXPECT_EQ(ListSnapshots(directory.path()).value().size(), 2U);
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);

  // The newest is damaged: the one before it and a longer log give the same.
  const fs::path newest = ListSnapshots(directory.path()).value()[0].path;
  std::string bytes = ReadAll(newest);
  bytes[bytes.size() / 2] ^= 1;
  WriteAll(newest, bytes);
  Kept kept(directory.path());
  EXPECT_EQ(kept.state(), before);
  ASSERT_EQ(kept.recovered().warnings.size(), 1U);
  EXPECT_THAT(kept.recovered().warnings[0], HasSubstr("skipped a snapshot"));
}

TEST(DurabilityTest, SnapshotsUnderLoadAreConsistentCuts) {
  const TemporaryDirectory directory;
  Kept kept(directory.path());
  const Asker asker{"w", 1, Sharing::kGlobal};
  for (const char* name : {"a", "b"}) {
    ResolveRequest request;
    request.request = {name, DType::kFloat32, Shape{256}, Reuse::kAuto, {}};
    request.name = name;
    request.initializer = InitializerSpec{.kind = "zeros"};
    ASSERT_TRUE(kept.store().Resolve(asker, request).ok());
  }
  std::atomic<bool> stop{false};
  std::vector<std::thread> pushers;
  for (int t = 0; t < 2; ++t) {
    pushers.emplace_back([&, t] {
      for (uint64_t sequence = 1; !stop; ++sequence) {
        OptimizerStep step;
        step.state = {"Momentum", {{"learning_rate", 1}, {"momentum", 0}}, "Momentum", 0, "a"};
        Tensor ones(DType::kFloat32, Shape{256});
        for (float& x : ones.mutable_values<float>()) x = 1;
        for (const char* name : {"a", "b"}) step.updates.push_back({name, ones, std::nullopt});
        Push push{.id = {"pusher" + std::to_string(t), 1, sequence}};
        push.steps = {step};
        ASSERT_TRUE(Apply(kept.store(), std::move(push)).ok());
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    const Snapshot snapshot = ReadSnapshot(kept.TakeSnapshot()).value();
    std::map<std::string, const CapturedVariable*> by_name;
    for (const CapturedVariable& v : snapshot.state.variables) by_name[v.definition.name] = &v;
    const CapturedVariable& a = *by_name.at("a");
    const auto steps = static_cast<float>(snapshot.state.global_step);
    EXPECT_EQ(a.value.data<float>()[255], -steps);
    EXPECT_TRUE(BytesEqual(a.value, by_name.at("b")->value));
    EXPECT_EQ(a.version, snapshot.state.global_step);
    if (by_name.contains("a/Momentum")) {
      EXPECT_EQ(by_name.at("a/Momentum")->version, a.version);
    }
    uint64_t last[2] = {0, 0};
    for (const Ledger::Entry& entry : snapshot.state.ledger) {
      uint64_t& newest = last[entry.id.worker_id == "pusher1"];
      newest = std::max(newest, entry.id.sequence);
    }
    EXPECT_EQ(last[0] + last[1], snapshot.state.global_step);
  }
  stop = true;
  for (std::thread& pusher : pushers) pusher.join();
}

// States after each durable change, and the log that holds them.
struct History {
  std::vector<std::string> states;
  std::string log;
};
History MakeHistory(const fs::path& directory, int changes) {
  std::mt19937 random(11);
  History history;
  history.states.push_back(RecoveredState(directory).value());
  {
    Kept kept(directory);
    for (int i = 0; i < changes; ++i) {
      kept.Change(random);
      kept.Settle();
    }
  }
  history.log = ReadAll(OnlyLog(directory));
  // Every record boundary is a state: one change may be several records.
  const auto bytes = std::as_bytes(std::span(history.log));
  for (size_t offset = 0; offset < bytes.size();) {
    offset = ReadFrame(bytes, offset)->end;
    const TemporaryDirectory prefix;
    WriteAll(SegmentPath(prefix.path(), 1), history.log.substr(0, offset));
    history.states.push_back(RecoveredState(prefix.path()).value());
  }
  return history;
}

TEST(DurabilityTest, ALogCutAnywhereRecoversToAPrefix) {
  const TemporaryDirectory directory;
  const History history = MakeHistory(directory.path(), 12);
  const fs::path log = OnlyLog(directory.path());
  size_t reached = 0;
  for (size_t length = 0; length <= history.log.size(); length += 3) {
    WriteAll(log, history.log.substr(0, length));
    const std::string state = RecoveredState(directory.path()).value();
    const auto at = std::find(history.states.begin(), history.states.end(), state);
    ASSERT_NE(at, history.states.end()) << "cut at " << length;
    // A longer log never recovers to less.
    EXPECT_GE(static_cast<size_t>(at - history.states.begin()), reached);
    reached = at - history.states.begin();
  }
  WriteAll(log, history.log);
  EXPECT_EQ(RecoveredState(directory.path()).value(), history.states.back());
}

TEST(DurabilityTest, AnyFlippedByteOfALogIsAPrefixOrARefusal) {
  const TemporaryDirectory directory;
  const History history = MakeHistory(directory.path(), 8);
  const fs::path log = OnlyLog(directory.path());
  int refused = 0;
  int prefixes = 0;
  for (size_t at = 0; at < history.log.size(); ++at) {
    std::string damaged = history.log;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    WriteAll(log, damaged);
    const absl::StatusOr<std::string> state = RecoveredState(directory.path());
    if (!state.ok()) {
      EXPECT_EQ(state.status().code(), absl::StatusCode::kDataLoss) << state.status();
      EXPECT_THAT(std::string(state.status().message()), HasSubstr("log-"));
      ++refused;
      continue;
    }
    EXPECT_THAT(history.states, ::testing::Contains(*state)) << "flipped " << at;
    EXPECT_NE(*state, history.states.back()) << "flipped " << at << " and nobody noticed";
    ++prefixes;
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(prefixes, 0);  // the last record alone may have been torn
}

TEST(DurabilityTest, AnyFlippedByteOfASnapshotIsNoticed) {
  std::mt19937 random(13);
  const TemporaryDirectory directory;
  {
    Kept kept(directory.path());
    for (int i = 0; i < 8; ++i) kept.Change(random);
    kept.Settle();
    kept.TakeSnapshot();
  }
  const fs::path path = ListSnapshots(directory.path()).value()[0].path;
  const std::string whole = ReadAll(path);
  ASSERT_TRUE(ReadSnapshot(path).ok());
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    WriteAll(path, damaged);
    EXPECT_FALSE(ReadSnapshot(path).ok()) << "flipped " << at;
    WriteAll(path, whole.substr(0, at));
    EXPECT_FALSE(ReadSnapshot(path).ok()) << "cut at " << at;
  }
}

// A push that is being applied while its worker connects again, and pushes, commits after the newer
// incarnation's: recovery must not take the fence for damage.
TEST(DurabilityTest, APushOvertakenByItsWorkersNextLifeRecovers) {
  const TemporaryDirectory directory;
  std::string before;
  {
    Kept kept(directory.path());
    const Asker asker{"w", 1, Sharing::kGlobal};
    ResolveRequest request;
    request.request = {"v", DType::kFloat32, Shape{2}, Reuse::kAuto, {}};
    request.name = "v";
    request.initializer = InitializerSpec{.kind = "zeros"};
    ASSERT_TRUE(kept.store().Resolve(asker, request).ok());
    const auto add_one = [&](uint64_t incarnation, uint64_t sequence) {
      Push push{.id = {"w", incarnation, sequence}};
      push.assignments.push_back(
          {"v", AssignOp::kAdd, Tensor::Of<float>(Shape{2}, {1, 1}), std::nullopt});
      return push;
    };
    absl::StatusOr<Ledger::Admission> slow = kept.store().ledger().Begin({"w", 1, 1});
    ASSERT_TRUE(Apply(kept.store(), add_one(2, 1)).ok());
    ValidPush late = Validated(kept.store(), add_one(1, 1)).value();
    ASSERT_TRUE(Apply(kept.store(), std::move(late), *std::move(slow)).ok());
    kept.Settle();
    before = kept.state();
  }
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);
}

// As an older or a newer varscoped writes: it is no damage, and nothing of it may go.
TEST(DurabilityTest, AnotherDiskFormatIsRefusedWithBothVersions) {
  for (const std::string name : {"log-00000000000000000001", "snapshot-00000000000000000007"}) {
    for (const char digit : {'1', '9'}) {
      const TemporaryDirectory directory;
      std::array<std::byte, kPrefixBytes> prefix =
          EncodePrefix({.header = "what it says"}, /*position=*/1, /*durable=*/0);
      prefix[3] = static_cast<std::byte>(digit);
      const uint32_t checksum = Crc32c(std::span(prefix).first(36));
      std::memcpy(prefix.data() + 36, &checksum, sizeof(checksum));
      std::ofstream(directory.path() / name, std::ios::binary)
          .write(reinterpret_cast<const char*>(prefix.data()), prefix.size())
          .write("what it says", 12);
      const absl::Status refused = RecoveredState(directory.path()).status();
      EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
      EXPECT_THAT(std::string(refused.message()),
                  HasSubstr(std::string(" has disk format ") + digit +
                            ", this varscoped reads format 2; nothing was changed"));
      EXPECT_EQ(fs::file_size(directory.path() / name), kPrefixBytes + 12);
    }
  }
}

TEST(DurabilityTest, WithoutALogSnapshotsAloneAreKept) {
  std::mt19937 random(19);
  const TemporaryDirectory directory;
  std::string before;
  for (int life = 0; life < 3; ++life) {
    Kept kept(directory.path(), DurabilityLevel::kNone);
    if (life > 0) {
      EXPECT_EQ(kept.state(), before);
    }
    for (int i = 0; i < 20; ++i) kept.Change(random);
    kept.TakeSnapshot();
    before = kept.state();
    kept.Change(random);  // is lost
  }
  EXPECT_TRUE(ListSegments(directory.path()).value().empty());
  // From here on with a log.
  {
    Kept kept(directory.path());
    EXPECT_EQ(kept.state(), before);
    for (int i = 0; i < 20; ++i) kept.Change(random);
    kept.Settle();
    before = kept.state();
  }
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);
}

TEST(DurabilityTest, AMissingSegmentIsARefusal) {
  std::mt19937 random(17);
  const TemporaryDirectory directory;
  for (int life = 0; life < 3; ++life) {
    Kept kept(directory.path());
    for (int i = 0; i < 5; ++i) kept.Change(random);
    kept.Settle();
  }
  fs::remove(ListSegments(directory.path()).value()[1].path);
  const absl::Status status = RecoveredState(directory.path()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("log-"));
}

TEST(LogTest, AMediumThatFailsRefusesAndLosesNothingWhenItComesBack) {
  const TemporaryDirectory parent;
  const fs::path directory = parent.path() / "later";
  Log log({.directory = directory}, 1);
  const auto durable = [&] {
    auto promise = std::make_shared<std::promise<absl::Status>>();
    log.WhenDurable([promise](const absl::Status& status) { promise->set_value(status); });
    return promise->get_future().get();
  };
  log.Append({"first", {}});
  EXPECT_EQ(durable().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(log.health().message()), HasSubstr("No such file or directory"));
  log.Append({"second", {}});
  fs::create_directory(directory);
  absl::Status status;
  do status = durable();
  while (!status.ok());
  EXPECT_TRUE(log.health().ok());
  const std::string bytes = ReadAll(OnlyLog(directory));
  const auto first = ReadFrame(std::as_bytes(std::span(bytes)), 0);
  const auto second = ReadFrame(std::as_bytes(std::span(bytes)), first->end);
  EXPECT_EQ(first->position, 1U);
  EXPECT_EQ(second->position, 2U);
  EXPECT_EQ(second->end, bytes.size());
}

void Record(Ledger& ledger, const PushId& id, const Applied& applied) {
  absl::StatusOr<Ledger::Admission> admission = ledger.Begin(id);
  admission->Reserve(applied.versions.size());
  admission->Record(applied);
}

TEST(LedgerTest, ASecondTimeGetsTheFirstAnswer) {
  Ledger ledger;
  Applied applied{.global_step = 5, .versions = {3}};
  Record(ledger, {"w", 1, 1}, applied);
  EXPECT_EQ(ledger.Begin({"w", 1, 1})->earlier(), applied);
  EXPECT_EQ(ledger.Begin({"w", 1, 2})->earlier(), std::nullopt);
  EXPECT_EQ(ledger.Begin({"other", 1, 1})->earlier(), std::nullopt);
}

TEST(LedgerTest, OneAtATime) {
  Ledger ledger;
  {
    const auto first = ledger.Begin({"w", 1, 1});
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(ledger.Begin({"w", 1, 1}).status().code(), absl::StatusCode::kUnavailable);
  }
  // It was refused, so it may come again.
  EXPECT_TRUE(ledger.Begin({"w", 1, 1}).ok());
}

TEST(LedgerTest, WindowAndFence) {
  Ledger ledger;
  for (uint64_t s = 1; s <= 100; ++s) Record(ledger, {"w", 1, s}, {.global_step = s});
  EXPECT_EQ(ledger.entries().size(), Ledger::kWindow);
  EXPECT_EQ(ledger.Begin({"w", 1, 100})->earlier()->global_step, 100U);
  EXPECT_TRUE(ledger.Begin({"w", 1, 101 - Ledger::kWindow})->earlier().has_value());
  EXPECT_EQ(ledger.Begin({"w", 1, 100 - Ledger::kWindow}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(ledger.Begin({"w", 2, 1}).ok());
  EXPECT_EQ(ledger.Begin({"w", 1, 101}).status().code(), absl::StatusCode::kAborted);
}

}  // namespace
}  // namespace varscope::server

// A log that leads elsewhere than at its first time, as on a machine that computes otherwise: the
// start says which push and which variable, or goes on with what it made when it is told to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/durability/file_names.h"
#include "server/durability/frame.h"
#include "server/durability/log.h"
#include "server/durability/records.pb.h"
#include "server/durability/verify.h"
#include "tests/recovery/server_run.h"
#include "tests/support/opened.h"
#include "tests/support/state_of.h"
#include "tests/support/temporary_directory.h"

namespace varscope::testing {
namespace {

using namespace server;
using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr int kPushes = 60;
constexpr int kElements = 300;

void Create(ServerRun& run) {
  ResolveRequest request;
  request.request = {"v", DType::kFloat32, Shape{kElements}, Reuse::kAuto, {}};
  request.name = "v";
  request.initializer = InitializerSpec{.kind = "zeros"};
  ASSERT_TRUE(run.store().catalog.Resolve({"w", 1, Sharing::kGlobal}, request).ok());
}

Push DensePush(const std::string& optimizer, std::map<std::string, double> hyperparameters) {
  Push push;
  OptimizerStep step{.state = {.optimizer = optimizer,
                               .hyperparameters = std::move(hyperparameters),
                               .name = optimizer,
                               .group = "v"}};
  step.updates.push_back(
      {.variable = "v",
       .gradient = Tensor::Of<float>(Shape{kElements}, std::vector<float>(kElements, 0.5F))});
  push.steps.push_back(std::move(step));
  return push;
}

Push Added(const std::optional<Tensor>& rows, int64_t count) {
  Push push;
  push.assignments.push_back(
      {"v", rows ? AssignOp::kScatterAdd : AssignOp::kAdd,
       Tensor::Of<float>(Shape{count}, std::vector<float>(static_cast<size_t>(count), 0.5F)),
       rows});
  return push;
}

// Writes the directory's only log segment again, with its `number`-th record with tensors changed;
// the checksums fit. False when it has not so many.
using ChangeRecord = std::function<void(std::string& header, std::string& body)>;
bool Rewrite(const fs::path& directory, size_t number, const ChangeRecord& change) {
  const auto segments = ListSegments(*Opened(directory)).value();
  const fs::path path = segments.at(0).path;
  std::ifstream in(path, std::ios::binary);
  std::string log{std::istreambuf_iterator<char>(in), {}};
  in.close();
  std::string out;
  bool changed = false;
  size_t offset = 0;
  while (const auto frame = ReadFrame(std::as_bytes(std::span(log)), offset)) {
    std::string body(reinterpret_cast<const char*>(frame->body.data()), frame->body.size());
    std::string header(reinterpret_cast<const char*>(frame->header.data()), frame->header.size());
    if (!body.empty() && number-- == 0) {
      change(header, body);
      changed = true;
    }
    const auto size = static_cast<int64_t>(body.size());
    RecordBytes record{.header = header,
                       .body = {Tensor::Of<uint8_t>(Shape{size}, {body.begin(), body.end()})}};
    const auto prefix = EncodePrefix(record, frame->position, frame->durable);
    out.append(reinterpret_cast<const char*>(prefix.data()), prefix.size());
    out += record.header + body;
    offset = frame->end;
  }
  EXPECT_EQ(offset, log.size());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << out;
  return changed;
}

// One bit of its tensors.
bool ChangeBody(const fs::path& directory, size_t number, size_t byte) {
  return Rewrite(directory, number,
                 [byte](std::string&, std::string& body) { body.at(byte) ^= 0x40; });
}

// Made by `next` alone, as a kill leaves it.
void Write(const fs::path& to, const std::function<Push()>& next) {
  const TemporaryDirectory folder;
  const fs::path directory = folder / "data";
  fs::create_directory(directory);
  ServerRun run(directory);
  Create(run);
  for (int i = 0; i < kPushes; ++i) ASSERT_TRUE((*run.Submit(next()))->ok());
  ASSERT_TRUE(run.Settle().ok());
  CopyDirectory(directory, to);
}

absl::StatusOr<Recovered> Recover(const fs::path& directory, const RecoveryOptions& options = {}) {
  Store store(StoreLimits{});
  Workers workers;
  return server::Recover(*Opened(directory), store, workers, SystemEnv(), options);
}

class MismatchTest : public ::testing::TestWithParam<std::string> {
 protected:
  static Push Next() {
    const std::string kind = GetParam();
    if (kind == "add") return Added(std::nullopt, kElements);
    if (kind == "scatter") return Added(Tensor::Of<int64_t>(Shape{3}, {0, 7, 299}), 3);
    if (kind == "Adam") {
      return DensePush(
          kind, {{"learning_rate", 0.1}, {"beta1", 0.9}, {"beta2", 0.99}, {"epsilon", 1e-8}});
    }
    return DensePush(kind, {{"learning_rate", 0.1}});
  }
};

TEST_P(MismatchTest, TheStartNamesPushAndVariable) {
  const TemporaryDirectory folder;
  const fs::path directory = folder / "data";
  Write(directory, Next);
  ASSERT_EQ(Recover(directory)->mismatches, 0U);
  // The lowest bit but one of the exponent of the first value.
  ASSERT_TRUE(ChangeBody(directory, 3, 3));
  const absl::Status refused = Recover(directory).status();
  EXPECT_TRUE(absl::IsDataLoss(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("change "), HasSubstr("push "), HasSubstr("variable v"),
                    HasSubstr("--accept-mismatches")));
  const absl::StatusOr<Recovered> accepted = Recover(directory, {.accept_mismatches = true});
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_GT(accepted->mismatches, 0U);
  EXPECT_FALSE(accepted->warnings.empty());
}

INSTANTIATE_TEST_SUITE_P(Kinds, MismatchTest,
                         ::testing::Values("GradientDescent", "Adam", "add", "scatter"),
                         [](const auto& kind) { return kind.param; });

// Servers of before took a base version of the future, and said a staleness that is none.
TEST(OldLogTest, AFutureThatWasTakenThenIsTakenAgain) {
  const TemporaryDirectory folder;
  const fs::path directory = folder / "data";
  Write(directory, [] { return DensePush("GradientDescent", {{"learning_rate", 0.1}}); });
  const std::string before = RecoveredState(directory).value();
  for (const uint64_t told : {uint64_t{0}, uint64_t{3}, UINT64_MAX}) {
    ASSERT_TRUE(Rewrite(directory, 3, [told](std::string& header, std::string&) {
      durability::Record record;
      ASSERT_TRUE(record.ParseFromString(header));
      durability::Pushed& pushed = *record.mutable_pushed();
      pushed.mutable_steps(0)->mutable_updates(0)->set_base_version(1000);
      pushed.mutable_answer()->set_staleness(told);
      header = record.SerializeAsString();
    }));
    const absl::StatusOr<Recovered> recovered = Recover(directory);
    ASSERT_TRUE(recovered.ok()) << recovered.status();
    EXPECT_EQ(recovered->mismatches, 0U) << told;
    EXPECT_EQ(RecoveredState(directory).value(), before) << told;
  }
}

TEST(VerifyTest, TellsWhatThereIsAndChangesNothing) {
  const TemporaryDirectory folder;
  const fs::path directory = folder / "data";
  Write(directory, [] { return DensePush("GradientDescent", {{"learning_rate", 0.1}}); });
  EXPECT_TRUE(absl::IsNotFound(Verify(folder.path()).status()));
  EXPECT_TRUE(absl::IsNotFound(Verify(folder / "nothing").status()));
  const auto listing = [&] {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::directory_iterator(directory)) {
      std::ifstream in(entry.path(), std::ios::binary);
      all[entry.path().filename()] = {std::istreambuf_iterator<char>(in), {}};
    }
    return all;
  };
  const auto before = listing();
  const absl::StatusOr<Verified> verified = Verify(directory);
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(listing(), before);
  ASSERT_TRUE(verified->recovered.ok());
  EXPECT_EQ(verified->state.steps.global, static_cast<uint64_t>(kPushes));
  EXPECT_EQ(verified->segments.size(), 1U);
  EXPECT_TRUE(verified->snapshots.empty());
  uint32_t with_snapshot = 0;
  {
    ServerRun run(directory);
    ASSERT_TRUE(run.recorder().TakeSnapshot("kept").ok());
    EXPECT_TRUE(absl::IsFailedPrecondition(Verify(directory).status())) << "in use";
  }
  {
    const absl::StatusOr<Verified> again = Verify(directory);
    ASSERT_TRUE(again.ok() && again->recovered.ok());
    ASSERT_EQ(again->snapshots.size(), 1U);
    EXPECT_TRUE(again->snapshots[0].whole.ok());
    with_snapshot = again->hash;
  }
  EXPECT_EQ(with_snapshot, verified->hash) << "the same state, kept in another way";
  ASSERT_TRUE(ChangeBody(directory, 3, 3));
  // What is in the snapshot already is not made again.
  EXPECT_EQ(Verify(directory)->hash, verified->hash);
}

// So much time passes whenever somebody looks that progress is due.
class FastEnv final : public Env {
 public:
  Time Now() override { return now_ += std::chrono::seconds(10); }
  int64_t WallMicros() override { return SystemEnv().WallMicros(); }
  uint64_t Random64() override { return SystemEnv().Random64(); }
  std::unique_ptr<Timer> StartTimer(std::string name, Timer::Task task) override {
    return SystemEnv().StartTimer(std::move(name), std::move(task));
  }
  absl::StatusOr<std::unique_ptr<Directory>> OpenDirectory(const fs::path& path,
                                                           IfMissing missing) override {
    return SystemEnv().OpenDirectory(path, missing);
  }

 private:
  Time now_{};
};

TEST(RecoveryTest, TellsHowFarItIsAlsoWhereALogIsEmpty) {
  const TemporaryDirectory folder;
  const fs::path directory = folder / "data";
  Write(directory, [] { return Added(std::nullopt, kElements); });
  // Opened, and nothing written to it.
  std::ofstream(directory / SegmentName(kPushes + 2)).close();
  FastEnv env;
  Store store(StoreLimits{});
  Workers workers;
  std::vector<std::string> told;
  const RecoveryOptions options{.progress = [&](const std::string& text) { told.push_back(text); }};
  const absl::StatusOr<Recovered> recovered =
      server::Recover(*Opened(directory), store, workers, env, options);
  ASSERT_TRUE(recovered.ok()) << recovered.status();
  EXPECT_EQ(recovered->replayed, static_cast<uint64_t>(kPushes) + 1);
  ASSERT_GT(told.size(), 5U);
  EXPECT_THAT(told.back(), HasSubstr("log segment 1 of 2"));
}

TEST(RecoveryTest, IsEndedWhenAsked) {
  const TemporaryDirectory folder;
  const fs::path directory = folder / "data";
  Write(directory, [] { return Added(std::nullopt, kElements); });
  int asked = 0;
  const absl::Status ended = Recover(directory, {.stop = [&] { return ++asked == 10; }}).status();
  EXPECT_TRUE(absl::IsCancelled(ended)) << ended;
  EXPECT_EQ(Recover(directory)->replayed, static_cast<uint64_t>(kPushes) + 1);
}

}  // namespace
}  // namespace varscope::testing

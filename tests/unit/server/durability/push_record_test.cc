// A push in the log: what was applied is read again to the bit, and a record that is damaged in a
// way that its checksum does not show is refused, or harmless.
#include "server/durability/push_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "server/durability/record_bytes.h"
#include "server/push/commit.h"
#include "server/store/push_observer.h"
#include "server/store/store.h"
#include "tests/support/push.h"
#include "tests/support/tensors.h"
#include "tests/support/variables_of.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kRows = 4;
constexpr int64_t kColumns = 3;

Tensor Random(DType dtype, const Shape& shape, std::mt19937& random) {
  Tensor tensor(dtype, shape);
  VisitDType(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (T& x : tensor.mutable_values<T>()) x = static_cast<T>(random() % 2);
  });
  return tensor;
}

// Keeps the last push in memory, as the log keeps each in a file.
class Keeper final : public PushObserver {
 public:
  absl::Status MayPush(const ValidPush&, uint64_t) const override { return absl::OkStatus(); }
  absl::StatusOr<std::unique_ptr<PushEntry>> PreparePush(const ValidPush& push,
                                                         std::span<Variable* const>) override {
    return std::make_unique<Entry>(push.contents(), record);
  }

  std::vector<CreationBatch> created;  // its slots
  RecordBytes record;

 private:
  class Entry final : public PushEntry {
   public:
    Entry(const PushContents& push, RecordBytes& out) : record_(push), out_(out) {
      EXPECT_LE(record_.bytes().header.size(), MostHeaderBytes(push));
    }
    void Append(const PushResult& result) noexcept override {
      record_.SetAnswer(result);
      out_ = std::move(record_).Take();
    }

   private:
    PushRecord record_;
    RecordBytes& out_;
  };
};

class PushRecordTest : public ::testing::Test {
 protected:
  PushRecordTest() { Create(store_); }

  static void Create(Store& store) {
    for (const DType dtype : testing::AllDTypes()) {
      ResolveRequest request;
      request.name = std::string(Name(dtype));
      request.request = {.key = request.name, .dtype = dtype, .shape = Shape{kRows, kColumns}};
      request.initializer = InitializerSpec{.kind = "zeros"};
      ASSERT_TRUE(store.catalog.Resolve({"w", 1}, request).ok());
    }
  }

  // Of every kind that the log may hold.
  Push RandomPush() {
    Push push{.id = {"w", 1, ++sequence_}};
    for (uint32_t steps = random_() % 3; steps > 0; --steps) {
      OptimizerStep step;
      step.state.optimizer = step.state.name = random_() % 2 == 0 ? "Adam" : "Momentum";
      if (step.state.optimizer == "Momentum") {
        step.state.hyperparameters = {{"learning_rate", 0.5}, {"momentum", 0.75}};
      }
      step.state.instance = steps;
      step.state.group = "float32";
      step.weight_decay = random_() % 2;
      for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
        const bool sparse = random_() % 2 == 0;
        GradientUpdate& update = step.updates.emplace_back();
        update.variable = std::string(Name(dtype));
        update.gradient = Random(dtype, Shape{sparse ? 2 : kRows, kColumns}, random_);
        if (sparse) update.rows = Tensor::Of<int64_t>(Shape{2}, {3, 1});
        if (random_() % 2 == 0) update.base_version = 0;
      }
      push.steps.push_back(std::move(step));
    }
    for (uint32_t i = push.steps.empty() ? 1 : random_() % 3; i > 0; --i) {
      const DType dtype = kDTypes[random_() % std::size(kDTypes)].dtype;
      const bool scatter = random_() % 2 == 0;
      Assignment& assignment = push.assignments.emplace_back();
      assignment.variable = std::string(Name(dtype));
      assignment.op = scatter ? AssignOp::kScatterUpdate : AssignOp::kAssign;
      assignment.value = Random(dtype, Shape{scatter ? 1 : kRows, kColumns}, random_);
      if (scatter) assignment.rows = Tensor::Of<int64_t>(Shape{1}, {2});
    }
    return push;
  }

  // Applies a random push, and gives what the log gets of it.
  Keeper ApplyAndKeep() {
    Keeper keeper;
    store_.catalog.Observe([&](const CreationBatch& batch) {
      return [&keeper, batch] { keeper.created.push_back(batch); };
    });
    store_.push_observer = &keeper;
    const absl::StatusOr<PushResult> result = Apply(store_, RandomPush());
    store_.catalog.Observe(nullptr);
    store_.push_observer = nullptr;
    EXPECT_TRUE(result.ok()) << result.status();
    return keeper;
  }
  RecordBytes ApplyOne() { return ApplyAndKeep().record; }

  // As recovery reads it; the record's own checks alone stand between the bytes and the store.
  static absl::Status Replay(Store& store, const std::string& header,
                             std::span<const std::byte> body) {
    durability::Record record;
    if (!record.ParseFromString(header) || !record.has_pushed()) {
      return absl::DataLossError("no push");
    }
    const absl::StatusOr<LoggedPush> logged = ReadPush(record.pushed(), body);
    if (!logged.ok()) return logged.status();
    absl::StatusOr<ValidPush> push = FromRecord(store.catalog, *logged);
    if (!push.ok()) return push.status();
    absl::StatusOr<CompletionRecords::InFlightPush> in_flight_push =
        store.completion_records.Begin(push->contents().id);
    if (!in_flight_push.ok()) return in_flight_push.status();
    return Apply(store, *std::move(push), *std::move(in_flight_push)).status();
  }

  static std::vector<std::byte> BodyOf(const RecordBytes& record) {
    std::vector<std::byte> body;
    for (const Tensor& tensor : record.body) {
      body.insert(body.end(), tensor.bytes().begin(), tensor.bytes().end());
    }
    return body;
  }

  // By name, with the versions.
  static std::map<std::string, std::pair<uint64_t, std::string>> ValuesOf(const Store& store) {
    std::map<std::string, std::pair<uint64_t, std::string>> values;
    for (const VariablePtr& variable : testing::VariablesOf(store.catalog)) {
      const MutexLock lock(variable->mutex);
      const Tensor value = variable->value;
      values[variable->def.name] = {
          variable->version,
          std::string(reinterpret_cast<const char*>(value.raw()), value.byte_size())};
    }
    return values;
  }

  std::mt19937 random_{7};
  Store store_{StoreLimits{}};
  uint64_t sequence_ = 0;
};

// Two stores that begin alike: what one applied, the other repeats from the records alone.
TEST_F(PushRecordTest, ReplayGivesTheSameStoreAndTheSameAnswers) {
  Store other(StoreLimits{});
  Create(other);
  for (int i = 0; i < 60; ++i) {
    const Keeper kept = ApplyAndKeep();
    for (const CreationBatch& batch : kept.created) ASSERT_TRUE(other.catalog.Recreate(batch).ok());
    const absl::Status replayed = Replay(other, kept.record.header, BodyOf(kept.record));
    ASSERT_TRUE(replayed.ok()) << replayed;
    ASSERT_EQ(ValuesOf(other), ValuesOf(store_)) << "after push " << i;
    ASSERT_EQ(other.completion_records.Begin({"w", 1, sequence_})->cached_result(),
              store_.completion_records.Begin({"w", 1, sequence_})->cached_result());
  }
}

TEST_F(PushRecordTest, TheAnswerIsTheLastOfTheHeaderHoweverLargeItsNumbersAre) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 40; ++i) {
    const RecordBytes before = ApplyOne();
    durability::Record parsed;
    ASSERT_TRUE(parsed.ParseFromString(before.header));
    const PushResult result = PushResultOf(parsed.pushed().answer());
    EXPECT_EQ(result.global_step, store_.changes.global_step());
    durability::Answer largest = parsed.pushed().answer();
    largest.set_global_step(UINT64_MAX);
    largest.set_group_step(random());
    largest.set_staleness(UINT64_MAX);
    EXPECT_EQ(largest.ByteSizeLong(), parsed.pushed().answer().ByteSizeLong());
  }
}

TEST_F(PushRecordTest, IdsAndAnswersSurviveTheDisk) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 100; ++i) {
    const PushId id{std::string(random() % 10, static_cast<char>(random())), random(), random()};
    durability::PushId written;
    ToProto(id, &written);
    const PushId read = PushIdOf(written);
    EXPECT_EQ(std::tie(read.worker_id, read.incarnation, read.sequence),
              std::tie(id.worker_id, id.incarnation, id.sequence));
    const PushResult result{.global_step = random(), .group_step = random(), .staleness = random()};
    durability::Answer answer;
    ToProto(result, &answer);
    EXPECT_EQ(PushResultOf(answer), result);
  }
}

// The checksum would tell; without it the record itself must not make the store do what it cannot.
TEST_F(PushRecordTest, DamageIsRefusedOrHarmless) {
  int refused = 0;
  int taken = 0;
  std::vector<CreationBatch> created;
  for (int round = 0; round < 40; ++round) {
    const Keeper kept = ApplyAndKeep();
    created.insert(created.end(), kept.created.begin(), kept.created.end());
    const RecordBytes& record = kept.record;
    const std::vector<std::byte> body = BodyOf(record);
    // As recovery has it before this record.
    Store victim(StoreLimits{});
    Create(victim);
    for (const CreationBatch& batch : created) ASSERT_TRUE(victim.catalog.Recreate(batch).ok());
    for (int damage = 0; damage < 50; ++damage) {
      std::string header = record.header;
      std::vector<std::byte> bytes = body;
      if (damage % 5 == 0 && !bytes.empty()) {
        bytes.resize(random_() % bytes.size());
      } else if (damage % 5 == 1) {
        header.resize(random_() % header.size());
      } else {
        for (uint32_t flips = 1 + random_() % 3; flips > 0; --flips) {
          header[random_() % header.size()] ^= static_cast<char>(1 << random_() % 8);
        }
      }
      const absl::Status status = Replay(victim, header, bytes);
      if (status.ok()) {
        ++taken;
      } else {
        ++refused;
        EXPECT_FALSE(status.message().empty());
      }
    }
  }
  EXPECT_GT(refused, 500);
  EXPECT_GT(taken, 0);  // such as another worker's name
}

TEST_F(PushRecordTest, ABodyThatIsCutIsSaidToBe) {
  RecordBytes record;
  while (record.body_bytes() == 0) record = ApplyOne();
  const std::vector<std::byte> body = BodyOf(record);
  for (size_t size = 0; size < body.size(); ++size) {
    const absl::Status status = Replay(store_, record.header, std::span(body).first(size));
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("does not make sense"));
  }
}

}  // namespace
}  // namespace varscope::server

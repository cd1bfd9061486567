#include "server/catalog/first_value_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "server/catalog/initializers.h"

namespace varscope::server {
namespace {

using Jobs = FirstValueQueue::Jobs;

// `name` tells which it is.
FirstValueQueue::Job JobOf(const std::string& creator, const std::string& name, uint64_t cost) {
  VariableDefinition definition{.name = name};
  definition.creator.worker_id = creator;
  return {std::make_shared<Variable>(definition, MemoryAccount::Hold()), Tensor(), cost};
}

void Add(FirstValueQueue& queue, FirstValueQueue::Job job) {
  Jobs jobs;
  jobs.push_back(std::move(job));
  queue.Add(jobs);
  EXPECT_TRUE(jobs.empty());
}

std::string Next(FirstValueQueue& queue) {
  const Jobs next = queue.TakeNext();
  return next.empty() ? "" : next.front().variable->def.name;
}

TEST(FirstValueQueueTest, ASmallOneDoesNotWaitForAllOfAnother) {
  FirstValueQueue queue;
  for (int i = 0; i < 20; ++i) Add(queue, JobOf("greedy", "matrix", 1'000'000));
  EXPECT_EQ(Next(queue), "matrix");
  Add(queue, JobOf("other", "normal", 10));
  EXPECT_EQ(Next(queue), "matrix");
  EXPECT_EQ(Next(queue), "normal");
  Add(queue, JobOf("greedy", "vector", 5));
  EXPECT_EQ(Next(queue), "vector");
  for (int i = 0; i < 18; ++i) EXPECT_EQ(Next(queue), "matrix");
  EXPECT_EQ(Next(queue), "");
}

// Whatever comes when: nobody has two turns while another one waits, each turn is the cheapest of
// its creator, of equal ones the oldest, and each job comes once.
TEST(FirstValueQueueTest, CreatorsTakeTurns) {
  struct Waiting {
    uint64_t cost;
    int number;
  };
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    FirstValueQueue queue;
    std::map<std::string, std::vector<Waiting>> waiting;
    std::map<std::string, std::map<std::string, int>> passed;  // who waits: who came before
    int number = 0;
    const auto take = [&] {
      const Jobs next = queue.TakeNext();
      ASSERT_EQ(next.size(), 1U);
      const VariableDefinition& def = next.front().variable->def;
      const std::string creator = def.creator.worker_id;
      std::vector<Waiting>& own = waiting[creator];
      auto best = own.begin();
      for (auto it = own.begin(); it != own.end(); ++it) {
        if (it->cost < best->cost) best = it;
      }
      ASSERT_EQ(def.name, std::to_string(best->number));
      own.erase(best);
      passed[creator].clear();
      for (const auto& [other, jobs] : waiting) {
        if (other == creator || jobs.empty()) continue;
        ASSERT_LE(++passed[other][creator], 1) << creator << " before " << other;
      }
    };
    for (int i = 0; i < 60; ++i) {
      if (random() % 2 == 0 && number > 0) {
        size_t all = 0;
        for (const auto& [creator, jobs] : waiting) all += jobs.size();
        if (all > 0) take();
        continue;
      }
      const std::string creator(1, static_cast<char>('a' + random() % 4));
      const uint64_t cost = random() % 3;
      if (waiting[creator].empty()) passed[creator].clear();
      waiting[creator].push_back({cost, number});
      Add(queue, JobOf(creator, std::to_string(number++), cost));
    }
    size_t all = 0;
    for (const auto& [creator, jobs] : waiting) all += jobs.size();
    for (; all > 0; --all) take();
    EXPECT_TRUE(queue.TakeNext().empty());
  }
}

TEST(FirstValueQueueTest, AMatrixThatIsTakenApartCostsMoreThanItsElements) {
  const Shape wide{10, 2000};
  const Shape tall{2000, 10};
  EXPECT_EQ(CostOf({.kind = "random_normal"}, wide), 20'000U);
  EXPECT_EQ(CostOf({.kind = "orthogonal"}, wide), 200'000U);
  EXPECT_EQ(CostOf({.kind = "orthogonal"}, tall), 200'000U);
  EXPECT_EQ(CostOf({.kind = "orthogonal"}, Shape{0, 5}), 0U);
}

}  // namespace
}  // namespace varscope::server

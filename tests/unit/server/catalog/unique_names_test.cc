// Names that nobody has yet, and Variable(): always a new variable, whatever exists, unless its own
// worker asks again.
#include "server/catalog/unique_names.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/catalog/catalog.h"
#include "tests/support/push.h"

namespace varscope::server {
namespace {

struct Made {
  std::string worker;
  uint64_t incarnation;
  uint64_t request;
  Shape shape;
};

// Written down as it is said: the names are looked at one after the other.
std::string Expected(const std::map<std::string, Made>& all, const Made& asks,
                     const std::string& asked) {
  std::string name = asked;
  for (int suffix = 1; all.contains(name); ++suffix) {
    const Made& there = all.at(name);
    const bool own = there.worker == asks.worker;
    const bool earlier = own && there.incarnation != asks.incarnation;
    const bool again = own && !earlier && there.request == asks.request;
    if ((earlier || again) && there.shape == asks.shape) return name;
    name = absl::StrCat(asked, "_", suffix);
  }
  return name;
}

TEST(UniqueNamesTest, AreAsIfEachNameWasLookedAt) {
  std::mt19937 random(5);
  for (int round = 0; round < 30; ++round) {
    Store store{StoreLimits{}};
    std::map<std::string, Made> all;
    std::map<std::string, uint64_t> requests;
    std::map<std::string, uint64_t> incarnations = {{"a", 1}, {"b", 2}};
    std::vector<std::pair<Made, std::string>> sent;
    for (int i = 0; i < 200; ++i) {
      const std::string worker = random() % 2 ? "a" : "b";
      if (random() % 60 == 0) incarnations[worker] += 2;
      const char* const names[] = {"v", "v", "v", "v_1", "v_7", "s/v", "v_1_1", "v_12", "v_01"};
      Made asks{worker, incarnations[worker], ++requests[worker],
                Shape{static_cast<int64_t>(1 + random() % 2)}};
      std::string name = names[random() % 9];
      if (!sent.empty() && random() % 8 == 0) {  // once more
        std::tie(asks, name) = sent[random() % sent.size()];
        if (asks.incarnation != incarnations[asks.worker]) continue;
      }
      sent.emplace_back(asks, name);
      ResolveRequest request;
      request.kind = VariableKind::kUnique;
      request.name = name;
      request.number = asks.request;
      request.request = {.key = "", .dtype = DType::kFloat32, .shape = asks.shape};
      request.initializer = InitializerSpec{.kind = "zeros"};
      request.creator.worker_id = asks.worker;
      const std::string expected = Expected(all, asks, name);
      const absl::StatusOr<Resolution> resolution =
          store.catalog.Resolve({asks.worker, asks.incarnation}, request);
      ASSERT_TRUE(resolution.ok()) << resolution.status();
      EXPECT_EQ(resolution->variables.at(0)->def.name, expected);
      all.try_emplace(expected, asks);
    }
  }
}

VariablePtr Named(const std::string& name) {
  return std::make_shared<Variable>(VariableDefinition{.name = name, .shape = Shape{1}},
                                    MemoryAccount::Hold());
}

TEST(UniqueNamesTest, AreTheFirstThatAreFree) {
  std::mt19937 random(9);
  const char* const names[] = {"v", "v", "v", "v_1", "v_2", "v_1_1", "v_3", "v_01", "s/v", "v_"};
  for (int round = 0; round < 200; ++round) {
    NameTable there;
    std::set<std::string> taken;
    for (uint64_t i = random() % 12; i > 0; --i) {
      const std::string name = absl::StrCat(names[random() % 10], random() % 2 ? "" : "_2");
      if (!taken.insert(name).second) continue;
      ASSERT_TRUE(there.Add(Named(name)).ok());
    }
    UniqueNames unique(there);
    for (int i = 0; i < 40; ++i) {
      const std::string name = names[random() % 10];
      // Looked at one after the other.
      std::string expected = name;
      for (int suffix = 1; taken.contains(expected); ++suffix) {
        expected = absl::StrCat(name, "_", suffix);
      }
      ASSERT_EQ(unique.Take(name), expected);
      taken.insert(expected);
    }
  }
}

// What looks at each name again for each of them does not end.
TEST(UniqueNamesTest, ManyProposalsOfOneName) {
  constexpr int kMany = 50'000;
  NameTable there;
  ASSERT_TRUE(there.Add(Named("v")).ok());
  UniqueNames unique(there);
  std::string last;
  for (int i = 0; i < kMany; ++i) last = unique.Take("v");
  EXPECT_EQ(last, absl::StrCat("v_", kMany));
}

// What looks at all that the worker has made, for each that it asks for again, does not end.
TEST(UniqueNamesTest, OneOfManyIsAskedForAgain) {
  constexpr uint64_t kMany = 50'000;
  Store store{StoreLimits{}};
  const auto ask = [&](uint64_t incarnation, uint64_t number, const std::string& name) {
    ResolveRequest request;
    request.kind = VariableKind::kUnique;
    request.name = name;
    request.number = number;
    request.request = {.key = "", .dtype = DType::kFloat32, .shape = Shape{0}};
    request.initializer = InitializerSpec{.kind = "zeros"};
    request.creator.worker_id = "w";
    return store.catalog.Resolve({"w", incarnation}, request)->variables.at(0)->def.name;
  };
  std::vector<std::string> made;
  made.reserve(kMany);
  for (uint64_t i = 1; i <= kMany; ++i) made.push_back(ask(1, i, "v"));
  EXPECT_EQ(store.catalog.size(), kMany);
  // A request that comes once more, the first ones last.
  for (uint64_t i = kMany; i > 0; --i) ASSERT_EQ(ask(1, i, "v"), made[i - 1]);
  // A worker that is back has a graph with the same names.
  for (uint64_t i = 1; i <= kMany; ++i) {
    ASSERT_EQ(ask(2, 2 * i, "v"), "v");
    ASSERT_EQ(ask(2, 2 * i + 1, made[i - 1]), made[i - 1]);
  }
  EXPECT_EQ(store.catalog.size(), kMany);
}

}  // namespace
}  // namespace varscope::server

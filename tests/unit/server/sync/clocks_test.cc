// Clocks, beside a list that is searched for each question.
#include "server/sync/clocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace varscope::server {
namespace {

// A read is known by the time since when it waits.
Time TimeOf(int number) { return Time(std::chrono::milliseconds(number)); }

std::set<int> NumbersOf(const Clocks::Readers& readers) {
  std::set<int> numbers;
  for (const Clocks::Reader& reader : readers) {
    numbers.insert(static_cast<int>(
        std::chrono::duration_cast<std::chrono::milliseconds>(reader.since.time_since_epoch())
            .count()));
  }
  EXPECT_EQ(numbers.size(), readers.size());
  return numbers;
}

void Wait(Clocks& clocks, const std::string& worker, int number) {
  Clocks::Readers reader;
  reader.push_back({.since = TimeOf(number), .until = kNever, .done = {}});
  clocks.Wait(worker, reader);
  EXPECT_TRUE(reader.empty());
}

class Model {
 public:
  explicit Model(uint64_t bound) : bound_(bound) {}

  void Advance(const std::string& worker) {
    const uint64_t before = pushes_.empty() ? 0 : Slowest() - 1;
    ++pushes_.try_emplace(worker, before).first->second;
  }
  std::set<int> Remove(const std::string& worker) {
    pushes_.erase(worker);
    return Take([&](int, const std::string& own) { return own == worker; });
  }
  bool MayRead(const std::string& worker) const {
    const auto it = pushes_.find(worker);
    return it == pushes_.end() || it->second <= Slowest() + bound_;
  }
  void Wait(const std::string& worker, int number) { readers_[number] = worker; }
  std::set<int> TakeReady() {
    return Take([&](int, const std::string& worker) { return MayRead(worker); });
  }
  template <typename Predicate>
  std::set<int> Take(Predicate predicate) {
    std::set<int> taken;
    for (auto it = readers_.begin(); it != readers_.end();) {
      if (!predicate(it->first, it->second)) {
        ++it;
        continue;
      }
      taken.insert(it->first);
      it = readers_.erase(it);
    }
    return taken;
  }
  std::set<std::string> SlowestOnes() const {
    std::set<std::string> ones;
    for (const auto& [worker, pushes] : pushes_) {
      if (pushes == Slowest()) ones.insert(worker);
    }
    return ones;
  }
  size_t size() const { return pushes_.size(); }
  size_t readers() const { return readers_.size(); }

 private:
  uint64_t Slowest() const {
    uint64_t slowest = pushes_.empty() ? 0 : UINT64_MAX;
    for (const auto& [worker, pushes] : pushes_) slowest = std::min(slowest, pushes);
    return slowest;
  }

  const uint64_t bound_;
  std::map<std::string, uint64_t> pushes_;
  std::map<int, std::string> readers_;
};

TEST(ClocksTest, AreThoseOfAListThatIsSearched) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    const uint64_t bound = random() % 3;
    Clocks clocks(bound);
    Model model(bound);
    for (int step = 0; step < 200; ++step) {
      const std::string worker = absl::StrCat("w", random() % 6);
      switch (random() % 8) {
        case 0:
          ASSERT_EQ(NumbersOf(clocks.Remove(worker)), model.Remove(worker));
          break;
        case 1:
          ASSERT_EQ(NumbersOf(clocks.TakeIf(
                        [&](const Clocks::Reader& r) { return r.since < TimeOf(step - 20); })),
                    model.Take([&](int number, const std::string&) { return number < step - 20; }));
          break;
        case 2:
        case 3:
          ASSERT_EQ(clocks.MayRead(worker, 1), model.MayRead(worker));
          EXPECT_TRUE(clocks.MayRead(worker, 2)) << "another incarnation takes no part";
          if (model.MayRead(worker)) break;
          Wait(clocks, worker, step);
          model.Wait(worker, step);
          break;
        default:
          clocks.Advance(worker, 1);
          model.Advance(worker);
          break;
      }
      ASSERT_EQ(NumbersOf(clocks.TakeReady()), model.TakeReady()) << seed << ", " << step;
      std::set<std::string> slowest;
      clocks.ForEachSlowest([&](const std::string& one) { slowest.insert(one); });
      ASSERT_EQ(slowest, model.SlowestOnes());
      size_t readers = 0;
      clocks.ForEachReader([&](const std::string&, const Clocks::Reader&) { ++readers; });
      ASSERT_EQ(readers, model.readers());
      ASSERT_EQ(clocks.somebody_waits(), readers > 0);
      ASSERT_EQ(clocks.size(), model.size());
    }
  }
}

}  // namespace
}  // namespace varscope::server

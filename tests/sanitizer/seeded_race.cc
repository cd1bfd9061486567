// seeded_race table|function: a race in code like the store's, which ThreadSanitizer must report
// though tests/support/tsan.supp leaves out what libraries do: two threads that use a name table
// without its lock, or a std::function that one of them replaces.
#include <atomic>
#include <functional>
#include <iostream>
#include <string>
#include <thread>

#include "absl/container/flat_hash_map.h"

namespace {

// By two threads in turn, a hundred times each. Relaxed atomics order nothing for the others'
// memory, so each turn races with the one before; and as no two turns overlap, what is raced for
// stays whole: a table that is really torn may end the process before anything is reported.
void InTurn(const std::function<void(int)>& body) {
  constexpr int kTurns = 200;
  std::atomic<int> turn = 0;
  const auto run = [&](int number) {
    for (int mine = number; mine < kTurns; mine += 2) {
      while (turn.load(std::memory_order_relaxed) != mine) std::this_thread::yield();
      body(number);
      turn.store(mine + 1, std::memory_order_relaxed);
    }
  };
  std::thread other(run, 1);
  run(0);
  other.join();
}

void RaceInATable() {
  absl::flat_hash_map<std::string, int> by_name = {{"w", 0}};
  size_t found = 0;  // of the thread that reads
  InTurn([&](int number) {
    if (number == 0) {
      by_name.erase("w");
      by_name.emplace("w", 1);
    } else {
      found += by_name.count("w");
    }
  });
}

void RaceOfAFunction() {
  int calls = 0;
  std::function<void()> done = [&] { ++calls; };
  InTurn([&](int number) {
    if (number == 0) {
      done = [] {};
    } else if (done != nullptr) {
      ++calls;
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string bug = argc == 2 ? argv[1] : "";
  if (bug == "table") {
    RaceInATable();
  } else if (bug == "function") {
    RaceOfAFunction();
  } else {
    std::cerr << "seeded_race: '" << bug << "' is neither table nor function\n";
    return 2;
  }
  return 0;
}

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

// At the same time, in two threads, without anything that would order them.
void InTwoThreads(const std::function<void(int)>& body) {
  std::atomic<int> ready = 0;
  const auto run = [&](int number) {
    ready.fetch_add(1, std::memory_order_relaxed);
    while (ready.load(std::memory_order_relaxed) < 2) continue;
    body(number);
  };
  std::thread other(run, 1);
  run(0);
  other.join();
}

void RaceInATable() {
  absl::flat_hash_map<std::string, int> by_name = {{"w", 0}};
  size_t found = 0;  // of the thread that reads
  InTwoThreads([&](int number) {
    for (int i = 0; i < 100; ++i) {
      if (number == 0) {
        by_name.erase("w");
        by_name.emplace("w", i);
      } else {
        found += by_name.count("w");
      }
    }
  });
}

void RaceOfAFunction() {
  int calls = 0;
  std::function<void()> done = [&] { ++calls; };
  InTwoThreads([&](int number) {
    for (int i = 0; i < 100; ++i) {
      if (number == 0) {
        done = [] {};
      } else if (done != nullptr) {
        ++calls;
      }
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

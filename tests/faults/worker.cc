// varscope_fault_worker TARGET ID PUSHES ACKED LOCAL_STEPS: a worker whose every acknowledged push
// can be counted. One push adds 1 to its own counter and 1 to each element of the shared "sum", by
// SGD with momentum 0, so that slots and the optimizer are part of it (in LOCAL_STEPS parts, which
// a `local` group sends as one push). It writes the number of its acknowledged pushes to the file
// ACKED (8 bytes, in place) after each. Exits 0 after PUSHES pushes, 1 when it is fenced off.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <iostream>

#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

constexpr int64_t kElements = 1000;

// No half update is ever seen.
void CheckWhole(const Tensor& sum) {
  for (float x : sum.values<float>()) {
    if (x != sum.values<float>()[0]) throw std::runtime_error("half an update was read");
  }
}

int Work(const std::string& target, const std::string& id, int pushes, const char* file,
         int local_steps) {
  const int fd = open(file, O_RDWR | O_CLOEXEC);
  void* const at = mmap(nullptr, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd < 0 || at == MAP_FAILED) return 2;
  auto& acked = *static_cast<std::atomic<uint64_t>*>(at);

  Graph graph(
      target,
      {.worker_id = id, .sharing = SharingMode::kReplicated, .timeout = std::chrono::minutes(2)});
  const auto use = graph.as_default();
  const auto zeros = [](const std::string& name, const Shape& shape) {
    return get_variable(name, {.shape = shape, .initializer = zeros_initializer()});
  };
  const Variable own = zeros("count/" + id, Shape{});
  const Variable sum = zeros("sum", Shape{kElements});
  const Output minus_one = constant(-1.0);
  const Operation push =
      train::MomentumOptimizer(1.0 / local_steps, 0.0)
          .apply_gradients({{Gradient{minus_one, {}}, own},
                            {Gradient{multiply(ones({kElements}), -1.0), {}}, sum}});
  Session session;
  for (int i = 0; i < pushes; ++i) {
    const uint64_t dropped = session.dropped_pushes();
    for (int step = 0; step < local_steps; ++step) session.run(push);
    if (session.dropped_pushes() == dropped) ++acked;
    if (local_steps == 1) CheckWhole(session.run(sum));
  }
  return 0;
}

}  // namespace
}  // namespace varscope::testing

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  try {
    return varscope::testing::Work(argv[1], argv[2], std::stoi(argv[3]), argv[4],
                                   std::stoi(argv[5]));
  } catch (const std::exception& error) {
    std::cerr << argv[2] << ": " << error.what() << "\n";
    return 1;
  }
}

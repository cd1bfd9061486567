// The README's program: run it twice, or on two machines, and both train the same w.
#include <iostream>

#include "varscope/varscope.h"

int main(int argc, char** argv) try {
  using namespace varscope;
  Graph graph(argc > 1 ? argv[1] : "127.0.0.1:7077", {.sharing = SharingMode::kReplicated});
  const auto use = graph.as_default();
  const Variable w = get_variable("model/w", {3});
  const Output loss = reduce_sum(square(w - 1));
  const Operation train = train::AdamOptimizer(0.1).minimize(loss);
  Session session;
  for (int i = 0; i < 100; ++i) session.run(train);
  std::cout << w.name() << " " << Summarize(session.run(w)) << "\n";
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}

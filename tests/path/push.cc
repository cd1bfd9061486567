// push N: one worker creates a variable with its slots and pushes N dense gradients to it over TCP.
#include <cstdlib>
#include <iostream>

#include "varscope/varscope.h"

int main(int argc, char** argv) {
  using namespace varscope;
  if (argc != 3) {
    std::cerr << "usage: push TARGET N\n";
    return 2;
  }
  Graph graph(argv[1], {.worker_id = "w"});
  const auto use = graph.as_default();
  const Variable w = get_variable("w", Shape{16});
  // Linear in w: no value is pulled.
  const Operation train = train::AdamOptimizer(0.001).minimize(reduce_sum(w));
  Session session;
  session.run(global_variables_initializer());
  const int pushes = std::atoi(argv[2]);
  for (int i = 0; i < pushes; ++i) session.run(train);
  return session.global_step() == static_cast<uint64_t>(pushes) ? 0 : 1;
}

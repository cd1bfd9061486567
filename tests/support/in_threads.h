// Several workers in one process.
#ifndef VARSCOPE_TESTS_SUPPORT_IN_THREADS_H_
#define VARSCOPE_TESTS_SUPPORT_IN_THREADS_H_

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/server_process.h"
#include "varscope/varscope.h"

namespace varscope::testing {

// Runs `body` in threads, each with a graph of its own as the worker "w<i>".
inline void InThreads(const ServerProcess& server, int workers,
                      const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < workers; ++i) {
    threads.emplace_back([&, i] {
      Graph graph(server.target(),
                  {.worker_id = "w" + std::to_string(i), .sharing = SharingMode::kReplicated});
      const auto use = graph.as_default();
      EXPECT_NO_THROW(body(i));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_IN_THREADS_H_

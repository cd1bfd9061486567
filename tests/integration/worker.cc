// varscope_test_worker: a real worker process, told by its arguments what to do.
//   program TARGET WORKER global|replicated   interprets the scope program on standard input and
//                                             prints each step's result as a line of JSON
//   race TARGET WORKER THREADS NAMES PARTIES  all threads get or create the same names at once;
//                                             prints each thread's checksum of all values
//   sgd TARGET WORKER STEPS SEED              pushes gradients to "w"
//   fork TARGET return|run|connect            its child returns, runs its session, or connects; 0
//   if
//                                             the child ended as it should and the parent goes on
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <iostream>
#include <random>
#include <sstream>
#include <thread>

#include "tests/conformance/interpreter.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using conformance::Json;

int RunProgram(const std::string& target, const std::string& worker, const std::string& mode) {
  const SharingMode sharing = mode == "global" ? SharingMode::kGlobal : SharingMode::kReplicated;
  Graph graph(target, {.worker_id = worker, .sharing = sharing});
  const auto use = graph.as_default();
  for (const conformance::StepResult& result : conformance::Interpret(Json::parse(std::cin))) {
    std::cout << Json({{"actual", result.actual}, {"detail", result.detail}}).dump() << "\n";
  }
  return 0;
}

uint64_t ChecksumOfAll(const std::string& target, const std::string& worker, int names,
                       uint32_t parties) {
  Graph graph(target, {.worker_id = worker});
  const auto use = graph.as_default();
  Session session;
  session.barrier("start", parties, std::chrono::minutes(2));
  const variable_scope scope("race", {.reuse = AUTO_REUSE});
  std::vector<Fetch> fetches;
  for (int i = 0; i < names; ++i) {
    fetches.emplace_back(get_variable("v" + std::to_string(i), {33, 7}));
  }
  uLong sum = 0;
  for (const Tensor& value : session.run(fetches)) {
    sum = crc32_z(sum, reinterpret_cast<const Bytef*>(value.raw()), value.byte_size());
  }
  return sum;
}

int Race(const std::string& target, const std::string& worker, int threads, int names,
         uint32_t parties) {
  std::vector<uint64_t> sums(threads);
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      sums[i] = ChecksumOfAll(target, worker + "-" + std::to_string(i), names, parties);
    });
  }
  for (std::thread& thread : running) thread.join();
  for (uint64_t sum : sums) std::cout << sum << "\n";
  return 0;
}

int Sgd(const std::string& target, const std::string& worker, int steps, uint32_t seed) {
  Graph graph(target, {.worker_id = worker, .sharing = SharingMode::kReplicated});
  const auto use = graph.as_default();
  const Variable w = get_variable("w", {.shape = Shape{16}, .initializer = zeros_initializer()});
  const Output gradient = placeholder(float32, {16});
  const Operation train =
      train::GradientDescentOptimizer(0.5).apply_gradients({{Gradient{gradient, {}}, w}});
  Session session;
  std::mt19937 random(seed);
  for (int i = 0; i < steps; ++i) {
    // Multiples of 1/8 below 32: every order of adding them gives the same float.
    Tensor value(float32, Shape{16});
    for (float& x : value.mutable_values<float>()) x = static_cast<float>(random() % 256) / 8 - 16;
    session.run(train, {{gradient, value}});
  }
  return 0;
}

// Of a call in a child: 0 when it was refused as it should be.
template <typename Call>
int RefusedInChild(const Call& call) {
  try {
    call();
  } catch (const FailedPreconditionError& error) {
    if (error.message().find("forked after connecting") != std::string::npos) return 0;
    std::cerr << error.message() << "\n";
  }
  return 1;
}

int Fork(const std::string& target, const std::string& what) {
  Graph graph(target);
  const auto use = graph.as_default();
  const std::string own_name = "forked_" + std::to_string(getpid());
  const Output add = get_variable(own_name, {.shape = Shape{}, .initializer = zeros_initializer()})
                         .assign_add(constant(1.0F));
  Session session;
  const float before = session.run(add).scalar<float>();
  const pid_t child = fork();
  if (child == 0) {
    constexpr unsigned kHangs = 60;  // seconds, then a signal ends it
    alarm(kHangs);
    if (what == "return") return 0;
    if (what == "run") return RefusedInChild([&] { session.run(add); });
    return RefusedInChild([&] { const Graph own(target); });
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) return 1;
  return session.run(add).scalar<float>() == before + 1 ? 0 : 1;
}

int Main(const std::vector<std::string>& a) {
  if (a.size() == 4 && a[0] == "program") return RunProgram(a[1], a[2], a[3]);
  if (a.size() == 6 && a[0] == "race") {
    return Race(a[1], a[2], std::stoi(a[3]), std::stoi(a[4]), std::stoi(a[5]));
  }
  if (a.size() == 5 && a[0] == "sgd") return Sgd(a[1], a[2], std::stoi(a[3]), std::stoi(a[4]));
  if (a.size() == 3 && a[0] == "fork") return Fork(a[1], a[2]);
  std::cerr << "see the comment at the head of tests/integration/worker.cc\n";
  return 2;
}

}  // namespace
}  // namespace varscope::testing

int main(int argc, char** argv) {
  try {
    return varscope::testing::Main({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}

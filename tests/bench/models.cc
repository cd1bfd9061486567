#include "tests/bench/models.h"

#include <cstdint>
#include <random>
#include <string>

#include "tests/support/server_process.h"
#include "varscope/varscope.h"

namespace varscope::bench {
namespace {

constexpr int64_t kBatch = 64;
constexpr int64_t kSide = 28;
constexpr int64_t kClasses = 10;

struct Way {
  const char* transport;
  TransportMode mode;
};
constexpr Way kWays[] = {{"tcp", TransportMode::kTarget}, {"shm", TransportMode::kAuto}};

Variable Bias(int64_t size) {
  return get_variable("bias", {.shape = Shape{size}, .initializer = zeros_initializer()});
}

Output Dense(const Output& x, int64_t units, const std::string& scope) {
  const variable_scope layer(scope);
  const Variable kernel = get_variable("kernel", {x.shape().dim(-1), units});
  return nn::bias_add(matmul(x, kernel), Bias(units));
}

// 5 x 5, and half as many rows and columns after it.
Output Convolution(const Output& x, int64_t filters, const std::string& scope) {
  const variable_scope layer(scope);
  const Variable kernel = get_variable("kernel", {5, 5, x.shape().dim(-1), filters});
  const Output maps =
      nn::relu(nn::bias_add(nn::conv2d(x, kernel, {1, 1, 1, 1}, "SAME"), Bias(filters)));
  return nn::max_pool(maps, {1, 2, 2, 1}, {1, 2, 2, 1}, "SAME");
}

Output Mlp(const Output& pixels) {
  const Output first = nn::relu(Dense(pixels, 512, "first"));
  return Dense(nn::relu(Dense(first, 512, "second")), kClasses, "logits");
}

Output Cnn(const Output& pixels) {
  const Output first = Convolution(reshape(pixels, {kBatch, kSide, kSide, 1}), 32, "first");
  const Output second = Convolution(first, 64, "second");
  const Output flat = reshape(second, {kBatch, kSide / 4 * kSide / 4 * 64});
  return Dense(nn::relu(Dense(flat, 1024, "third")), kClasses, "logits");
}

struct Model {
  const char* name;
  Output (*logits)(const Output& pixels);
  uint64_t parameters;
};
constexpr Model kModels[] = {{"MLP", Mlp, 669'706}, {"CNN", Cnn, 3'274'634}};

std::vector<Result> MeasureModel(const Model& model, const Way& way, const Effort& effort,
                                 const Filter& filter) {
  testing::ServerProcess server;
  const Graph graph(server.target(), {.worker_id = "bench", .transport = way.mode});
  const auto use = graph.as_default();
  const Output pixels = placeholder(float32, {kBatch, kSide * kSide}, "pixels");
  const Output labels = placeholder(int64, {kBatch}, "labels");
  const Output logits = model.logits(pixels);
  const Output loss = reduce_mean(nn::sparse_softmax_cross_entropy_with_logits(labels, logits));
  const Operation train = train::AdamOptimizer(0.001).minimize(loss);
  Session session;
  session.run(global_variables_initializer());

  std::mt19937 random(1);
  Tensor images(float32, {kBatch, kSide * kSide});
  for (float& x : images.mutable_values<float>()) {
    x = std::uniform_real_distribution<float>(0, 1)(random);
  }
  Tensor classes(int64, {kBatch});
  for (int64_t& label : classes.mutable_values<int64_t>()) {
    label = std::uniform_int_distribution<int64_t>(0, kClasses - 1)(random);
  }
  const uint64_t bytes = model.parameters * sizeof(float);
  std::vector<Result> results;
  const auto measure = [&](const std::string& what, uint64_t moved, const auto& run) {
    if (!filter.Wants(what, way.transport)) return;
    results.push_back(Measure({.what = what, .transport = way.transport, .bytes = moved}, effort,
                              server.process().pid(), run));
  };
  const std::string name = model.name;
  measure(name + " forward", bytes, [&] { session.run(logits, {{pixels, images}}); });
  measure(name + " step", 2 * bytes, [&] {
    session.run({loss, train}, {{pixels, images}, {labels, classes}});
  });
  return results;
}

}  // namespace

std::vector<Result> MeasureModels(const Effort& effort, const Filter& filter) {
  std::vector<Result> results;
  for (const Model& model : kModels) {
    for (const Way& way : kWays) {
      const std::string name = model.name;
      if (!filter.Wants(name + " forward", way.transport) &&
          !filter.Wants(name + " step", way.transport)) {
        continue;
      }
      for (const Result& result : MeasureModel(model, way, effort, filter)) {
        results.push_back(result);
      }
    }
  }
  return results;
}

}  // namespace varscope::bench

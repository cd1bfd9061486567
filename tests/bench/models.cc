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

// The rows of the images, one after the other.
Output Lstm(const Output& pixels) {
  constexpr int64_t kUnits = 128;
  const variable_scope cell("cell");
  const Variable kernel = get_variable("kernel", {kSide + kUnits, 4 * kUnits});
  const Variable bias = Bias(4 * kUnits);
  Output state = zeros({kBatch, kUnits});
  Output output = state;
  for (int64_t row = 0; row < kSide; ++row) {
    const Output x = slice(pixels, {0, row * kSide}, {kBatch, kSide});
    const Output gates = nn::bias_add(matmul(concat({x, output}, 1), kernel), bias);
    const auto gate = [&](int64_t i) { return slice(gates, {0, i * kUnits}, {kBatch, kUnits}); };
    state = state * sigmoid(gate(2) + 1) + sigmoid(gate(0)) * tanh(gate(1));
    output = tanh(state) * sigmoid(gate(3));
  }
  return Dense(output, kClasses, "logits");
}

constexpr int64_t kWords = 50'000;

Output Embedding(const Output& words) {
  const Variable table = get_variable("table", {kWords, 64});
  return Dense(reduce_mean(nn::embedding_lookup(table, words), 1), kClasses, "logits");
}

struct Model {
  const char* name;
  Output (*logits)(const Output& examples);
  DType dtype;    // of the examples: pixels, or words' numbers
  int64_t width;  // of one
  train::Optimizer (*optimizer)();
  uint64_t moved;  // elements that a forward pass pulls, and a step also pushes
};

train::Optimizer Adam() { return train::AdamOptimizer(0.001); }
// Adam would change the whole table.
train::Optimizer Adagrad() { return train::AdagradOptimizer(0.05); }

constexpr Model kModels[] = {
    {"MLP", Mlp, DType::kFloat32, kSide* kSide, Adam, 669'706},
    {"CNN", Cnn, DType::kFloat32, kSide* kSide, Adam, 3'274'634},
    {"LSTM", Lstm, DType::kFloat32, kSide* kSide, Adam, 81'674},
    {"embedding", Embedding, DType::kInt64, 20, Adagrad, kBatch * 20 * 64 + 650},
};

Tensor RandomExamples(const Model& model, std::mt19937& random) {
  Tensor examples(model.dtype, {kBatch, model.width});
  if (model.dtype == DType::kInt64) {
    for (int64_t& word : examples.mutable_values<int64_t>()) {
      word = std::uniform_int_distribution<int64_t>(0, kWords - 1)(random);
    }
  } else {
    for (float& x : examples.mutable_values<float>()) {
      x = std::uniform_real_distribution<float>(0, 1)(random);
    }
  }
  return examples;
}

std::vector<Result> MeasureModel(const Model& model, const Way& way, const Effort& effort,
                                 const Filter& filter) {
  testing::ServerProcess server;
  const Graph graph(server.target(), {.worker_id = "bench", .transport = way.mode});
  const auto use = graph.as_default();
  const Output examples = placeholder(model.dtype, {kBatch, model.width}, "examples");
  const Output labels = placeholder(int64, {kBatch}, "labels");
  const Output logits = model.logits(examples);
  const Output loss = reduce_mean(nn::sparse_softmax_cross_entropy_with_logits(labels, logits));
  const Operation train = model.optimizer().minimize(loss);
  Session session;
  session.run(global_variables_initializer());

  std::mt19937 random(1);
  const Tensor given = RandomExamples(model, random);
  Tensor classes(int64, {kBatch});
  for (int64_t& label : classes.mutable_values<int64_t>()) {
    label = std::uniform_int_distribution<int64_t>(0, kClasses - 1)(random);
  }
  const uint64_t bytes = model.moved * sizeof(float);
  std::vector<Result> results;
  const auto measure = [&](const std::string& what, uint64_t moved, const auto& run) {
    if (!filter.Wants(what, way.transport)) return;
    results.push_back(Measure({.what = what, .transport = way.transport, .bytes = moved}, effort,
                              server.process().pid(), run));
  };
  const std::string name = model.name;
  measure(name + " forward", bytes, [&] { session.run(logits, {{examples, given}}); });
  measure(name + " step", 2 * bytes, [&] {
    session.run({loss, train}, {{examples, given}, {labels, classes}});
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

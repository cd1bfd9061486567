// A digit classifier that several processes train together.
//
// Each process runs this same program (between-graph replication): the first one that asks for a
// variable creates it on the server, the others attach to it by name.
#include <iostream>
#include <random>

#include "absl/strings/str_format.h"
#include "client/examples/digits.h"
#include "client/examples/worker.h"

namespace varscope::examples {
namespace {

constexpr int kBatch = 32;
constexpr double kLearningRate = 0.001;

Output Convolution(const Output& images, int64_t filters, const std::string& scope) {
  const variable_scope layer(scope);
  const Variable kernel = get_variable("kernel", {3, 3, images.shape().dim(-1), filters});
  const Variable bias =
      get_variable("bias", {.shape = Shape{filters}, .initializer = zeros_initializer()});
  return nn::relu(nn::bias_add(nn::conv2d(images, kernel, {1, 1, 1, 1}, "SAME"), bias));
}

Output Dense(const Output& x, int64_t units, const std::string& scope) {
  const variable_scope layer(scope);
  const Variable kernel = get_variable("kernel", {x.shape().dim(-1), units});
  const Variable bias =
      get_variable("bias", {.shape = Shape{units}, .initializer = zeros_initializer()});
  return nn::bias_add(matmul(x, kernel), bias);
}

Output Logits(const Output& pixels) {
  const Output images = reshape(pixels, {-1, kSide, kSide, 1});
  const Output first = Convolution(images, 12, "first");
  const Output smaller = nn::max_pool(first, {1, 2, 2, 1}, {1, 2, 2, 1}, "SAME");
  const Output second = Convolution(smaller, 24, "second");
  return Dense(reshape(second, {-1, kSide / 2 * kSide / 2 * 24}), kClasses, "logits");
}

struct Model {
  Output images = placeholder(float32, {-1, kPixels}, "images");
  Output labels = placeholder(int64, {-1}, "labels");
  Output loss;
  Output accuracy;

  Model() {
    const variable_scope scope("classifier");
    const Output logits = Logits(images);
    loss = reduce_mean(nn::sparse_softmax_cross_entropy_with_logits(labels, logits));
    accuracy = reduce_mean(cast(equal(argmax(logits, 1), labels), float32));
  }

  std::vector<Feed> Feeds(const Batch& batch) const {
    return {{images, batch.images}, {labels, batch.labels}};
  }
};

void Train(const WorkerFlags& flags, const Digits& digits) {
  Graph graph(flags.target, flags.connect());
  const auto use = graph.as_default();
  const Model model;
  const Operation train = train::AdamOptimizer(kLearningRate).minimize(model.loss);
  const Operation init = global_variables_initializer();
  Session session;
  session.run(init);

  std::mt19937 random(std::random_device{}());
  const Batch test = digits.test().All();
  StepLoop loop(session, flags);
  Progress progress(flags);
  while (loop.Next()) {
    const Batch batch = digits.train().Sample(kBatch, random);
    const std::vector<Tensor> result = session.run({model.loss, train}, model.Feeds(batch));
    progress.Report(session.global_step(), loop.own_steps(), [&] {
      const Tensor accuracy = session.run(model.accuracy, model.Feeds(test));
      return absl::StrFormat("loss %.4f  accuracy %.4f", result[0].scalar<float>(),
                             accuracy.scalar<float>());
    });
  }
}

int Evaluate(const WorkerFlags& flags, const Digits& digits, double at_least) {
  Graph graph(flags.target, flags.connect());
  const auto use = graph.as_default();
  const Model model;
  Session session;
  const Batch test = digits.test().All();
  const Tensor accuracy = session.run(model.accuracy, model.Feeds(test));
  std::cout << absl::StrFormat("test accuracy %.2f %% of %d digits never trained on\n",
                               100 * accuracy.scalar<float>(), digits.test().size());
  if (accuracy.scalar<float>() >= at_least) return 0;
  std::cout << absl::StrFormat("that is below the %.2f %% asked for\n", 100 * at_least);
  return 1;
}

}  // namespace
}  // namespace varscope::examples

int main(int argc, char** argv) {
  using namespace varscope;
  using namespace varscope::examples;
  WorkerFlags flags;
  bool evaluate = false;
  double at_least = 0;
  CommandLine line("Trains a digit classifier together with other workers of one varscoped.",
                   "varscope_classifier");
  AddFlags(line, flags);
  line.AddFlag("--evaluate", &evaluate,
               "Print the accuracy on the test digits instead of training");
  line.Add("--at-least", &at_least, "Exit with 1 below this accuracy (with --evaluate)");
  if (const auto code = line.Parse(argc, argv, std::cout)) return *code;
  return RunExample("classifier", [&] {
    const Digits digits = Digits::Load(flags.data);
    if (evaluate) return Evaluate(flags, digits, at_least);
    Train(flags, digits);
    return 0;
  });
}

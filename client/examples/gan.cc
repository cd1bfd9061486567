// The article's reason to share variables by name: a GAN, whose discriminator judges generated and
// real images with one set of variables. Several processes may train it together.
#include <iostream>
#include <random>

#include "absl/strings/str_format.h"
#include "client/examples/digits.h"
#include "client/examples/pictures.h"
#include "client/examples/worker.h"

namespace varscope::examples {
namespace {

constexpr int kBatch = 64;
constexpr int kNoise = 24;
constexpr int kHidden = 128;
constexpr double kGeneratorRate = 0.0004;
constexpr double kDiscriminatorRate = 0.0004;
constexpr double kBeta1 = 0.5;
constexpr int kSamples = 16;

Output Dense(const Output& x, int64_t units, const std::string& scope) {
  const variable_scope layer(scope);
  const Variable kernel = get_variable("kernel", {x.shape().dim(-1), units});
  const Variable bias =
      get_variable("bias", {.shape = Shape{units}, .initializer = zeros_initializer()});
  return nn::bias_add(matmul(x, kernel), bias);
}

Output Generator(const Output& noise) {
  const variable_scope scope("generator");
  const Output first = nn::leaky_relu(Dense(noise, kHidden, "first"));
  const Output second = nn::leaky_relu(Dense(first, kHidden, "second"));
  return nn::sigmoid(Dense(second, kPixels, "pixels"));
}

// Logits: above zero for what looks real. Called twice, the second time with reuse.
Output Discriminator(const Output& images, Reuse reuse) {
  const variable_scope scope("discriminator", {.reuse = reuse});
  const Output first = nn::leaky_relu(Dense(images, kHidden, "first"));
  return Dense(first, 1, "logit");
}

Output MeanLoss(const Output& logits, double label) {
  const Output labels = label == 0 ? zeros_like(logits) : multiply(ones_like(logits), label);
  return reduce_mean(nn::sigmoid_cross_entropy_with_logits(labels, logits));
}

struct Model {
  Output real = placeholder(float32, {-1, kPixels}, "real");
  Output noise = placeholder(float32, {-1, kNoise}, "noise");
  Output fake = Generator(noise);
  Output on_fake = Discriminator(fake, Reuse::kFalse);
  Output on_real = Discriminator(real, Reuse::kTrue);
  // Salimans et al. 2016: real images get the label 0.9, which keeps the discriminator unsure.
  Output discriminator_loss = MeanLoss(on_real, 0.9) + MeanLoss(on_fake, 0);
  // Goodfellow et al. 2014, the form that does not saturate.
  Output generator_loss = MeanLoss(on_fake, 1);
};

Tensor Noise(int64_t n, std::mt19937& random) {
  Tensor noise(float32, Shape{n, kNoise});
  std::normal_distribution<float> normal;
  for (float& x : noise.mutable_values<float>()) x = normal(random);
  return noise;
}

void Train(const WorkerFlags& flags, const Digits& digits) {
  Graph graph(flags.target, flags.connect());
  const auto use = graph.as_default();
  const Model model;
  const Operation train_discriminator =
      train::AdamOptimizer(kDiscriminatorRate, {.beta1 = kBeta1})
          .minimize(model.discriminator_loss, {}, trainable_variables("discriminator/"));
  const Operation train_generator =
      train::AdamOptimizer(kGeneratorRate, {.beta1 = kBeta1})
          .minimize(model.generator_loss, {}, trainable_variables("generator/"));
  Session session;

  std::mt19937 random(std::random_device{}());
  StepLoop loop(session, flags);
  Progress progress(flags);
  while (loop.Next()) {
    const Batch batch = digits.train().Sample(kBatch, random);
    const std::vector<Tensor> losses = session.run(
        {model.discriminator_loss, model.generator_loss, train_discriminator, train_generator},
        {{model.real, batch.images}, {model.noise, Noise(kBatch, random)}});
    progress.Report(session.global_step(), loop.own_steps(), [&] {
      return absl::StrFormat("discriminator loss %.3f  generator loss %.3f",
                             losses[0].scalar<float>(), losses[1].scalar<float>());
    });
  }
}

int Draw(const WorkerFlags& flags, const std::string& png) {
  Graph graph(flags.target, flags.connect());
  const auto use = graph.as_default();
  const Model model;
  Session session;
  std::mt19937 random(7);
  const Tensor images = session.run(model.fake, {{model.noise, Noise(kSamples, random)}});
  std::cout << InTerminal(images, kSide) << std::flush;
  if (png.empty()) return 0;
  WritePng(images, kSide, png);
  std::cout << "the same digits as a picture: " << png << "\n";
  return 0;
}

}  // namespace
}  // namespace varscope::examples

int main(int argc, char** argv) {
  using namespace varscope;
  using namespace varscope::examples;
  WorkerFlags flags;

  bool draw = false;
  std::string png;
  CommandLine line("Trains a GAN of digits together with other workers of one varscoped.",
                   "varscope_gan");
  AddFlags(line, flags);
  line.AddFlag("--draw", &draw, "Draw digits with the present generator instead of training");
  line.Add("--png", &png, "Write the drawn digits to this file as well");
  if (const auto code = line.Parse(argc, argv, std::cout)) return *code;
  return RunExample("gan", [&] {
    if (draw) return Draw(flags, png);
    Train(flags, Digits::Load(flags.data));
    return 0;
  });
}

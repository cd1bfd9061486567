// Random graphs of every op, of placeholders whose shapes the graph does not know, fed with random
// shapes: a run gives values of the shapes that were inferred, or throws a varscope::Error; the
// same bits, whether it keeps what repeats smaller tensors as those or makes all of it.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <string>

#include "client/graph/handles.h"
#include "client/graph/state.h"
#include "tests/support/no_store.h"
#include "tests/unit/client/session/with_all_inputs.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

class RandomGraph {
 public:
  explicit RandomGraph(uint64_t seed) : random_(seed) {}

  int64_t Number(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  bool Chance(int percent) { return Number(1, 100) <= percent; }

  // Mostly what an op of that rank wants, seldom anything.
  int64_t Entry(int64_t usual_low, int64_t usual_high) {
    constexpr int64_t kOdd[] = {-5, -2, -1, 7, int64_t{1} << 60, INT64_MAX, INT64_MIN};
    return Chance(97) ? Number(usual_low, usual_high) : kOdd[Number(0, 6)];
  }
  std::vector<int64_t> List(int64_t low, int64_t high) {
    std::vector<int64_t> list(Chance(90) ? rank_ : Number(0, 5));
    for (int64_t& x : list) x = Entry(low, high);
    return list;
  }

  // Dimensions are few, so that shapes often fit.
  Shape ShapeOf(int rank) {
    std::vector<int64_t> dims(rank);
    for (int64_t& d : dims) d = Chance(5) ? 0 : Number(1, 3);
    return Shape(dims);
  }

  Tensor ValueOf(DType dtype, const Shape& shape) {
    Tensor value(dtype, shape);
    VisitDType(dtype, [&](auto tag) {
      for (auto& x : value.mutable_values<typename decltype(tag)::type>()) {
        x = static_cast<typename decltype(tag)::type>(Number(0, 2));
      }
    });
    return value;
  }

  // What it is fed with may or may not fit what the graph does with it.
  Output Source(DType dtype = float32) {
    const Shape actual =
        Chance(70) ? usual_ : ShapeOf(static_cast<int>(Chance(80) ? rank_ : Number(0, 5)));
    return Fed(dtype, actual);
  }
  Output Fed(DType dtype, const Shape& actual) {
    std::vector<int64_t> dims = actual.dims();
    for (int64_t& d : dims) d = Chance(50) ? Shape::kUnknownDim : d;
    Output source = placeholder(dtype, Chance(60) ? Shape::Unknown() : Shape(dims));
    feeds_.emplace_back(source, ValueOf(dtype, actual));
    return source;
  }
  // The usual shape without its last dimension, and that dimension alone.
  Shape Outer() { return Shape({usual_.dims().begin(), usual_.dims().end() - (rank_ > 0)}); }
  Shape Last() { return rank_ > 0 ? Shape{usual_.dim(-1)} : Shape{}; }
  Output Any() { return pool_[Number(0, static_cast<int64_t>(pool_.size()) - 1)]; }

  using Make = std::function<Output()>;
  std::map<std::string, Make> Ops() {
    const auto axis = [this] { return static_cast<int>(Entry(-rank_, rank_ - 1) % 1000000000); };
    const auto axes = [this, axis] {
      return Chance(40) ? Axes() : Axes(std::vector<int64_t>{axis()});
    };
    const auto keep = [this] { return Chance(50); };
    const auto padding = [this] { return std::string(Chance(50) ? "SAME" : "VALID"); };
    const auto window = [this] { return std::vector<int64_t>{1, Entry(1, 3), Entry(1, 3), 1}; };
    const auto indices = [this] { return Source(Chance(50) ? int32 : int64); };
    std::map<std::string, Make> ops;
    using UnaryFn = Output (*)(const Input&, const std::string&);
    const std::pair<const char*, UnaryFn> unary[] = {{"negative", negative},
                                                     {"abs", abs},
                                                     {"sign", sign},
                                                     {"square", square},
                                                     {"sqrt", sqrt},
                                                     {"rsqrt", rsqrt},
                                                     {"reciprocal", reciprocal},
                                                     {"exp", exp},
                                                     {"log", log},
                                                     {"log1p", log1p},
                                                     {"sin", sin},
                                                     {"cos", cos},
                                                     {"tanh", tanh},
                                                     {"sigmoid", sigmoid},
                                                     {"floor", floor},
                                                     {"identity", identity},
                                                     {"stop_gradient", stop_gradient},
                                                     {"zeros_like", zeros_like},
                                                     {"ones_like", ones_like},
                                                     {"relu", nn::relu},
                                                     {"relu6", nn::relu6},
                                                     {"elu", nn::elu},
                                                     {"selu", nn::selu},
                                                     {"softplus", nn::softplus},
                                                     {"softmax", nn::softmax},
                                                     {"log_softmax", nn::log_softmax},
                                                     {"l2_loss", nn::l2_loss}};
    for (const auto& [name, fn] : unary) ops[name] = [this, fn = fn] { return fn(Any(), ""); };
    using BinaryFn = Output (*)(const Input&, const Input&, const std::string&);
    const std::pair<const char*, BinaryFn> binary[] = {
        {"add", add},
        {"subtract", subtract},
        {"multiply", multiply},
        {"divide", divide},
        {"floordiv", floordiv},
        {"maximum", maximum},
        {"minimum", minimum},
        {"squared_difference", squared_difference},
        {"pow", pow},

        {"softmax_xent", nn::softmax_cross_entropy_with_logits_v2},
        {"sigmoid_xent", nn::sigmoid_cross_entropy_with_logits}};
    for (const auto& [name, fn] : binary) {
      ops[name] = [this, fn = fn] { return fn(Any(), Any(), ""); };
    }
    const std::pair<const char*, BinaryFn> comparisons[] = {
        {"equal", equal},           {"not_equal", not_equal}, {"less", less},
        {"less_equal", less_equal}, {"greater", greater},     {"greater_equal", greater_equal}};
    for (const auto& [name, fn] : comparisons) {
      ops[name] = [this, fn = fn] { return cast(fn(Any(), Any(), ""), float32); };
    }
    using ReduceFn = Output (*)(const Input&, const Axes&, bool, const std::string&);
    const std::pair<const char*, ReduceFn> reductions[] = {
        {"reduce_sum", reduce_sum},   {"reduce_mean", reduce_mean},
        {"reduce_max", reduce_max},   {"reduce_min", reduce_min},
        {"reduce_prod", reduce_prod}, {"reduce_logsumexp", reduce_logsumexp}};
    for (const auto& [name, fn] : reductions) {
      ops[name] = [this, axes, keep, fn = fn] { return fn(Any(), axes(), keep(), ""); };
    }
    ops["argmax"] = [=, this] { return cast(argmax(Any(), axis()), float32); };
    ops["argmin"] = [=, this] { return cast(argmin(Any(), axis()), float32); };
    ops["add_n"] = [this] { return add_n({Any(), Any(), Any()}); };
    ops["clip_by_value"] = [this] { return clip_by_value(Any(), 0.5, 1.5); };
    ops["bias_add"] = [this] { return nn::bias_add(Any(), Fed(float32, Last())); };
    ops["leaky_relu"] = [this] { return nn::leaky_relu(Any()); };
    ops["l2_normalize"] = [=, this] { return nn::l2_normalize(Any(), axes()); };
    ops["sparse_xent"] = [=, this] {
      return nn::sparse_softmax_cross_entropy_with_logits(Fed(int64, Outer()), Any());
    };
    ops["matmul"] = [=, this] { return matmul(Any(), Any(), keep(), keep()); };
    ops["where"] = [this] { return where(Source(bool_), Any(), Any()); };
    ops["reshape"] = [this] { return reshape(Any(), List(-1, 3)); };
    ops["flatten"] = [this] { return reshape(Any(), {-1}); };
    ops["transpose"] = [this] {
      std::vector<int64_t> perm(rank_);
      for (int64_t i = 0; i < rank_; ++i) perm[i] = i;
      std::shuffle(perm.begin(), perm.end(), random_);
      return transpose(Any(), Chance(80) ? perm : List(0, rank_ - 1));
    };
    ops["expand_dims"] = [=, this] { return expand_dims(Any(), axis()); };
    ops["squeeze"] = [=, this] { return Chance(50) ? squeeze(Any()) : squeeze(Any(), {axis()}); };
    ops["concat"] = [=, this] { return concat({Any(), Any()}, axis()); };
    ops["stack"] = [=, this] { return stack({Any(), Any(), Any()}, axis()); };
    ops["slice"] = [this] { return slice(Any(), List(0, 1), List(-1, 1)); };
    ops["tile"] = [this] { return tile(Any(), List(0, 2)); };
    ops["pad"] = [this] {
      std::vector<std::pair<int64_t, int64_t>> paddings;
      for (int64_t before : List(0, 2)) paddings.emplace_back(before, Entry(0, 2));
      return pad(Any(), paddings);
    };
    ops["gather"] = [=, this] { return gather(Any(), indices()); };
    ops["embedding_lookup"] = [=, this] { return nn::embedding_lookup(Any(), indices()); };
    ops["one_hot"] = [=, this] { return one_hot(indices(), Entry(0, 3)); };
    ops["conv2d"] = [=, this] { return nn::conv2d(Any(), Any(), window(), padding()); };
    ops["max_pool"] = [=, this] { return nn::max_pool(Any(), window(), window(), padding()); };
    ops["avg_pool"] = [=, this] { return nn::avg_pool(Any(), window(), window(), padding()); };
    return ops;
  }

  // Tells which ops gave a value.
  void Run(std::map<std::string, int>& computed) {
    Graph graph;
    internal::Unwrap(graph)->Connect(std::make_shared<testing::NoStore>());
    const auto use = graph.as_default();
    rank_ = Number(0, 4);
    usual_ = ShapeOf(static_cast<int>(rank_));
    for (int i = 0; i < 4; ++i) pool_.push_back(Source());
    const std::vector<Output> xs = pool_;
    const std::map<std::string, Make> ops = Ops();
    std::vector<std::pair<std::string, Output>> made;
    for (int64_t i = Number(1, 6); i > 0; --i) {
      auto op = ops.begin();
      std::advance(op, Number(0, static_cast<int64_t>(ops.size()) - 1));
      try {
        made.emplace_back(op->first, op->second());
        pool_.push_back(made.back().second);
      } catch (const Error&) {  // refused when the graph is built
      }
    }
    std::vector<Output> ys;
    ys.reserve(made.size());
    for (const auto& [name, y] : made) ys.push_back(y);
    const std::vector<Output> firsts = Gradients(ys, xs, "gradient of ", made);
    Gradients(firsts, xs, "second gradient of ", made);
    Session session;
    for (const auto& [name, y] : made) {
      try {
        const Tensor value = session.run(y, feeds_);
        ASSERT_EQ(value.dtype(), y.dtype()) << name;
        ASSERT_TRUE(value.shape().IsCompatibleWith(y.shape()))
            << name << ": " << value.shape().ToString() << ", not " << y.shape().ToString();
        const Tensor whole = session.run(WithAllInputs(y), feeds_)[0];
        ASSERT_EQ(value.shape(), whole.shape()) << name;
        ASSERT_EQ(std::memcmp(value.raw(), whole.raw(), value.byte_size()), 0)
            << name << ": " << Summarize(value, 100) << ", not " << Summarize(whole, 100);
        ++computed[name];
      } catch (const Error&) {  // refused in the run
      }
    }
  }

  // Of each y, with weights of a shape of their own, among `made`.
  std::vector<Output> Gradients(const std::vector<Output>& ys, const std::vector<Output>& xs,
                                const std::string& what,
                                std::vector<std::pair<std::string, Output>>& made) {
    std::vector<Output> found;
    for (size_t i = 0; i < ys.size() && i < 3; ++i) {
      try {
        for (const Gradient& g :
             gradients({ys[i]}, xs,
                       Chance(50) ? OptionalList<Output>{Source()} : OptionalList<Output>{})) {
          if (!g.defined()) continue;
          made.emplace_back(what + ys[i].op().type(), g.values);
          found.push_back(g.values);
        }
      } catch (const Error&) {
      }
    }
    return found;
  }

 private:
  std::mt19937_64 random_;
  int64_t rank_ = 0;
  Shape usual_;
  std::vector<Output> pool_;
  std::vector<Feed> feeds_;
};

// VARSCOPE_RANDOM_SECONDS: for how long, instead of a fixed number of graphs.
TEST(RandomGraphs, GiveWhatWasInferredOrAnError) {
  const char* const seconds = std::getenv("VARSCOPE_RANDOM_SECONDS");
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(seconds == nullptr ? 0 : std::atoi(seconds));
  std::map<std::string, int> computed;
  uint64_t seed = 1;
  for (; seed <= 1000 || std::chrono::steady_clock::now() < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomGraph(seed).Run(computed);
    if (HasFatalFailure()) return;
  }
  RecordProperty("graphs", static_cast<int>(seed));
  // Not all are refused.
  for (const auto& [name, make] : RandomGraph(0).Ops()) EXPECT_GT(computed[name], 0) << name;
}

}  // namespace
}  // namespace varscope

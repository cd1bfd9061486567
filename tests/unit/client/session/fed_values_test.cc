// A program may feed what any op makes, to any op that takes it: whatever tensors these are, a run
// gives values or throws a varscope::Error. Of the ops whose inputs other ops make: places, lists,
// shapes, what a gradient takes of the op that it is of.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/node.h"
#include "client/graph/state.h"
#include "tests/support/no_store.h"
#include "varscope/array_ops.h"
#include "varscope/control_flow.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using Outputs = std::vector<Output>;
using Make = std::function<Output(const Output& x, const Output& ids, const Output& n)>;

// Of x, [2, 3] in a usual run, ids, [1, 0], and n, 2.
std::map<std::string, Make> Makers() {
  const auto image = [](const Output& x, const Output& n) {
    return reshape_to(x, stack({constant(1), n, constant(3), constant(1)}));
  };
  const auto filter = [](const Output& x) {
    return reshape(slice(x, {0, 0}, {1, 1}), {1, 1, 1, 1});
  };
  return {
      {"top_k", [](auto& x, auto&, auto&) { return top_k(x, 2).values; }},
      {"strided_slice",
       [](auto& x, auto&, auto& n) {
         return strided_slice(x, reshape(stack({n - 2, n - 1}), {2}), stack({n, n}),
                              stack({n - 1, constant(1)}), {.shrink_axis = 1});
       }},
      {"gather_nd", [](auto& x, auto& ids, auto&) { return gather_nd(x, expand_dims(ids, -1)); }},
      {"scatter_nd",
       [](auto& x, auto& ids, auto& n) {
         return scatter_nd(expand_dims(ids, -1), x, stack({n, constant(3)}));
       }},
      {"gather", [](auto& x, auto& ids, auto&) { return gather(x, unique(ids).idx); }},
      {"embedding_lookup",
       [](auto& x, auto& ids, auto&) {
         return nn::embedding_lookup({x, square(x)}, ids);
       }},
      {"segment_sum", [](auto& x, auto& ids, auto& n) { return unsorted_segment_sum(x, ids, n); }},
      {"reverse_sequence", [](auto& x, auto& ids, auto&) { return reverse_sequence(x, ids, 1); }},
      {"reverse",
       [](auto& x, auto&, auto&) {
         return reverse(x, {0, -1});
       }},
      {"cumsum", [](auto& x, auto&, auto&) { return cumsum(x, 1, true, true); }},
      {"tile_by", [](auto& x, auto& ids, auto&) { return tile_by(x, ids + 1); }},
      {"broadcast_to",
       [](auto& x, auto&, auto& n) {
         return broadcast_to(x, stack({n, n, constant(3)}));
       }},
      {"fill", [](auto& x, auto& ids, auto&) { return fill(ids, reduce_sum(x)); }},
      {"range", [](auto& x, auto&, auto& n) { return x * cast(range(0, n + 1, 1), float32); }},
      {"where", [](auto& x, auto&, auto&) { return gather_nd(x, where(greater(x, 1))); }},
      {"in_top_k", [](auto& x, auto& ids,
                      auto&) { return x * reduce_sum(cast(in_top_k(x, ids, 1), float32)); }},
      {"one_hot", [](auto& x, auto& ids, auto&) { return matmul(one_hot(ids, 2), x); }},
      {"concat",
       [](auto& x, auto&, auto&) {
         return concat({x, square(x)}, 1);
       }},
      {"argmax", [](auto& x, auto&, auto&) { return gather(x, cast(argmax(x, 1) - 1, int32)); }},
      {"sparse_xent", [](auto& x, auto& ids,
                         auto&) { return nn::sparse_softmax_cross_entropy_with_logits(ids, x); }},
      {"max_pool",
       [image](auto& x, auto&, auto& n) {
         return nn::max_pool(image(x, n), {1, 2, 2, 1}, {1, 1, 1, 1}, "SAME");
       }},
      {"conv2d_transpose",
       [image, filter](auto& x, auto&, auto& n) {
         const Output size = stack({n - 1, n, constant(3), constant(1)});
         return nn::conv2d_transpose(image(x, n), filter(x), size, {1, 1, 1, 1}, "SAME");
       }},
      {"cond",
       [](auto& x, auto&, auto& n) {
         return cond(
             greater(n, 1), [&] { return Outputs{square(x)}; },
             [&] { return Outputs{x * cast(n, float32)}; })[0];
       }},
      {"while_loop",
       [](auto& x, auto&, auto& n) {
         return while_loop([&](const Outputs& v) { return less(v[0], minimum(n, 4)); },
                           [&](const Outputs& v) {
                             return Outputs{v[0] + 1, multiply(v[1], x)};
                           },
                           {0, ones_like(x)})[1];
       }},
      {"lists",
       [](auto& x, auto&, auto& n) {
         const Outputs done =
             while_loop([&](const Outputs& v) { return less(v[0], minimum(n, 4)); },
                        [](const Outputs& v) {
                          const Popped row = list_pop(v[1], float32);
                          return Outputs{v[0] + 1, row.list, list_push(v[2], square(row.last))};
                        },
                        {0, list_of_rows(x), list_empty()});
         return list_stack(done[2], float32);
       }},
  };
}

class FedValues {
 public:
  explicit FedValues(uint64_t seed) : random_(seed) {
    internal::Unwrap(graph_)->Connect(std::make_shared<testing::NoStore>());
  }

  // Returns how many runs gave a value.
  int Run(const Make& make) {
    const auto use = graph_.as_default();
    Outputs fetches;
    Weigh(fetches, make(Source(Tensor::Of<float>({2, 3}, {1, 2, 3, 6, 5, 4})),
                        Source(Tensor::Of<int32_t>({2}, {1, 0})), Source(Tensor::Scalar(2))));
    for (int order = 1; order <= 2; ++order) {
      try {
        const std::vector<Gradient> slopes =
            gradients({fetches.back()}, Outputs{sources_[0]}, {sources_.back()});
        if (!slopes[0].defined()) break;
        Weigh(fetches, slopes[0].values);
      } catch (const Error&) {
        break;  // what rows are gathered by has no gradient
      }
    }
    int computed = 0;
    const Outputs all = Values();
    for (int i = 0; i < 40; ++i) {
      std::vector<Feed> feeds = feeds_;
      for (int64_t count = Number(1, 2); count > 0; --count) {
        const Output& fed = all[Number(0, static_cast<int64_t>(all.size()) - 1)];
        feeds.push_back({fed, Another(fed)});
      }
      for (const Output& y : fetches) computed += Try(y, feeds).defined() ? 1 : 0;
    }
    return computed;
  }

 private:
  int64_t Number(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  bool Chance(int percent) { return Number(1, 100) <= percent; }

  Output Source(const Tensor& value) {
    sources_.push_back(placeholder(value.dtype(), Shape::Unknown()));
    feeds_.push_back({sources_.back(), value});
    return sources_.back();
  }
  // y, and weights of its elements for its gradient.
  void Weigh(Outputs& fetches, const Output& y) {
    fetches.push_back(y);
    const Tensor value = Try(y, feeds_);
    Source(value.defined() ? Like(float32, value.shape()) : Tensor::Scalar(1.0F));
  }

  // All that ops of the graph itself make.
  Outputs Values() const {
    Outputs values;
    for (const auto& node : internal::Unwrap(graph_)->nodes()) {
      if (node->body != nullptr) continue;
      for (size_t i = 0; i < node->outputs.size(); ++i) {
        values.push_back(internal::Wrap(internal::NodeOutput{node.get(), static_cast<int>(i)}));
      }
    }
    return values;
  }

  static Tensor Try(const Output& y, const std::vector<Feed>& feeds) {
    try {
      return Session().run(y, feeds);
    } catch (const Error&) {
      return {};
    }
  }

  Tensor Like(DType dtype, const Shape& shape) {
    constexpr int64_t kOdd[] = {-3, -1, 4, 100, 2000, -2000, INT64_MIN, int64_t{1} << 60};
    Tensor value(dtype, shape);
    VisitDType(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (T& x : value.mutable_values<T>()) {
        x = static_cast<T>(Chance(15) ? kOdd[Number(0, 7)] : Number(0, 2));
      }
    });
    return value;
  }
  // Near to what it is, or anything.
  Tensor Another(const Output& output) {
    const Tensor usual = Try(output, feeds_);
    std::vector<int64_t> dims = usual.defined() ? usual.shape().dims() : std::vector<int64_t>{2};
    if (Chance(40)) {
      for (int64_t& dim : dims) dim = std::max<int64_t>(0, dim + Number(-1, 1));
    }
    if (Chance(15) && !dims.empty()) dims.pop_back();
    if (Chance(15)) dims.push_back(Number(0, 2));
    return Like(output.dtype(), Shape(dims));
  }

  std::mt19937_64 random_;
  Graph graph_;
  Outputs sources_;
  std::vector<Feed> feeds_;
};

// VARSCOPE_RANDOM_SECONDS: as in random_graphs_test.cc.
TEST(FedValues, OfAnyOpGiveValuesOrAnError) {
  const char* const seconds = std::getenv("VARSCOPE_RANDOM_SECONDS");
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(seconds == nullptr ? 0 : std::atoi(seconds));
  std::map<std::string, int> computed;
  for (uint64_t seed = 1; seed <= 5 || std::chrono::steady_clock::now() < end; ++seed) {
    for (const auto& [name, make] : Makers()) {
      SCOPED_TRACE(name + ", seed " + std::to_string(seed));
      computed[name] += FedValues(seed).Run(make);
    }
  }
  // Not all are refused.
  for (const auto& [name, make] : Makers()) EXPECT_GT(computed[name], 0) << name;
}

}  // namespace
}  // namespace varscope

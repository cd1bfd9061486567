// varscope/nn.h, under TensorFlow's names of arguments.
#include "varscope/nn.h"

#include "client/python/src/op_table.h"
#include "varscope/array_ops.h"

namespace varscope::python {
namespace {

void AddActivations(nb::module_& m) {
  Unary(m, "relu", "features", nn::relu);
  Unary(m, "relu6", "features", nn::relu6);
  Unary(m, "elu", "features", nn::elu);
  Unary(m, "selu", "features", nn::selu);
  Unary(m, "softplus", "features", nn::softplus);
  Unary(m, "sigmoid", "x", nn::sigmoid);
  Unary(m, "tanh", "x", nn::tanh);
  Unary(m, "_softmax", "logits", nn::softmax);
  Unary(m, "_log_softmax", "logits", nn::log_softmax);
  Unary(m, "l2_loss", "t", nn::l2_loss);
  m.def(
      "leaky_relu",
      [](nb::handle features, double alpha, OptionalName name) {
        AwaitDefinitions();
        return Hold(nn::leaky_relu(ToInput(features), alpha, NameOf(name)));
      },
      "features"_a, "alpha"_a = 0.2, "name"_a = nb::none());
  m.def(
      "_l2_normalize",
      [](nb::handle x, nb::handle axis, double epsilon, OptionalName name) {
        AwaitDefinitions();
        const Axes axes = axis.is_none() ? Axes() : Axes(ToIntList(axis));
        return Hold(nn::l2_normalize(ToInput(x), axes, epsilon, NameOf(name)));
      },
      "x"_a, nb::arg("axis").none(), "epsilon"_a, nb::arg("name").none());
}

void AddLosses(nb::module_& m) {
  Binary(m, "_softmax_cross_entropy", nn::softmax_cross_entropy_with_logits_v2, "labels", "logits");
  Binary(m, "_sigmoid_cross_entropy", nn::sigmoid_cross_entropy_with_logits, "labels", "logits");
  // Labels are integers whatever the logits are.
  m.def(
      "_sparse_softmax_cross_entropy",
      [](nb::handle labels, nb::handle logits, OptionalName name) {
        AwaitDefinitions();
        const Input classes = ToInput(labels);
        return Hold(
            nn::sparse_softmax_cross_entropy_with_logits(classes, ToInput(logits), NameOf(name)));
      },
      "labels"_a, "logits"_a, nb::arg("name").none());
}

using Pool = Output (*)(const Input&, const std::vector<int64_t>&, const std::vector<int64_t>&,
                        const std::string&, const std::string&);

void AddPool(nb::module_& m, const char* op, Pool pool) {
  m.def(
      op,
      [pool](nb::handle value, nb::handle ksize, nb::handle strides, const std::string& padding,
             OptionalName name) {
        AwaitDefinitions();
        return Hold(
            pool(ToInput(value), ToIntList(ksize), ToIntList(strides), padding, NameOf(name)));
      },
      "value"_a, "ksize"_a, "strides"_a, "padding"_a, nb::arg("name").none());
}

using Conv = Output (*)(const Input&, const Input&, const std::vector<int64_t>&, const std::string&,
                        const std::string&);

void AddConv(nb::module_& m, const char* op, Conv conv) {
  m.def(
      op,
      [conv](nb::handle input, nb::handle filter, nb::handle strides, const std::string& padding,
             OptionalName name) {
        AwaitDefinitions();
        const auto [images, windows] = Pair(input, filter);
        return Hold(conv(images, windows, ToIntList(strides), padding, NameOf(name)));
      },
      "input"_a, "filter"_a, "strides"_a, "padding"_a, nb::arg("name").none());
}

using Transpose = Output (*)(const Input&, const Input&, const Input&, const std::vector<int64_t>&,
                             const std::string&, const std::string&);

void AddTranspose(nb::module_& m, const char* op, Transpose transpose) {
  m.def(
      op,
      [transpose](nb::handle value, nb::handle filter, nb::handle output_shape, nb::handle strides,
                  const std::string& padding, OptionalName name) {
        AwaitDefinitions();
        const auto [dy, windows] = Pair(value, filter);
        return Hold(transpose(dy, windows, ToInput(output_shape, DType::kInt32), ToIntList(strides),
                              padding, NameOf(name)));
      },
      "value"_a, "filter"_a, "output_shape"_a, "strides"_a, "padding"_a, nb::arg("name").none());
}

// Windows over images and over volumes.
void AddWindows(nb::module_& m) {
  Binary(m, "_bias_add", nn::bias_add, "value", "bias");
  AddConv(m, "_conv2d", nn::conv2d);
  AddConv(m, "_conv3d", nn::conv3d);
  AddConv(m, "_depthwise_conv2d", nn::depthwise_conv2d);
  AddTranspose(m, "_conv2d_transpose", nn::conv2d_transpose);
  AddTranspose(m, "_conv3d_transpose", nn::conv3d_transpose);
  AddPool(m, "_max_pool", nn::max_pool);
  AddPool(m, "_avg_pool", nn::avg_pool);
  AddPool(m, "_max_pool3d", nn::max_pool3d);
  AddPool(m, "_avg_pool3d", nn::avg_pool3d);
  m.def(
      "_max_pool_with_argmax",
      [](nb::handle input, nb::handle ksize, nb::handle strides, const std::string& padding,
         nb::handle places, bool include_batch_in_index, OptionalName name) {
        AwaitDefinitions();
        const nn::MaxAndPlaces both =
            nn::max_pool_with_argmax(ToInput(input), ToIntList(ksize), ToIntList(strides), padding,
                                     ToDType(places), include_batch_in_index, NameOf(name));
        return std::pair(Hold(both.output), Hold(both.argmax));
      },
      "input"_a, "ksize"_a, "strides"_a, "padding"_a, "places"_a, "include_batch_in_index"_a,
      nb::arg("name").none());
}

}  // namespace

void AddNn(nb::module_& m) {
  AddActivations(m);
  AddLosses(m);
  AddWindows(m);
  m.def(
      "_embedding_lookup",
      [](nb::handle params, nb::handle ids, const std::string& strategy, OptionalName name) {
        AwaitDefinitions();
        const auto look_up = [&](const auto& from) {
          return Hold(nn::embedding_lookup(from, ToInput(ids), NameOf(name), strategy));
        };
        // A list is shards, whatever is in it; a partitioned variable is its parts.
        if (nb::isinstance<nb::list>(params) || nb::isinstance<nb::tuple>(params)) {
          return look_up(ToInputs(params));
        }
        if (nb::isinstance<PyVariable>(params)) return look_up(ToVariable(params));
        return look_up(ToInput(params));
      },
      "params"_a, "ids"_a, "partition_strategy"_a = "mod", "name"_a = nb::none());
}

}  // namespace varscope::python

#include "tests/conformance/op_calls.h"

#include <stdexcept>
#include <utility>

#include "varscope/array_ops.h"
#include "varscope/control_flow.h"
#include "varscope/math_ops.h"

namespace varscope::conformance {
namespace {

using Inputs = std::vector<Output>;
using Call = Calls::mapped_type;

std::vector<int64_t> List(const Json& attrs, const char* name) {
  if (!attrs.contains(name) || attrs[name].is_null()) return {};
  if (attrs[name].is_number()) return {attrs[name].get<int64_t>()};
  return attrs[name].get<std::vector<int64_t>>();
}

Axes ReadAxes(const Json& attrs) {
  if (!attrs.contains("axis") || attrs["axis"].is_null()) return {};
  return Axes(List(attrs, "axis"));
}

Input Literal(const Json& number) {
  if (number.is_number_integer()) return number.get<int64_t>();
  return number.get<double>();
}

int Axis(const Json& attrs) { return attrs.value("axis", 0); }

std::vector<Input> AsInputs(const Inputs& outputs) { return {outputs.begin(), outputs.end()}; }

// Arguments that were passed by name: the one called `name`.
Output Keyword(const Inputs& inputs, const Json& attrs, const std::string& name) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (attrs["kw"][i] == name) return inputs[i];
  }
  throw std::out_of_range("no argument " + name);
}

using UnaryFn = Output (*)(const Input&, const std::string&);
using BinaryFn = Output (*)(const Input&, const Input&, const std::string&);
using ReduceFn = Output (*)(const Input&, const Axes&, bool, const std::string&);
using ArgFn = Output (*)(const Input&, int, const std::string&);
using CrossEntropyFn = BinaryFn;

Call Unary(UnaryFn fn) {
  return [fn](const Inputs& in, const Json&) { return fn(in.at(0), ""); };
}
Call Binary(BinaryFn fn) {
  return [fn](const Inputs& in, const Json&) { return fn(in.at(0), in.at(1), ""); };
}
Call Reduce(ReduceFn fn) {
  return [fn](const Inputs& in, const Json& attrs) {
    return fn(in.at(0), ReadAxes(attrs), attrs.value("keepdims", false), "");
  };
}
Call Arg(ArgFn fn) {
  return [fn](const Inputs& in, const Json& attrs) { return fn(in.at(0), Axis(attrs), ""); };
}
Call CrossEntropy(CrossEntropyFn fn) {
  return [fn](const Inputs& in, const Json& attrs) {
    return fn(Keyword(in, attrs, "labels"), Keyword(in, attrs, "logits"), "");
  };
}
void AddElementwise(Calls& calls) {
  calls["add"] = Binary(add);
  calls["subtract"] = Binary(subtract);
  calls["multiply"] = Binary(multiply);
  calls["divide"] = Binary(divide);
  calls["floordiv"] = Binary(floordiv);
  calls["maximum"] = Binary(maximum);
  calls["minimum"] = Binary(minimum);
  calls["squared_difference"] = Binary(squared_difference);
  calls["pow"] = Binary(varscope::pow);
  calls["equal"] = Binary(equal);
  calls["not_equal"] = Binary(not_equal);
  calls["less"] = Binary(less);
  calls["less_equal"] = Binary(less_equal);
  calls["greater"] = Binary(greater);
  calls["greater_equal"] = Binary(greater_equal);
  calls["negative"] = Unary(negative);
  calls["abs"] = Unary(varscope::abs);
  calls["sign"] = Unary(sign);
  calls["square"] = Unary(square);
  calls["sqrt"] = Unary(varscope::sqrt);
  calls["rsqrt"] = Unary(rsqrt);
  calls["reciprocal"] = Unary(reciprocal);
  calls["exp"] = Unary(varscope::exp);
  calls["log"] = Unary(varscope::log);
  calls["log1p"] = Unary(varscope::log1p);
  calls["sin"] = Unary(varscope::sin);
  calls["cos"] = Unary(varscope::cos);
  calls["tanh"] = Unary(varscope::tanh);
  calls["sigmoid"] = Unary(sigmoid);
  calls["floor"] = Unary(varscope::floor);
  calls["identity"] = Unary(identity);
  calls["stop_gradient"] = Unary(stop_gradient);
  calls["zeros_like"] = Unary(zeros_like);
  calls["ones_like"] = Unary(ones_like);
  calls["add_n"] = [](const Inputs& in, const Json&) { return add_n(AsInputs(in)); };
  calls["where"] = [](const Inputs& in, const Json&) {
    return where(in.at(0), in.at(1), in.at(2));
  };
  calls["clip_by_value"] = [](const Inputs& in, const Json& attrs) {
    return clip_by_value(in.at(0), Literal(attrs["clip_value_min"]),
                         Literal(attrs["clip_value_max"]));
  };
  calls["cast"] = [](const Inputs& in, const Json& attrs) {
    return cast(in.at(0), ParseDType(attrs["dtype"].get<std::string>()).value());
  };
}

void AddReductions(Calls& calls) {
  calls["reduce_sum"] = Reduce(reduce_sum);
  calls["reduce_mean"] = Reduce(reduce_mean);
  calls["reduce_max"] = Reduce(reduce_max);
  calls["reduce_min"] = Reduce(reduce_min);
  calls["reduce_prod"] = Reduce(reduce_prod);
  calls["reduce_logsumexp"] = Reduce(reduce_logsumexp);
  calls["argmax"] = Arg(argmax);
  calls["argmin"] = Arg(argmin);
}

void AddArrays(Calls& calls) {
  calls["matmul"] = [](const Inputs& in, const Json& attrs) {
    return matmul(in.at(0), in.at(1), attrs.value("transpose_a", false),
                  attrs.value("transpose_b", false));
  };
  calls["reshape"] = [](const Inputs& in, const Json& attrs) {
    return reshape(in.at(0), List(attrs, "shape"));
  };
  calls["transpose"] = [](const Inputs& in, const Json& attrs) {
    if (!attrs.contains("perm")) return transpose(in.at(0));
    return transpose(in.at(0), List(attrs, "perm"));
  };
  calls["expand_dims"] = [](const Inputs& in, const Json& attrs) {
    return expand_dims(in.at(0), Axis(attrs));
  };
  calls["squeeze"] = [](const Inputs& in, const Json& attrs) {
    return squeeze(in.at(0), List(attrs, "axis"));
  };
  calls["concat"] = [](const Inputs& in, const Json& attrs) {
    return concat(AsInputs(in), Axis(attrs));
  };
  calls["stack"] = [](const Inputs& in, const Json& attrs) {
    return stack(AsInputs(in), Axis(attrs));
  };
  calls["slice"] = [](const Inputs& in, const Json& attrs) {
    return slice(in.at(0), List(attrs, "begin"), List(attrs, "size"));
  };
  calls["tile"] = [](const Inputs& in, const Json& attrs) {
    return tile(in.at(0), List(attrs, "multiples"));
  };
  calls["pad"] = [](const Inputs& in, const Json& attrs) {
    return pad(in.at(0), attrs["paddings"].get<std::vector<std::pair<int64_t, int64_t>>>());
  };
  calls["gather"] = Binary(gather);
  calls["one_hot"] = [](const Inputs& in, const Json& attrs) {
    return one_hot(in.at(0), attrs["depth"].get<int64_t>());
  };
}

void AddNn(Calls& calls) {
  calls["nn.relu"] = Unary(nn::relu);
  calls["nn.relu6"] = Unary(nn::relu6);
  calls["nn.elu"] = Unary(nn::elu);
  calls["nn.selu"] = Unary(nn::selu);
  calls["nn.softplus"] = Unary(nn::softplus);
  calls["nn.sigmoid"] = Unary(nn::sigmoid);
  calls["nn.tanh"] = Unary(nn::tanh);
  calls["nn.softmax"] = Unary(nn::softmax);
  calls["nn.log_softmax"] = Unary(nn::log_softmax);
  calls["nn.l2_loss"] = Unary(nn::l2_loss);
  calls["nn.leaky_relu"] = [](const Inputs& in, const Json& attrs) {
    return nn::leaky_relu(in.at(0), attrs.value("alpha", 0.2));
  };
  calls["nn.bias_add"] = Binary(nn::bias_add);
  calls["nn.embedding_lookup"] =
      Binary(+[](const Input& params, const Input& ids, const std::string& name) {
        return nn::embedding_lookup(params, ids, name);
      });
  calls["nn.softmax_cross_entropy_with_logits_v2"] =
      CrossEntropy(nn::softmax_cross_entropy_with_logits_v2);
  calls["nn.sparse_softmax_cross_entropy_with_logits"] =
      CrossEntropy(nn::sparse_softmax_cross_entropy_with_logits);
  calls["nn.sigmoid_cross_entropy_with_logits"] =
      CrossEntropy(nn::sigmoid_cross_entropy_with_logits);
  calls["nn.l2_normalize"] = [](const Inputs& in, const Json& attrs) {
    return nn::l2_normalize(in.at(0), ReadAxes(attrs));
  };
  calls["clip_by_global_norm"] = [](const Inputs& in, const Json&) {
    return clip_by_global_norm({{in.at(0), Output()}}, in.at(1)).first[0].values;
  };
}

void AddFunctions(Calls& calls) {
  const std::pair<const char*, UnaryFn> unary[] = {
      {"tan", varscope::tan},       {"asin", varscope::asin},   {"acos", varscope::acos},
      {"atan", varscope::atan},     {"sinh", varscope::sinh},   {"cosh", varscope::cosh},
      {"asinh", varscope::asinh},   {"acosh", varscope::acosh}, {"atanh", varscope::atanh},
      {"erf", varscope::erf},       {"erfc", varscope::erfc},   {"expm1", varscope::expm1},
      {"lgamma", varscope::lgamma}, {"digamma", digamma},       {"ceil", varscope::ceil},
      {"round", varscope::round},   {"nn.softsign", softsign},  {"is_nan", is_nan},
      {"is_inf", is_inf},           {"is_finite", is_finite},   {"logical_not", logical_not}};
  for (const auto& [name, fn] : unary) calls[name] = Unary(fn);
  const std::pair<const char*, BinaryFn> binary[] = {
      {"atan2", varscope::atan2},   {"floormod", floormod},     {"truncatediv", truncatediv},
      {"logical_and", logical_and}, {"logical_or", logical_or}, {"logical_xor", logical_xor},
      {"gather_nd", gather_nd}};
  for (const auto& [name, fn] : binary) calls[name] = Binary(fn);
}

Input Numbers(const Json& attrs, const char* name) {
  const std::vector<int64_t> list = List(attrs, name);
  std::vector<int32_t> numbers(list.begin(), list.end());
  return Tensor::Of<int32_t>(Shape{static_cast<int64_t>(numbers.size())}, numbers);
}

Input WideNumbers(const Json& attrs, const char* name) {
  const std::vector<int64_t> list = List(attrs, name);
  return Tensor::Of<int64_t>(Shape{static_cast<int64_t>(list.size())}, list);
}

// Of shapes that a run computes.
void AddShapes(Calls& calls) {
  calls["shape"] = [](const Inputs& in, const Json&) { return shape(in.at(0)); };
  calls["size"] = [](const Inputs& in, const Json&) { return size(in.at(0)); };
  calls["rank"] = Unary(rank);
  calls["fill"] = [](const Inputs& in, const Json& attrs) {
    return fill(WideNumbers(attrs, "dims"), in.at(0));
  };
  calls["broadcast_to"] = [](const Inputs& in, const Json& attrs) {
    return broadcast_to(in.at(0), WideNumbers(attrs, "shape"));
  };
  calls["range_of"] = [](const Inputs& in, const Json& attrs) {
    const std::vector<int64_t> numbers = List(attrs, "fixed");
    return range(numbers.at(0), size(in.at(0)) * numbers.at(1) + numbers.at(0), numbers.at(1));
  };
  calls["where_sum"] = [](const Inputs& in, const Json&) { return reduce_sum(where(in.at(0))); };
  calls["unique"] = [](const Inputs& in, const Json&) {
    const Unique found = unique(in.at(0));
    return gather(found.y, found.idx);
  };
  calls["unique.idx"] = [](const Inputs& in, const Json&) { return unique(in.at(0)).idx; };
}

void AddIndexing(Calls& calls) {
  calls["top_k.indices"] = [](const Inputs& in, const Json& attrs) {
    return top_k(in.at(0), attrs["k"].get<int64_t>()).indices;
  };
  calls["in_top_k"] = [](const Inputs& in, const Json& attrs) {
    return in_top_k(in.at(0), in.at(1), attrs["k"].get<int64_t>());
  };
  calls["scatter_nd"] = [](const Inputs& in, const Json& attrs) {
    return scatter_nd(in.at(0), in.at(1), WideNumbers(attrs, "shape"));
  };
  calls["reverse_sequence"] = [](const Inputs& in, const Json& attrs) {
    return reverse_sequence(in.at(0), in.at(1), attrs["seq_axis"].get<int>(),
                            attrs["batch_axis"].get<int>());
  };
  calls["unsorted_segment_sum"] = [](const Inputs& in, const Json& attrs) {
    return unsorted_segment_sum(in.at(0), in.at(1), attrs["fixed"].get<int64_t>());
  };
  calls["reshape_to"] = [](const Inputs& in, const Json& attrs) {
    return reshape_to(in.at(0), Numbers(attrs, "shape"));
  };
  calls["tile_by"] = [](const Inputs& in, const Json& attrs) {
    return tile_by(in.at(0), Numbers(attrs, "multiples"));
  };
  calls["strided_slice"] = [](const Inputs& in, const Json& attrs) {
    const SliceMasks masks{.begin = attrs.value("begin_", 0),
                           .end = attrs.value("end_", 0),
                           .shrink_axis = attrs.value("shrink_axis_", 0)};
    return strided_slice(in.at(0), Numbers(attrs, "begin"), Numbers(attrs, "end"),
                         Numbers(attrs, "strides"), masks);
  };
  calls["reverse"] = [](const Inputs& in, const Json& attrs) {
    return reverse(in.at(0), List(attrs, "axis"));
  };
  calls["top_k"] = [](const Inputs& in, const Json& attrs) {
    return top_k(in.at(0), attrs["k"].get<int64_t>()).values;
  };
  const auto running = [](Output (*fn)(const Input&, int, bool, bool, const std::string&)) {
    return [fn](const Inputs& in, const Json& attrs) {
      return fn(in.at(0), Axis(attrs), attrs.value("exclusive", false),
                attrs.value("reverse", false), "");
    };
  };
  calls["cumsum"] = running(cumsum);
  calls["cumprod"] = running(cumprod);
}

// What tests/differential/tensorflow_calls.py has under the same names.
Output Power(const Output& x, const Output& rounds) {
  return while_loop([&](const Inputs& v) { return less(v[0], rounds); },
                    [&](const Inputs& v) {
                      return Inputs{v[0] + 1, v[1] * x};
                    },
                    {0, ones_like(x)})[1];
}

Output CubeOrSine(const Output& x, const Output& rounds) {
  return while_loop([&](const Inputs& v) { return less(v[0], rounds); },
                    [&](const Inputs& v) {
                      const Output next = cond(
                          less(reduce_mean(v[1]), 1.5),
                          [&] { return Inputs{Power(v[1], constant(3)) * x}; },
                          [&] { return Inputs{varscope::sin(v[1])}; })[0];
                      return Inputs{v[0] + 1, next};
                    },
                    {0, identity(x)})[1];
}

Output RunningSums(const Output& x) {
  const Output zero = reduce_sum(x, 0) * 0;
  const Output rows =
      reshape_to(strided_slice(shape(x), Tensor::Of<int32_t>({1}, {0}),
                               Tensor::Of<int32_t>({1}, {1}), Tensor::Of<int32_t>({1}, {1}), {}),
                 Tensor(int32, {0}));
  const Inputs done = while_loop([&](const Inputs& v) { return less(v[0], rows); },
                                 [&](const Inputs& v) {
                                   const Popped row = list_pop(v[1], x.dtype(), zero.shape());
                                   const Output sum = square(v[3]) * 0.5 + row.last;
                                   return Inputs{v[0] + 1, row.list, list_push(v[2], sum), sum};
                                 },
                                 {0, list_of_rows(x), list_empty(), zero});
  return list_stack(done[2], x.dtype(), zero.shape());
}

void AddControl(Calls& calls) {
  calls["control.cond"] = [](const Inputs& in, const Json&) {
    const Output& x = in.at(0);
    return cond(
        greater(reduce_sum(x), 0), [&] { return Inputs{square(x)}; },
        [&] { return Inputs{x * 3}; })[0];
  };
  calls["control.power"] = [](const Inputs& in, const Json& attrs) {
    return Power(in.at(0), constant(attrs["rounds"].get<int32_t>()));
  };
  calls["control.nested"] = [](const Inputs& in, const Json& attrs) {
    return CubeOrSine(in.at(0), constant(attrs["rounds"].get<int32_t>()));
  };
  calls["control.sums"] = [](const Inputs& in, const Json&) { return RunningSums(in.at(0)); };
}

}  // namespace

Output CallOp(const std::string& op, const Inputs& inputs, const Json& attrs) {
  static const Calls* const calls = [] {
    auto* const all = new Calls();
    AddElementwise(*all);
    AddReductions(*all);
    AddArrays(*all);
    AddNn(*all);
    AddFunctions(*all);
    AddShapes(*all);
    AddIndexing(*all);
    AddControl(*all);
    all->merge(MatrixCalls());
    all->merge(OrderCalls());
    all->merge(WindowCalls());
    return all;
  }();
  const auto it = calls->find(op);
  if (it == calls->end()) throw std::out_of_range("the library has no op " + op);
  return it->second(inputs, attrs);
}

}  // namespace varscope::conformance

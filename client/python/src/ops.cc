// varscope/ops.h, under TensorFlow's names of functions and arguments.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/python/src/convert.h"
#include "client/python/src/handles.h"
#include "client/python/src/op_table.h"
#include "client/python/src/waiting.h"

namespace varscope::python {
namespace {

void AddSources(nb::module_& m) {
  m.def(
      "_constant",
      [](nb::handle value, nb::handle dtype, OptionalName name) {
        AwaitDefinitions();
        const std::optional<DType> wanted = ToOptionalDType(dtype);
        return Hold(constant(ToTensor(value, wanted), NameOf(name)));
      },
      "value"_a, nb::arg("dtype").none(), nb::arg("name").none());
  m.def(
      "placeholder",
      [](nb::handle dtype, nb::handle shape, OptionalName name) {
        AwaitDefinitions();
        return Hold(placeholder(ToDType(dtype), ToShape(shape), NameOf(name)));
      },
      "dtype"_a, "shape"_a = nb::none(), "name"_a = nb::none());
  const auto filled = [&m](const char* op,
                           Output (*make)(const Shape&, DType, const std::string&)) {
    m.def(
        op,
        [make](nb::handle shape, nb::handle dtype, OptionalName name) {
          AwaitDefinitions();
          const DType type = ToOptionalDType(dtype).value_or(DType::kFloat32);
          return Hold(make(ToShape(shape), type, NameOf(name)));
        },
        "shape"_a, "dtype"_a = nb::none(), "name"_a = nb::none());
  };
  filled("zeros", &zeros);
  filled("ones", &ones);
  m.def(
      "_convert_to_tensor",
      [](nb::handle value, nb::handle dtype, OptionalName name) {
        AwaitDefinitions();
        return Hold(convert_to_tensor(ToInput(value, ToOptionalDType(dtype)), NameOf(name)));
      },
      "value"_a, nb::arg("dtype").none(), nb::arg("name").none());
}

void AddArithmetic(nb::module_& m) {
  Binary(m, "add", add);
  Binary(m, "subtract", subtract);
  Binary(m, "multiply", multiply);
  Binary(m, "divide", divide);
  Binary(m, "floordiv", floordiv);
  Binary(m, "maximum", maximum);
  Binary(m, "minimum", minimum);
  Binary(m, "squared_difference", squared_difference);
  Binary(m, "pow", varscope::pow);
  Binary(m, "equal", equal);
  Binary(m, "not_equal", not_equal);
  Binary(m, "less", less);
  Binary(m, "less_equal", less_equal);
  Binary(m, "greater", greater);
  Binary(m, "greater_equal", greater_equal);
  m.def(
      "add_n",
      [](nb::handle inputs, OptionalName name) {
        AwaitDefinitions();
        return Hold(add_n(ToInputs(inputs), NameOf(name)));
      },
      "inputs"_a, "name"_a = nb::none());
}

void AddUnary(nb::module_& m) {
  Unary(m, "negative", "x", negative);
  Unary(m, "abs", "x", varscope::abs);
  Unary(m, "sign", "x", sign);
  Unary(m, "square", "x", square);
  Unary(m, "sqrt", "x", varscope::sqrt);
  Unary(m, "rsqrt", "x", rsqrt);
  Unary(m, "reciprocal", "x", reciprocal);
  Unary(m, "exp", "x", varscope::exp);
  Unary(m, "log", "x", varscope::log);
  Unary(m, "log1p", "x", varscope::log1p);
  Unary(m, "sin", "x", varscope::sin);
  Unary(m, "cos", "x", varscope::cos);
  Unary(m, "tanh", "x", varscope::tanh);
  Unary(m, "sigmoid", "x", sigmoid);
  Unary(m, "floor", "x", varscope::floor);
  Unary(m, "identity", "input", identity);
  Unary(m, "stop_gradient", "input", stop_gradient);
  m.def(
      "clip_by_value",
      [](nb::handle t, nb::handle clip_value_min, nb::handle clip_value_max, OptionalName name) {
        AwaitDefinitions();
        const Input x = ToInput(t);
        const std::optional<DType> like = SymbolicDType(t);
        return Hold(clip_by_value(x, ToInput(clip_value_min, like), ToInput(clip_value_max, like),
                                  NameOf(name)));
      },
      "t"_a, "clip_value_min"_a, "clip_value_max"_a, "name"_a = nb::none());
  m.def(
      "cast",
      [](nb::handle x, nb::handle dtype, OptionalName name) {
        AwaitDefinitions();
        return Hold(cast(ToInput(x), ToDType(dtype), NameOf(name)));
      },
      "x"_a, "dtype"_a, "name"_a = nb::none());
  const auto like = [&m](const char* op, UnaryOp make) {
    m.def(
        op,
        [make](nb::handle tensor, nb::handle dtype, OptionalName name) {
          AwaitDefinitions();
          const std::optional<DType> type = ToOptionalDType(dtype);
          const Output x = ToOutput(tensor);
          return Hold(make(type ? cast(x, *type) : x, NameOf(name)));
        },
        "tensor"_a, "dtype"_a = nb::none(), "name"_a = nb::none());
  };
  like("zeros_like", zeros_like);
  like("ones_like", ones_like);
}

void AddChoice(nb::module_& m) {
  m.def(
      "_where",
      [](nb::handle condition, nb::handle x, nb::handle y, OptionalName name) {
        AwaitDefinitions();
        const auto [a, b] = Pair(x, y);
        return Hold(where(ToInput(condition), a, b, NameOf(name)));
      },
      "condition"_a, "x"_a, "y"_a, nb::arg("name").none());
}

Axes ToAxes(nb::handle axis) {
  if (axis.is_none()) return {};
  return Axes(ToIntList(axis));
}

using ReduceOp = Output (*)(const Input&, const Axes&, bool, const std::string&);

// TensorFlow 1 has two names for each of the two arguments.
void Reduction(nb::module_& m, const char* op, ReduceOp reduce) {
  m.def(
      op,
      [reduce](nb::handle x, nb::handle axis, std::optional<bool> keepdims, OptionalName name,
               nb::handle reduction_indices, std::optional<bool> keep_dims) {
        AwaitDefinitions();
        const nb::handle along = axis.is_none() ? reduction_indices : axis;
        const bool keep = keepdims.value_or(keep_dims.value_or(false));
        return Hold(reduce(ToInput(x), ToAxes(along), keep, NameOf(name)));
      },
      "input_tensor"_a, "axis"_a = nb::none(), "keepdims"_a = nb::none(), "name"_a = nb::none(),
      "reduction_indices"_a = nb::none(), "keep_dims"_a = nb::none());
}

using ArgOp = Output (*)(const Input&, int, const std::string&);

void ArgReduction(nb::module_& m, const char* op, ArgOp find) {
  m.def(
      op,
      [find](nb::handle input, std::optional<int> axis, OptionalName name,
             std::optional<int> dimension, nb::handle output_type) {
        AwaitDefinitions();
        const Output place =
            find(ToInput(input), axis.value_or(dimension.value_or(0)), NameOf(name));
        const std::optional<DType> type = ToOptionalDType(output_type);
        return Hold(type ? cast(place, *type) : place);
      },
      "input"_a, "axis"_a = nb::none(), "name"_a = nb::none(), "dimension"_a = nb::none(),
      "output_type"_a = nb::none());
}

void AddReductions(nb::module_& m) {
  Reduction(m, "reduce_sum", reduce_sum);
  Reduction(m, "reduce_mean", reduce_mean);
  Reduction(m, "reduce_max", reduce_max);
  Reduction(m, "reduce_min", reduce_min);
  Reduction(m, "reduce_prod", reduce_prod);
  Reduction(m, "reduce_logsumexp", reduce_logsumexp);
  ArgReduction(m, "argmax", argmax);
  ArgReduction(m, "argmin", argmin);
}

void AddShapes(nb::module_& m) {
  m.def(
      "reshape",
      [](nb::handle tensor, nb::handle shape, OptionalName name) {
        AwaitDefinitions();
        return Hold(reshape(ToInput(tensor), ToIntList(shape), NameOf(name)));
      },
      "tensor"_a, "shape"_a, "name"_a = nb::none());
  m.def(
      "transpose",
      [](nb::handle a, nb::handle perm, OptionalName name) {
        AwaitDefinitions();
        return Hold(transpose(ToInput(a), ToInts(perm), NameOf(name)));
      },
      "a"_a, "perm"_a = nb::none(), "name"_a = nb::none());
  m.def(
      "_expand_dims",
      [](nb::handle input, int axis, OptionalName name) {
        AwaitDefinitions();
        return Hold(expand_dims(ToInput(input), axis, NameOf(name)));
      },
      "input"_a, "axis"_a, nb::arg("name").none());
  m.def(
      "squeeze",
      [](nb::handle input, nb::handle axis, OptionalName name, nb::handle squeeze_dims) {
        AwaitDefinitions();
        const nb::handle which = axis.is_none() ? squeeze_dims : axis;
        const std::vector<int64_t> axes =
            which.is_none() ? std::vector<int64_t>() : ToIntList(which);
        return Hold(squeeze(ToInput(input), axes, NameOf(name)));
      },
      "input"_a, "axis"_a = nb::none(), "name"_a = nb::none(), "squeeze_dims"_a = nb::none());
}

void AddParts(nb::module_& m) {
  m.def(
      "_concat",
      [](nb::handle values, int axis, OptionalName name) {
        AwaitDefinitions();
        return Hold(concat(ToInputs(values), axis, NameOf(name)));
      },
      "values"_a, "axis"_a, nb::arg("name").none());
  m.def(
      "stack",
      [](nb::handle values, int axis, OptionalName name) {
        AwaitDefinitions();
        return Hold(stack(ToInputs(values), axis, NameOf(name)));
      },
      "values"_a, "axis"_a = 0, "name"_a = nb::none());
  m.def(
      "slice",
      [](nb::handle input, nb::handle begin, nb::handle size, OptionalName name) {
        AwaitDefinitions();
        return Hold(slice(ToInput(input), ToIntList(begin), ToIntList(size), NameOf(name)));
      },
      "input_"_a, "begin"_a, "size"_a, "name"_a = nb::none());
  m.def(
      "tile",
      [](nb::handle input, nb::handle multiples, OptionalName name) {
        AwaitDefinitions();
        return Hold(tile(ToInput(input), ToIntList(multiples), NameOf(name)));
      },
      "input"_a, "multiples"_a, "name"_a = nb::none());
  m.def(
      "_pad",
      [](nb::handle tensor, const std::vector<std::pair<int64_t, int64_t>>& paddings,
         OptionalName name) {
        AwaitDefinitions();
        return Hold(pad(ToInput(tensor), paddings, NameOf(name)));
      },
      "tensor"_a, "paddings"_a, nb::arg("name").none());
  m.def(
      "_gather",
      [](nb::handle params, nb::handle indices, OptionalName name) {
        AwaitDefinitions();
        const Input from = ToInput(params);
        return Hold(gather(from, ToInput(indices), NameOf(name)));
      },
      "params"_a, "indices"_a, nb::arg("name").none());
  m.def(
      "_one_hot",
      [](nb::handle indices, int64_t depth, nb::handle dtype, OptionalName name) {
        AwaitDefinitions();
        return Hold(one_hot(ToInput(indices), depth, NameOf(name), ToDType(dtype)));
      },
      "indices"_a, "depth"_a, "dtype"_a, nb::arg("name").none());
}

void AddOperators(nb::module_& m) {
  // As add, subtract and multiply, but with the names of Python's operators.
  const auto named = [&m](const char* op, Output (*make)(const Input&, const Input&)) {
    m.def(
        op,
        [make](nb::handle x, nb::handle y) {
          AwaitDefinitions();
          const auto [a, b] = Pair(x, y);
          return Hold(make(a, b));
        },
        nb::arg("x").none(), nb::arg("y").none());
  };
  named("_operator_add", internal::OperatorAdd);
  named("_operator_sub", internal::OperatorSub);
  named("_operator_mul", internal::OperatorMul);
}

void AddActions(nb::module_& m) {
  m.def(
      "_group",
      [](const std::vector<PyOperation>& operations, OptionalName name) {
        AwaitDefinitions();
        std::vector<Operation> all;
        for (const PyOperation& operation : operations) all.push_back(*operation);
        return Hold(group(all, NameOf(name)));
      },
      "operations"_a, nb::arg("name").none());
  m.def(
      "no_op",
      [](OptionalName name) {
        AwaitDefinitions();
        return Hold(no_op(NameOf(name)));
      },
      "name"_a = nb::none());
}

}  // namespace

void AddOps(nb::module_& m) {
  AddSources(m);
  AddArithmetic(m);
  AddUnary(m);
  AddChoice(m);
  AddReductions(m);
  AddShapes(m);
  AddParts(m);
  AddOperators(m);
  AddActions(m);
}

}  // namespace varscope::python

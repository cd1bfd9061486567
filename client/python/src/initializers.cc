#include "client/python/src/initializers.h"

#include <memory>
#include <utility>

#include "client/python/src/convert.h"
#include "client/python/src/gil.h"
#include "client/python/src/waiting.h"

namespace varscope::python {
namespace {

// What `getter` has in a Python custom getter.
nb::dict KeywordsOf(const GetVariableArgs& args) {
  nb::dict keywords;
  keywords["shape"] = args.shape ? FromShape(*args.shape) : nb::object(nb::none());
  keywords["dtype"] = args.dtype ? nb::cast(PyDType{*args.dtype}) : nb::object(nb::none());
  keywords["initializer"] = args.initializer ? nb::cast(*args.initializer) : nb::object(nb::none());
  keywords["trainable"] = args.trainable ? nb::cast(*args.trainable) : nb::object(nb::none());
  keywords["reuse"] = nb::cast(static_cast<int>(args.reuse.value_or(Reuse::kFalse)));
  return keywords;
}

// The arguments of the getter that the custom getter calls: those that it was given, but for what
// it passes itself.
GetVariableArgs Changed(GetVariableArgs args, const nb::kwargs& keywords) {
  for (const auto& [key, value] : keywords) {
    const auto name = nb::cast<std::string>(key);
    if (name == "shape") {
      args.shape = value.is_none() ? std::nullopt : std::optional(ToShape(value));
    } else if (name == "dtype") {
      args.dtype = ToOptionalDType(value);
    } else if (name == "initializer") {
      args.initializer = ToOptionalInitializer(value);
    } else if (name == "trainable") {
      args.trainable = nb::cast<std::optional<bool>>(value);
    } else if (name == "reuse") {
      args.reuse = ToReuse(nb::cast<std::optional<int>>(value));
    } else if (name == "regularizer") {
      args.regularizer = ToRegularizer(value);
    } else if (name == "partitioner") {
      args.partitioner = ToPartitioner(value);
    } else {
      throw TypeError("a custom getter's getter has no argument '" + name + "'.");
    }
  }
  return args;
}

// The getter lives as long as the get_variable call that made it; `open` is true until its end.
nb::object GetterOf(const Getter& getter, const GetVariableArgs& args,
                    const std::shared_ptr<bool>& open) {
  return nb::cpp_function(
      [getter, args, open](const std::string& name, nb::kwargs keywords) {
        if (!*open) throw RuntimeError("the get_variable call of this getter is over.");
        const GetVariableArgs changed = Changed(args, keywords);
        Variable variable;
        {
          const WithoutGil others;
          variable = getter(name, changed);
        }
        return Hold(variable);
      },
      "name"_a, "kwargs"_a);
}

}  // namespace

Initializer ToInitializer(nb::handle x) {
  if (nb::isinstance<Initializer>(x)) return *nb::inst_ptr<Initializer>(x);
  const Input input = ToInput(x);
  if (input.output() != nullptr) return *input.output();
  if (input.tensor() != nullptr) return *input.tensor();
  return std::visit([](auto number) { return Initializer(number); }, input.number()->value());
}

std::optional<Initializer> ToOptionalInitializer(nb::handle x) {
  if (x.is_none()) return std::nullopt;
  return ToInitializer(x);
}

Regularizer ToRegularizer(nb::handle function) {
  if (function.is_none()) return {};
  return [call = Callable(nb::borrow(function))](const Variable& variable) {
    const WithGil gil;
    const nb::object loss = (*call)(Hold(variable));
    return loss.is_none() ? Output() : ToOutput(loss);
  };
}

Partitioner ToPartitioner(nb::handle function) {
  if (function.is_none()) return {};
  if (nb::isinstance<PyPartitioner>(function)) {
    return nb::inst_ptr<PyPartitioner>(function)->function;
  }
  return [call = Callable(nb::borrow(function))](const Shape& shape, DType dtype) {
    const WithGil gil;
    const nb::object parts = (*call)("shape"_a = FromShape(shape), "dtype"_a = PyDType{dtype});
    return ToIntList(parts);
  };
}

CustomGetter ToCustomGetter(nb::handle function) {
  if (function.is_none()) return {};
  return [call = Callable(nb::borrow(function))](const Getter& getter, const std::string& name,
                                                 const GetVariableArgs& args) {
    const WithGil gil;
    // Also when the call throws.
    const auto open = std::make_shared<bool>(true);
    const std::shared_ptr<void> end(nullptr, [open](void*) { *open = false; });
    return ToVariable((*call)(GetterOf(getter, args, open), name, **KeywordsOf(args)));
  };
}

std::optional<Reuse> ToReuse(std::optional<int> reuse) {
  if (!reuse) return std::nullopt;
  return static_cast<Reuse>(*reuse);
}

}  // namespace varscope::python

#include "client/python/src/convert.h"

#include <nanobind/ndarray.h>

#include <cstring>

namespace varscope::python {
namespace {

// A module that stays loaded; imported once.
nb::handle Numpy() {
  static const nb::handle numpy = nb::module_::import_("numpy").release();
  return numpy;
}

nb::handle Shapes() {
  static const nb::handle shapes = nb::module_::import_("varscope.shapes").release();
  return shapes;
}

std::string TypeName(nb::handle x) {
  return nb::cast<std::string>(nb::str(x.type().attr("__name__")));
}

[[noreturn]] void NoDType(nb::handle x) {
  throw TypeError("Cannot convert " + nb::cast<std::string>(nb::repr(x)) + " to a varscope DType.");
}

// The buffer of an array that numpy.ascontiguousarray made.
class Buffer {
 public:
  explicit Buffer(nb::handle array) {
    if (PyObject_GetBuffer(array.ptr(), &view_, PyBUF_C_CONTIGUOUS) != 0) throw nb::python_error();
  }
  ~Buffer() { PyBuffer_Release(&view_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  const void* data() const { return view_.buf; }
  size_t size() const { return static_cast<size_t>(view_.len); }
  Shape shape() const { return Shape(std::vector<int64_t>(view_.shape, view_.shape + view_.ndim)); }

 private:
  Py_buffer view_{};
};

// "float32" of a NumPy array.
std::string NumpyName(nb::handle array) {
  return nb::cast<std::string>(array.attr("dtype").attr("name"));
}

DType DTypeOfArray(nb::handle array, nb::handle given) {
  const std::optional<DType> dtype = ParseDType(NumpyName(array));
  if (dtype) return *dtype;
  throw TypeError("A value of type " + TypeName(given) + " has NumPy's dtype '" + NumpyName(array) +
                  "', which is none of varscope's.");
}

// Python's numbers in `array`, which NumPy made of lists and numbers, as TensorFlow types them.
nb::object TypedAsPython(const nb::object& array) {
  const auto kind = nb::cast<std::string>(array.attr("dtype").attr("kind"));
  if (kind == "f") return array.attr("astype")("float32");
  if (kind != "i") return array;
  const nb::object narrow = array.attr("astype")("int32");
  const bool fits = nb::cast<bool>(Numpy().attr("array_equal")(narrow, array));
  return fits ? narrow : array;
}

void CheckCast(const nb::object& array, DType dtype, nb::handle given) {
  const auto kind = nb::cast<std::string>(array.attr("dtype").attr("kind"));
  const bool lossy = (kind == "f" && !IsFloating(dtype)) ||
                     (kind != "b" && dtype == DType::kBool) ||
                     (kind == "b" && dtype != DType::kBool);
  if (!lossy || nb::cast<int64_t>(array.attr("size")) == 0) return;
  throw TypeError("Expected " + Name(dtype) + ", got " + nb::cast<std::string>(nb::repr(given)) +
                  " of type '" + TypeName(given) + "' instead.");
}

Tensor CopyOf(const nb::object& array, DType dtype) {
  nb::object contiguous = Numpy().attr("asarray")(array, "order"_a = "C");
  if (nb::cast<bool>(contiguous.attr("dtype").attr("isnative")) == false) {
    contiguous = contiguous.attr("astype")(contiguous.attr("dtype").attr("newbyteorder")("="));
  }
  // ml_dtypes' bfloat16 has no letter in the buffer protocol.
  if (dtype == DType::kBfloat16) contiguous = contiguous.attr("view")("uint16");
  const Buffer buffer(contiguous);
  Tensor tensor(dtype, buffer.shape());
  if (buffer.size() > 0) std::memcpy(tensor.mutable_raw(), buffer.data(), buffer.size());
  return tensor;
}

bool IsNumpy(nb::handle x) {
  static const nb::handle array = nb::object(Numpy().attr("ndarray")).release();
  static const nb::handle generic = nb::object(Numpy().attr("generic")).release();
  return PyObject_IsInstance(x.ptr(), array.ptr()) == 1 ||
         PyObject_IsInstance(x.ptr(), generic.ptr()) == 1;
}

bool IsList(nb::handle x) { return nb::isinstance<nb::list>(x) || nb::isinstance<nb::tuple>(x); }

bool IsSymbolic(nb::handle x) {
  return nb::isinstance<PyTensor>(x) || nb::isinstance<PyVariable>(x);
}

bool HasSymbolic(nb::handle x) {
  if (!IsList(x)) return IsSymbolic(x);
  for (const nb::handle part : x) {
    if (HasSymbolic(part)) return true;
  }
  return false;
}

// DLPack's code of a dtype that NumPy has.
nb::dlpack::dtype DlpackOf(DType dtype) {
  using Code = nb::dlpack::dtype_code;
  const DTypeInfo& info = InfoOf(dtype);
  Code code = info.is_signed ? Code::Int : Code::UInt;
  if (info.floating) code = Code::Float;
  if (dtype == DType::kBool) code = Code::Bool;
  if (dtype == DType::kBfloat16) code = Code::UInt;
  return {static_cast<uint8_t>(code), static_cast<uint8_t>(8 * info.size), 1};
}

template <typename Array>
nb::object View(Tensor tensor) {
  auto* const owned = new Tensor(std::move(tensor));
  const nb::capsule owner(owned, [](void* last) noexcept { delete static_cast<Tensor*>(last); });
  const Dims& dims = owned->shape().dims();
  const std::vector<size_t> shape(dims.begin(), dims.end());
  return nb::cast(Array(owned->mutable_raw(), shape.size(), shape.data(), owner, nullptr,
                        DlpackOf(owned->dtype())),
                  nb::rv_policy::reference);
}

std::vector<int64_t> ListOfInts(nb::handle x) {
  std::vector<int64_t> list;
  for (const nb::handle item : x) {
    list.push_back(nb::cast<int64_t>(nb::int_(nb::borrow(item))));
  }
  return list;
}

// TensorFlow's names beside NumPy's, in which "float" has 64 bits.
std::string FullName(const std::string& name) {
  if (name == "float") return "float32";
  if (name == "double") return "float64";
  return name == "half" ? "float16" : name;
}

}  // namespace

DType ToDType(nb::handle x) {
  if (nb::isinstance<PyDType>(x)) return nb::inst_ptr<PyDType>(x)->dtype;
  if (x.is_none()) NoDType(x);
  std::string name;
  if (nb::isinstance<nb::str>(x)) {
    name = FullName(nb::cast<std::string>(x));
  } else if (x.ptr() == reinterpret_cast<PyObject*>(&PyFloat_Type)) {
    name = "float32";  // TensorFlow's; NumPy's is float64
  } else {
    try {
      name = nb::cast<std::string>(Numpy().attr("dtype")(x).attr("name"));
    } catch (const nb::python_error&) {
      NoDType(x);
    }
  }
  const std::optional<DType> dtype = ParseDType(name);
  if (!dtype) NoDType(x);
  return *dtype;
}

std::optional<DType> ToOptionalDType(nb::handle x) {
  if (x.is_none()) return std::nullopt;
  return ToDType(x);
}

nb::object NumpyDType(DType dtype) {
  if (dtype != DType::kBfloat16) return Numpy().attr("dtype")(Name(dtype));
  try {
    return Numpy().attr("dtype")(nb::module_::import_("ml_dtypes").attr("bfloat16"));
  } catch (const nb::python_error&) {
    throw TypeError("NumPy has no bfloat16; it is in the package ml_dtypes: pip install ml_dtypes");
  }
}

Shape ToShape(nb::handle x) {
  const nb::object dims = Shapes().attr("dims_of")(x);
  if (dims.is_none()) return Shape::Unknown();
  return Shape(nb::cast<std::vector<int64_t>>(dims));
}

nb::object FromShape(const Shape& shape) {
  if (!shape.known_rank()) return Shapes().attr("TensorShape")(nb::none());
  nb::list dims;
  for (const int64_t dim : shape.dims()) {
    dims.append(dim == Shape::kUnknownDim ? nb::object(nb::none()) : nb::object(nb::int_(dim)));
  }
  return Shapes().attr("TensorShape")(dims);
}

Tensor ToTensor(nb::handle x, std::optional<DType> dtype) {
  if (nb::isinstance<PyTensor>(x)) {
    throw TypeError("A symbolic tensor has no value before a Session runs it.");
  }
  const bool typed = IsNumpy(x) || nb::hasattr(x, "__array__");
  nb::object array = Numpy().attr("asarray")(x);
  if (!typed && dtype) CheckCast(array, *dtype, x);
  if (!typed) array = TypedAsPython(array);
  // What cannot be cast has no dtype.
  const DType own = DTypeOfArray(array, x);
  if (dtype && *dtype != own) array = array.attr("astype")(NumpyDType(*dtype));
  return CopyOf(array, dtype.value_or(own));
}

nb::object ToNumpy(Tensor tensor, bool writable) {
  const DType dtype = tensor.dtype();
  if (writable) tensor.MakeUnique();
  nb::object array = writable ? View<nb::ndarray<nb::numpy>>(std::move(tensor))
                              : View<nb::ndarray<nb::numpy, nb::ro>>(std::move(tensor));
  if (dtype == DType::kBfloat16) array = array.attr("view")(NumpyDType(dtype));
  return array;
}

Input ToInput(nb::handle x, std::optional<DType> like) {
  if (nb::isinstance<PyTensor>(x)) return **nb::inst_ptr<PyTensor>(x);
  if (nb::isinstance<PyVariable>(x)) return **nb::inst_ptr<PyVariable>(x);
  if (x.is_none()) throw ValueError("None values not supported.");
  // Python's own numbers, not NumPy's, one of which is a subclass of float.
  if (PyBool_Check(x.ptr())) return x.ptr() == Py_True;
  if (PyLong_CheckExact(x.ptr())) return nb::cast<int64_t>(x);
  if (PyFloat_CheckExact(x.ptr())) return nb::cast<double>(x);
  if (HasSymbolic(x)) return stack(ToInputs(x), 0);
  // Rows of a tensor, where an op takes no rows. PyTorch's tensors have a to_dense, too, which
  // gives them themselves.
  if (nb::hasattr(x, "to_dense") && !nb::hasattr(x, "__array__"))
    return ToInput(x.attr("to_dense")());
  return ToTensor(x, like);
}

std::vector<Input> ToInputs(nb::handle list) {
  std::optional<DType> like;
  for (const nb::handle item : list) {
    like = SymbolicDType(item);
    if (like) break;
  }
  std::vector<Input> inputs;
  for (const nb::handle item : list) {
    const Input input = ToInput(item, like);
    // A number beside tensors has their dtype.
    if (input.number() != nullptr && like) {
      inputs.emplace_back(ToTensor(item, like));
    } else {
      inputs.push_back(input);
    }
  }
  return inputs;
}

std::optional<DType> SymbolicDType(nb::handle x) {
  if (nb::isinstance<PyTensor>(x)) return (*nb::inst_ptr<PyTensor>(x))->dtype();
  if (nb::isinstance<PyVariable>(x)) return (*nb::inst_ptr<PyVariable>(x))->dtype();
  return std::nullopt;
}

Variable ToVariable(nb::handle x) {
  if (nb::isinstance<PyVariable>(x)) return **nb::inst_ptr<PyVariable>(x);
  throw TypeError("Expected a variable, got " + nb::cast<std::string>(nb::repr(x)) + " of type '" +
                  TypeName(x) + "'.");
}

std::vector<Variable> ToVariables(nb::handle list) {
  std::vector<Variable> variables;
  for (const nb::handle item : list) variables.push_back(ToVariable(item));
  return variables;
}

Output ToOutput(nb::handle x) {
  const Input input = ToInput(x);
  return input.output() != nullptr ? *input.output() : convert_to_tensor(input);
}

std::vector<Output> ToOutputs(nb::handle list) {
  std::vector<Output> outputs;
  for (const nb::handle item : list) outputs.push_back(ToOutput(item));
  return outputs;
}

OptionalList<int64_t> ToInts(nb::handle x) {
  if (x.is_none()) return {};
  return ToIntList(x);
}

std::vector<int64_t> ToIntList(nb::handle x) {
  if (nb::isinstance<PyTensor>(x) || nb::isinstance<PyVariable>(x)) {
    throw TypeError(
        "varscope needs these numbers when the graph is built; they cannot be a tensor.");
  }
  if (PyIndex_Check(x.ptr()) != 0 && !nb::hasattr(x, "__len__")) {
    return {nb::cast<int64_t>(nb::int_(nb::borrow(x)))};
  }
  if (nb::hasattr(x, "ndim") && nb::cast<int>(x.attr("ndim")) == 0) {
    return {nb::cast<int64_t>(nb::int_(nb::borrow(x)))};
  }
  return ListOfInts(x);
}

}  // namespace varscope::python

// Values of Python as the client's, and back. All functions require the GIL.
#ifndef VARSCOPE_CLIENT_PYTHON_CONVERT_H_
#define VARSCOPE_CLIENT_PYTHON_CONVERT_H_

#include <optional>
#include <string>
#include <vector>

#include "client/python/src/handles.h"
#include "client/python/src/python.h"
#include "varscope/varscope.h"

namespace varscope::python {

// tf.DType. A value.
struct PyDType {
  DType dtype;
};

// Returns the dtype of a DType, a NumPy dtype or type, a Python type, or a name. Throws TypeError
// for what is none of varscope's.
DType ToDType(nb::handle x);
std::optional<DType> ToOptionalDType(nb::handle x);
// Returns NumPy's dtype; of bfloat16 that of ml_dtypes. Throws TypeError without ml_dtypes.
nb::object NumpyDType(DType dtype);

// Returns the shape of None (unknown), a TensorShape, an int, or a sequence of int, None and
// Dimension. Throws TypeError for another thing.
Shape ToShape(nb::handle x);
// Returns a TensorShape.
nb::object FromShape(const Shape& shape);

// Returns a copy of a NumPy array, or of what numpy.asarray() makes one of: numbers, lists of them,
// torch tensors. Of Python's own numbers, as TensorFlow, floats are float32, and integers int32 or,
// where they need it, int64. With a dtype the values are cast to it; Python's floats are no
// integers, and its numbers no bools: TypeError. Throws TypeError for what has no dtype.
Tensor ToTensor(nb::handle x, std::optional<DType> dtype = {});

// Returns a NumPy array over the tensor's bytes. One that may be written: a copy, where others
// share the bytes. One that may not: never a copy.
nb::object ToNumpy(Tensor tensor, bool writable);

// Returns what an op takes: a tensor, a variable (its value), a number, or an array. A list with
// tensors in it is stacked. An array, and a list, is cast to `like`, where that is given.
Input ToInput(nb::handle x, std::optional<DType> like = {});
std::vector<Input> ToInputs(nb::handle list);
// Returns the dtype of a tensor or variable; nothing of a literal.
std::optional<DType> SymbolicDType(nb::handle x);
// Returns the variable. Throws TypeError for another thing.
Variable ToVariable(nb::handle x);
std::vector<Variable> ToVariables(nb::handle list);
// Returns the tensor, a variable's value, or a constant.
Output ToOutput(nb::handle x);
std::vector<Output> ToOutputs(nb::handle list);

// Returns one int, or those of a sequence; nothing for None.
OptionalList<int64_t> ToInts(nb::handle x);
// The same without None, which is no list.
std::vector<int64_t> ToIntList(nb::handle x);

// An op's name that may be None.
using OptionalName = const std::optional<std::string>&;
inline std::string NameOf(OptionalName name) { return name.value_or(""); }

}  // namespace varscope::python

#endif  // VARSCOPE_CLIENT_PYTHON_CONVERT_H_

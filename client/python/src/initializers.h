// What Python says of a variable's initial value, its parts and its regularizer.
#ifndef VARSCOPE_CLIENT_PYTHON_INITIALIZERS_H_
#define VARSCOPE_CLIENT_PYTHON_INITIALIZERS_H_

#include "client/python/src/python.h"
#include "varscope/varscope.h"

namespace varscope::python {

// A partitioner as a Python object: what tf.fixed_size_partitioner returns.
struct PyPartitioner {
  Partitioner function;
};

// Returns the initializer of an Initializer, a tensor, a variable, a number, or an array. Requires
// the GIL.
Initializer ToInitializer(nb::handle x);
std::optional<Initializer> ToOptionalInitializer(nb::handle x);

// Return a function that calls the Python function, on whatever thread; none for None. Require the
// GIL.
Regularizer ToRegularizer(nb::handle function);
Partitioner ToPartitioner(nb::handle function);
CustomGetter ToCustomGetter(nb::handle function);

// 0, 1 and 2 are kFalse, kTrue and kAuto.
std::optional<Reuse> ToReuse(std::optional<int> reuse);

}  // namespace varscope::python

#endif  // VARSCOPE_CLIENT_PYTHON_INITIALIZERS_H_

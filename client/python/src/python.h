// nanobind, and what each file of the extension adds to the module.
#ifndef VARSCOPE_CLIENT_PYTHON_PYTHON_H_
#define VARSCOPE_CLIENT_PYTHON_PYTHON_H_

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

namespace varscope::python {

namespace nb = nanobind;
using namespace nanobind::literals;

void AddTypes(nb::module_& m);        // types.cc: DType, ConnectOptions, initializers, partitioners
void AddGraph(nb::module_& m);        // graph.cc: graphs, ops, tensors, scopes, collections
void AddInspection(nb::module_& m);   // inspect.cc
void AddReplay(nb::module_& m);       // replay.cc
void AddChecksums(nb::module_& m);    // checksums.cc
void AddVariables(nb::module_& m);    // variables.cc
void AddOps(nb::module_& m);          // ops.cc
void AddControlFlow(nb::module_& m);  // control_flow.cc
void AddArrays(nb::module_& m);       // arrays.cc
void AddFunctions(nb::module_& m);    // functions.cc
void AddMatrices(nb::module_& m);     // matrices.cc
void AddNn(nb::module_& m);           // nn.cc
void AddTrain(nb::module_& m);        // train.cc: gradients, optimizers, Saver
void AddSession(nb::module_& m);      // session.cc
void AddErrors(nb::module_& m);       // errors.cc
void AddPlaces(nb::module_& m);       // place.cc
void AddWaiting(nb::module_& m);      // waiting.cc

}  // namespace varscope::python

#endif  // VARSCOPE_CLIENT_PYTHON_PYTHON_H_

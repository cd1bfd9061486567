// varscope._core: the client library, for the Python files of the package.
#include "client/python/src/python.h"

NB_MODULE(_core, m) {
  using namespace varscope::python;
  m.doc() = "The client library of varscope.";
  // Objects of a program's globals outlive the interpreter.
  nanobind::set_leak_warnings(false);
  AddErrors(m);
  AddPlaces(m);
  AddWaiting(m);
  AddTypes(m);
  AddGraph(m);
  AddInspection(m);
  AddReplay(m);
  AddChecksums(m);
  AddVariables(m);
  AddOps(m);
  AddFunctions(m);
  AddMatrices(m);
  AddArrays(m);
  AddControlFlow(m);
  auto nn = m.def_submodule("nn", "What tf.nn has.");
  AddNn(nn);
  AddTrain(m);
  AddSession(m);
}

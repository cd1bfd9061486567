// The client's exceptions as Python's: varscope.errors makes them, and adds the source lines that
// they name.
#include "varscope/errors.h"

#include <exception>

#include "client/python/src/python.h"

namespace varscope::python {
namespace {

void Raise(const nb::object& error) {
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
}

nb::object Errors() { return nb::module_::import_("varscope.errors"); }

void RaisePython(PyObject* type, const Error& error) {
  const nb::object text = Errors().attr("text_of")(error.message(), error.detail());
  PyErr_SetObject(type, text.ptr());
}

void Translate(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const OpError& error) {
    const nb::object text = Errors().attr("text_of")(error.message(), error.detail());
    Raise(Errors().attr("from_code")(static_cast<int>(error.code()), text));
  } catch (const ValueError& error) {
    RaisePython(PyExc_ValueError, error);
  } catch (const TypeError& error) {
    RaisePython(PyExc_TypeError, error);
  } catch (const LookupError& error) {
    RaisePython(PyExc_LookupError, error);
  } catch (const RuntimeError& error) {
    RaisePython(PyExc_RuntimeError, error);
  } catch (const std::invalid_argument& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
  }
}

}  // namespace

void AddErrors(nb::module_&) { nb::register_exception_translator(Translate); }

}  // namespace varscope::python

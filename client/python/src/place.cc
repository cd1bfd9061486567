#include "client/python/src/place.h"

#include <algorithm>
#include <string>
#include <utility>

namespace varscope::python {
namespace {

// The package's folder with a slash. Set once.
std::string& Package() {
  static auto* const folder = new std::string();
  return *folder;
}

std::string FileOf(PyFrameObject* frame) {
  const nb::object code = nb::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(frame)));
  return nb::cast<std::string>(code.attr("co_filename"));
}

}  // namespace

SourceLocation ProgramPlace() {
  nb::object frame = nb::borrow(reinterpret_cast<PyObject*>(PyEval_GetFrame()));
  while (frame.is_valid()) {
    auto* const now = reinterpret_cast<PyFrameObject*>(frame.ptr());
    std::string file = FileOf(now);
    if (Package().empty() || !file.starts_with(Package())) {
      return {std::move(file), std::max(PyFrame_GetLineNumber(now), 0)};
    }
    frame = nb::steal(reinterpret_cast<PyObject*>(PyFrame_GetBack(now)));
  }
  return {"<unknown>", 0};
}

void AddPlaces(nb::module_& m) {
  m.def(
      "set_package_folder", [](const std::string& folder) { Package() = folder + "/"; }, "folder"_a,
      "Lines of files in this folder are no lines of a program.");
}

}  // namespace varscope::python

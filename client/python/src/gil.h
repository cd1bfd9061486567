// The GIL, taken and given back so that the interpreter's end does not crash the program.
//
// Once the interpreter ends, Python before 3.14 ends every thread that asks for the GIL, by
// unwinding its stack. The stack has destructors on it, which nothing may leave that way: the
// program would be aborted. So a thread that asks for the GIL here sleeps from then on, as it does
// in Python 3.14.
#ifndef VARSCOPE_CLIENT_PYTHON_GIL_H_
#define VARSCOPE_CLIENT_PYTHON_GIL_H_

#include <Python.h>
#include <cxxabi.h>
#include <unistd.h>

namespace varscope::python {

// Returns take(), which asks for the GIL; does not return when the interpreter has ended.
template <typename Fn>
auto UnlessPythonEnds(Fn take) noexcept {
  try {
    return take();
  } catch (const abi::__forced_unwind&) {
    // The unwinding must go on after a handler, so that this one has no end.
    for (;;) pause();
  }
}

// Has the GIL while it lives, on any thread, whether or not that has it already.
class WithGil {
 public:
  WithGil() : state_(UnlessPythonEnds([] { return PyGILState_Ensure(); })) {}
  ~WithGil() { PyGILState_Release(state_); }
  WithGil(const WithGil&) = delete;
  WithGil& operator=(const WithGil&) = delete;

 private:
  PyGILState_STATE state_;
};

// Lets other threads have the GIL while it lives. Requires the GIL.
class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() {
    UnlessPythonEnds([this] { PyEval_RestoreThread(state_); });
  }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace varscope::python

#endif  // VARSCOPE_CLIENT_PYTHON_GIL_H_

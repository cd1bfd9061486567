// The line of the Python program that defines something.
#ifndef VARSCOPE_CLIENT_PYTHON_PLACE_H_
#define VARSCOPE_CLIENT_PYTHON_PLACE_H_

#include "client/python/src/python.h"
#include "varscope/source_location.h"

namespace varscope::python {

// Returns the innermost line that runs now outside of this package; line 0 of "<unknown>" when
// there is none. Requires the GIL.
SourceLocation ProgramPlace();

}  // namespace varscope::python

#endif  // VARSCOPE_CLIENT_PYTHON_PLACE_H_

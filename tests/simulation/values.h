// Values that stories send: ordinary ones, and those at the ends of their ranges.
#ifndef VARSCOPE_TESTS_SIMULATION_VALUES_H_
#define VARSCOPE_TESTS_SIMULATION_VALUES_H_

#include <cstdint>

#include "tests/simulation/draws.h"
#include "varscope/tensor.h"

namespace varscope::simulation {

// Finite.
double DrawNumber(Draws& draws);
// Without `finite` there may be NaN and infinities, of floating dtypes.
Tensor DrawValues(Draws& draws, DType dtype, const Shape& shape, bool finite);
// So many rows of a variable of that shape, int64 or int32, perhaps the same ones; now and then one
// that there is not. Requires a rank above 0.
Tensor DrawRows(Draws& draws, const Shape& shape, int64_t count);

}  // namespace varscope::simulation

#endif  // VARSCOPE_TESTS_SIMULATION_VALUES_H_

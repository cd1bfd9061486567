// tf.bitwise: functions of the bits of integers. What ops.h says of its functions is true of these.
//
// Of int32, int64 and uint8, both operands of one dtype, broadcast as NumPy does. No gradient.
#ifndef VARSCOPE_BITWISE_H_
#define VARSCOPE_BITWISE_H_

#include <string>

#include "varscope/input.h"

namespace varscope::bitwise {

// The bits that both have, that one has at least, and that only one has.
Output bitwise_and(const Input& x, const Input& y, const std::string& name = "");
Output bitwise_or(const Input& x, const Input& y, const std::string& name = "");
Output bitwise_xor(const Input& x, const Input& y, const std::string& name = "");
// The bits that x has not.
Output invert(const Input& x, const std::string& name = "");
// The bits of x, moved by y places; to the right the sign comes in. As TensorFlow's kernels, fewer
// than 0 places are none, and as many as there are bits, or more, are one less than that.
Output left_shift(const Input& x, const Input& y, const std::string& name = "");
Output right_shift(const Input& x, const Input& y, const std::string& name = "");

}  // namespace varscope::bitwise

#endif  // VARSCOPE_BITWISE_H_

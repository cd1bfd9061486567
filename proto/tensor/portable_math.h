// Functions that give the same bits on every processor, which the C library's do not: it chooses
// its code by the processor, with or without fused multiply-add. What the server computes again
// when it recovers uses these. They take IEEE 754's own operations only, which are rounded alike
// everywhere; portable_math.cc is compiled without contractions.
#ifndef VARSCOPE_PROTO_TENSOR_PORTABLE_MATH_H_
#define VARSCOPE_PROTO_TENSOR_PORTABLE_MATH_H_

namespace varscope {

// Names the results: another number, other bits. The log has it beside what was computed with them.
inline constexpr int kPortableMathVersion = 1;

// The natural logarithm, with an error below 2 units in the last place. x is finite and above 0.
double PortableLog(double x);

// The cosine of that many turns, cos(2 pi turns), with an error below 1e-15. 0 <= turns < 1.
double PortableCosOfTurns(double turns);

// e to the power of x, with a relative error below 1e-15 where the result is a normal number; 0
// below, infinity above all numbers; NaN of NaN.
double PortableExp(double x);

// x to the power of y, for x >= 0 and finite y, with a relative error below 1e-15 where the result
// is a normal number; exact for y = 0, 1, -1, 0.5 and -0.5 as far as division and root are. As
// std::pow for 0 and infinity; NaN of NaN.
double PortablePow(double x, double y);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_TENSOR_PORTABLE_MATH_H_

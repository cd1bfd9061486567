// Computes a variable's initial value from its specification.
#ifndef VARSCOPE_SERVER_CATALOG_INITIALIZERS_H_
#define VARSCOPE_SERVER_CATALOG_INITIALIZERS_H_

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "varscope/initializer_spec.h"

namespace varscope::server {

// What is wrong with `spec` for a variable of this dtype and shape: an unknown kind or parameter,
// a number that the dtype has not, parameters that may make one or an infinity, a random kind for
// an integer, orthogonal below rank 2, a value of another size. What is in a value is its
// creator's. Checked before memory is taken.
absl::Status ValidateInitializer(const InitializerSpec& spec, DType dtype, const Shape& shape);
// Of that what needs no variable: a kind, a mode and a distribution that there are, so that none of
// them is longer. Before any of them is copied or kept.
absl::Status ValidateInitializerTexts(const InitializerSpec& spec);

// Whether Initialize may be called: what of the above is no limit. For what was validated once,
// perhaps by another version, and comes from a file.
bool CanInitialize(const InitializerSpec& spec, DType dtype, const Shape& shape);

// Whether its values are what the machine's arithmetic makes of them, rather than given.
bool Computes(const InitializerSpec& spec);

// The bytes that computing it takes beside the tensor.
uint64_t WorkingBytes(const InitializerSpec& spec, const Shape& shape);
// How long computing it takes, in elements that are drawn.
uint64_t CostOf(const InitializerSpec& spec, const Shape& shape);

inline constinit const std::atomic<bool> kGoesOn{false};

// Fills `tensor`. `full_shape` is the whole variable's when `tensor` is one part of it: fans are
// counted there. The same (spec, seed, shape) gives the same
// bytes, on every processor. Requires a validated spec. Returns
// soon once `stop` is true, with whatever is in `tensor` then. Takes no memory but WorkingBytes,
// and throws std::bad_alloc where they are needed and cannot be had.
void Initialize(const InitializerSpec& spec, uint64_t seed, const Shape& full_shape, Tensor& tensor,
                const std::atomic<bool>& stop = kGoesOn);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_CATALOG_INITIALIZERS_H_

// Convolutions of float32 images by oneDNN, the images of a batch shared out among the device's
// threads.
#ifndef VARSCOPE_CLIENT_KERNELS_CONV_PARTS_H_
#define VARSCOPE_CLIENT_KERNELS_CONV_PARTS_H_

#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "client/kernels/conv_plan.h"
#include "client/kernels/device.h"

namespace varscope::internal {

// Computes the operand that key.result names from the other two; the filter is in the order of
// tensors. Calls then(first, count) when those images' part of the result is there, perhaps on
// several threads; never for filters. Nothing where this is not for it: where it is small, empty,
// or of a kind that oneDNN has only slowly; the result is as it was. ResourceExhausted without
// memory. Throws std::bad_alloc.
std::optional<absl::Status> ConvolveParts(Device& device, const ConvKey& key, const ConvData& data,
                                          absl::FunctionRef<void(int64_t, int64_t)> then);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_CONV_PARTS_H_

// Ops whose shapes may depend on values, and ops that pick and place elements, under TensorFlow 1's
// names and with its defaults. What ops.h says of its functions is true of these.
//
// Where a shape, or another list of integers, is an Input, it is an int32 or int64 vector that a
// run may compute. The shape of the result is known when the graph is built as far as that follows
// from constants and from other shapes.
#ifndef VARSCOPE_ARRAY_OPS_H_
#define VARSCOPE_ARRAY_OPS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "varscope/input.h"

namespace varscope {

// The dimensions of x; the number of its elements, and of its dimensions. Of the dtype `out_type`,
// int32 or int64. No gradient.
Output shape(const Input& x, DType out_type = DType::kInt32, const std::string& name = "");
Output size(const Input& x, DType out_type = DType::kInt32, const std::string& name = "");
Output rank(const Input& x, const std::string& name = "");

// As reshape and tile of ops.h, but of a shape, or of multiples, that a run computes.
Output reshape_to(const Input& x, const Input& shape, const std::string& name = "");
Output tile_by(const Input& x, const Input& multiples, const std::string& name = "");
// A tensor of that shape, all of which is `value`, a scalar of any dtype.
Output fill(const Input& dims, const Input& value, const std::string& name = "");
// x repeated to the shape, as NumPy does.
Output broadcast_to(const Input& x, const Input& shape, const std::string& name = "");
// start, start + delta and so on, before limit: scalars of one dtype, int32, int64 or floats. No
// gradient.
Output range(const Input& start, const Input& limit, const Input& delta,
             const std::string& name = "");

// x[begin:end:strides], with one entry of the three for each item of the index. The masks have a
// bit for each item: its begin, or end, is left out; it is an ellipsis; it is a new axis; it is a
// number, whose dimension the result does not have. InvalidArgumentError in a run for a number that
// is not inside.
struct SliceMasks {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t ellipsis = 0;
  int64_t new_axis = 0;
  int64_t shrink_axis = 0;
};
Output strided_slice(const Input& x, const Input& begin, const Input& end, const Input& strides,
                     const SliceMasks& masks, const std::string& name = "");

// The indices of what is not 0 (or true), in row-major order: int64 [n, rank]. x: a number or bool.
// No gradient. As tf.where(condition) alone.
Output where(const Input& x, const std::string& name = "");
// The distinct elements of a vector, in the order of their first places, and for each element of x
// its number among them, of the dtype `out_idx`. gradients() of it throws LookupError.
struct Unique {
  Output y;
  Output idx;
};
Unique unique(const Input& x, DType out_idx = DType::kInt32, const std::string& name = "");

// params[indices[..., :]]: the last dimension of `indices` names an element, or a slice, of params.
// InvalidArgumentError in a run for an index that is not inside, here and below.
Output gather_nd(const Input& params, const Input& indices, const std::string& name = "");
// Zeros of that shape, to which the updates are added where `indices` say, as in gather_nd.
Output scatter_nd(const Input& indices, const Input& updates, const Input& shape,
                  const std::string& name = "");
// x with the dimensions `axis`, each in [-rank, rank), from their ends.
Output reverse(const Input& x, const std::vector<int64_t>& axis, const std::string& name = "");
// x with the first seq_lengths[b] steps along `seq_axis`, of each b along `batch_axis`, from their
// ends.
Output reverse_sequence(const Input& x, const Input& seq_lengths, int seq_axis, int batch_axis = 0,
                        const std::string& name = "");
// The k largest elements of the last dimension, the largest first, and their places: int32. Of
// equal ones the first. ValueError when there are not as many.
struct Largest {
  Output values;
  Output indices;
};
Largest top_k(const Input& x, int64_t k, const std::string& name = "");
// The places of x's elements along an axis in their order, int32: of equal ones the first is first,
// NaN is last. Numbers. No gradient.
Output argsort(const Input& x, int axis = -1, bool descending = false,
               const std::string& name = "");
// x with its elements in that order. ValueError where x is of unknown rank, unless the axis is -1.
Output sort(const Input& x, int axis = -1, bool descending = false, const std::string& name = "");
// The place at which each of `values` [..., m] keeps the order of its row of `sorted` [..., n],
// whose elements are in order: before equal ones, or after them when `right`. Numbers of one dtype;
// the outer dimensions are equal. The result is of the dtype `out_type`, int32 or int64. No
// gradient.
Output searchsorted(const Input& sorted, const Input& values, bool right = false,
                    DType out_type = DType::kInt32, const std::string& name = "");
// The elements of the vector x that the vector y has not, in their order, and their places, of the
// dtype `out_idx`. gradients() of it throws LookupError.
struct Difference {
  Output out;
  Output idx;
};
Difference setdiff1d(const Input& x, const Input& y, DType out_idx = DType::kInt32,
                     const std::string& name = "");
// Whether predictions[i, targets[i]] is among the k largest of predictions[i]: bool. predictions:
// float32 [batch, classes]. No gradient.
Output in_top_k(const Input& predictions, const Input& targets, int64_t k,
                const std::string& name = "");
// Rows [num_segments]: each the sum of those of x whose number is its own. Rows of negative numbers
// are left out.
Output unsorted_segment_sum(const Input& x, const Input& segment_ids, const Input& num_segments,
                            const std::string& name = "");
// Running sums (products) along one axis: floats. `exclusive`: without the element itself;
// `reverse`: from the end.
Output cumsum(const Input& x, int axis = 0, bool exclusive = false, bool reverse = false,
              const std::string& name = "");
Output cumprod(const Input& x, int axis = 0, bool exclusive = false, bool reverse = false,
               const std::string& name = "");

namespace nn {

// What conv2d's gradient is: images of `output_shape`, [batch, height, width, out_channels], of
// which conv2d with the filter, [height, width, out_channels, in_channels], makes images as
// `value`.
Output conv2d_transpose(const Input& value, const Input& filter, const Input& output_shape,
                        const std::vector<int64_t>& strides, const std::string& padding,
                        const std::string& name = "");
// The same of conv3d, of volumes.
Output conv3d_transpose(const Input& value, const Input& filter, const Input& output_shape,
                        const std::vector<int64_t>& strides, const std::string& padding,
                        const std::string& name = "");

}  // namespace nn
}  // namespace varscope

#endif  // VARSCOPE_ARRAY_OPS_H_

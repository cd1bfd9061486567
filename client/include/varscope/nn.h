// tf.nn: activations, losses, convolution. What ops.h says of its functions is true of these: what
// graph they build, names, errors, threads. All compute with floats (float32 or float64); the
// result has the operands' dtype. What differs from TensorFlow 1 is said.
#ifndef VARSCOPE_NN_H_
#define VARSCOPE_NN_H_

#include <string>
#include <vector>

#include "varscope/ops.h"

namespace varscope::nn {

// Activations, element by element. The result has the shape of x.

// max(x, 0).
Output relu(const Input& x, const std::string& name = "");
// min(max(x, 0), 6).
Output relu6(const Input& x, const std::string& name = "");
// x, below 0 alpha * x. Maas, Hannun, Ng 2013.
Output leaky_relu(const Input& x, double alpha = 0.2, const std::string& name = "");
// x, below 0 e^x - 1. Clevert, Unterthiner, Hochreiter 2015 (arXiv 1511.07289).
Output elu(const Input& x, const std::string& name = "");
// scale * x, below 0 scale * alpha * (e^x - 1), with the constants of Klambauer et al. 2017 (arXiv
// 1706.02515).
Output selu(const Input& x, const std::string& name = "");
// log(1 + e^x), computed without overflow.
Output softplus(const Input& x, const std::string& name = "");
// As varscope::sigmoid and varscope::tanh.
Output sigmoid(const Input& x, const std::string& name = "");
Output tanh(const Input& x, const std::string& name = "");

// e^x / sum(e^x) over the last dimension, and its logarithm; computed without overflow. x: at least
// one dimension. Other axes, TensorFlow's `axis`, are not possible.
Output softmax(const Input& x, const std::string& name = "");
Output log_softmax(const Input& x, const std::string& name = "");

// x + bias. x: [..., channels] of at least two dimensions; bias: [channels].
Output bias_add(const Input& x, const Input& bias, const std::string& name = "");

// Losses.

// The cross entropy of softmax(logits) and labels. logits: [..., classes]; labels: of their dtype
// and shape, along the last dimension a distribution, which is not checked. Returns [...]. Both
// have a gradient. TensorFlow's `axis` is the last one.
Output softmax_cross_entropy_with_logits_v2(const Input& labels, const Input& logits,
                                            const std::string& name = "");
// The same of labels that are class numbers: int32 or int64 [...], for logits of [..., classes].
// Returns [...]. InvalidArgumentError in a run for a label outside [0, classes). The labels have no
// gradient.
Output sparse_softmax_cross_entropy_with_logits(const Input& labels, const Input& logits,
                                                const std::string& name = "");
// The cross entropy of sigmoid(logits) and labels, element by element, computed without overflow.
// Both have one dtype and one shape, which the result has, too.
Output sigmoid_cross_entropy_with_logits(const Input& labels, const Input& logits,
                                         const std::string& name = "");

// sum(x^2) / 2 over all elements: a scalar.
Output l2_loss(const Input& x, const std::string& name = "");
// x / sqrt(max(sum(x^2), epsilon)), with the sum over `axis`. The result has the shape of x.
Output l2_normalize(const Input& x, const Axes& axis, double epsilon = 1e-12,
                    const std::string& name = "");

// The rows of a table that `ids` number, int32 or int64 of any shape. Returns [ids' shape..., row's
// shape...]. Gradients of the table are sparse; a session pulls and pushes rows alone (README).
//
// One tensor is the table itself: as gather(), whose errors it has. A partitioned variable is its
// parts, which are looked up as a list of shards [rows_i, row's shape...] of one dtype is,
// variables or tensors: `partition_strategy` says where id i is. "mod": row i / n of shard i % n,
// for n shards. "div": the shards have consecutive ids, equally many each, the first (ids % n) of
// them one more. So "div" gives the rows of a partitioned variable's value(), and "mod",
// TensorFlow's default, others.
//
// Throws ValueError for no shard, for another strategy, unless there is one shard, for shards that
// do not fit each other, and for a variable that is partitioned along another dimension than 0.
// InvalidArgumentError in a run for an id that no shard has.
Output embedding_lookup(const Input& params, const Input& ids, const std::string& name = "",
                        const std::string& partition_strategy = "mod");
Output embedding_lookup(const Variable& params, const Input& ids, const std::string& name = "",
                        const std::string& partition_strategy = "mod");
Output embedding_lookup(const std::vector<Input>& params, const Input& ids,
                        const std::string& name = "",
                        const std::string& partition_strategy = "mod");

// Windows over images. Images are [batch, height, width, channels] (NHWC). `strides` and `ksize`
// are [1, y, x, 1], with y and x from 1 to 2^31. `padding` is "SAME" or "VALID", and as in
// TensorFlow: SAME gives ceil(size / stride) positions, VALID only those whose window is inside the
// image. Throw ValueError for other strides, ksize or padding.

// The convolution with `filter`: [height, width, in_channels, out_channels] (HWIO), of the dtype of
// `input`, which has in_channels. Returns [batch, positions, positions, out_channels]. TensorFlow's
// `dilations` and `data_format` are not possible.
Output conv2d(const Input& input, const Input& filter, const std::vector<int64_t>& strides,
              const std::string& padding, const std::string& name = "");

// The convolution of each channel by itself: a filter [height, width, in_channels, m] makes m
// channels of each, those of the first channel first.
Output depthwise_conv2d(const Input& input, const Input& filter,
                        const std::vector<int64_t>& strides, const std::string& padding,
                        const std::string& name = "");

// The largest element (mean) of each window of size `ksize`, for each channel. What lies outside
// the image does not count. Of equal largest elements the first has the gradient.
Output max_pool(const Input& input, const std::vector<int64_t>& ksize,
                const std::vector<int64_t>& strides, const std::string& padding,
                const std::string& name = "");
Output avg_pool(const Input& input, const std::vector<int64_t>& ksize,
                const std::vector<int64_t>& strides, const std::string& padding,
                const std::string& name = "");

// max_pool, and where the maxima lie: numbers of elements, (y * width + x) * channels + channel of
// their image, or with include_batch_in_index of the whole batch; of the dtype `places`, int32 or
// int64. argmax has no gradient.
struct MaxAndPlaces {
  Output output;
  Output argmax;
};
MaxAndPlaces max_pool_with_argmax(const Input& input, const std::vector<int64_t>& ksize,
                                  const std::vector<int64_t>& strides, const std::string& padding,
                                  DType places = DType::kInt64, bool include_batch_in_index = false,
                                  const std::string& name = "");

// The same over volumes, [batch, depth, height, width, channels] (NDHWC): `strides` and `ksize` are
// [1, z, y, x, 1], a filter is [depth, height, width, in_channels, out_channels]. Of equal largest
// elements each has the gradient of max_pool3d. Windows with gaps between them are where those over
// images are; TensorFlow's SAME moves those over volumes.
Output conv3d(const Input& input, const Input& filter, const std::vector<int64_t>& strides,
              const std::string& padding, const std::string& name = "");
Output max_pool3d(const Input& input, const std::vector<int64_t>& ksize,
                  const std::vector<int64_t>& strides, const std::string& padding,
                  const std::string& name = "");
Output avg_pool3d(const Input& input, const std::vector<int64_t>& ksize,
                  const std::vector<int64_t>& strides, const std::string& padding,
                  const std::string& name = "");

}  // namespace varscope::nn

#endif  // VARSCOPE_NN_H_

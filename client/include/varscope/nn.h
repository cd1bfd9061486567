// tf.nn: activations, losses, convolution. Images are NHWC, filters HWIO, padding "SAME" or
// "VALID".
#ifndef VARSCOPE_NN_H_
#define VARSCOPE_NN_H_

#include <string>
#include <vector>

#include "varscope/ops.h"

namespace varscope::nn {

Output relu(const Input& x, const std::string& name = "");
Output relu6(const Input& x, const std::string& name = "");
Output leaky_relu(const Input& x, double alpha = 0.2, const std::string& name = "");
Output elu(const Input& x, const std::string& name = "");
Output selu(const Input& x, const std::string& name = "");
Output softplus(const Input& x, const std::string& name = "");
Output sigmoid(const Input& x, const std::string& name = "");
Output tanh(const Input& x, const std::string& name = "");
// Over the last dimension.
Output softmax(const Input& x, const std::string& name = "");
Output log_softmax(const Input& x, const std::string& name = "");
// bias: [channels], added to the last dimension.
Output bias_add(const Input& x, const Input& bias, const std::string& name = "");

// labels: a distribution per row, like logits [..., classes]; gives [...].
Output softmax_cross_entropy_with_logits_v2(const Input& labels, const Input& logits,
                                            const std::string& name = "");
// labels: int32 or int64 class numbers [...].
Output sparse_softmax_cross_entropy_with_logits(const Input& labels, const Input& logits,
                                                const std::string& name = "");
Output sigmoid_cross_entropy_with_logits(const Input& labels, const Input& logits,
                                         const std::string& name = "");
// sum(x^2) / 2.
Output l2_loss(const Input& x, const std::string& name = "");
Output l2_normalize(const Input& x, const Axes& axis, double epsilon = 1e-12,
                    const std::string& name = "");
// Rows of `params`; its gradient is sparse.
Output embedding_lookup(const Input& params, const Input& ids, const std::string& name = "");

Output conv2d(const Input& input, const Input& filter, const std::vector<int64_t>& strides,
              const std::string& padding, const std::string& name = "");
Output max_pool(const Input& input, const std::vector<int64_t>& ksize,
                const std::vector<int64_t>& strides, const std::string& padding,
                const std::string& name = "");
Output avg_pool(const Input& input, const std::vector<int64_t>& ksize,
                const std::vector<int64_t>& strides, const std::string& padding,
                const std::string& name = "");

}  // namespace varscope::nn

#endif  // VARSCOPE_NN_H_

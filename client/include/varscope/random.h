// Random numbers with TensorFlow's seeds, and TensorFlow's numbers: as tf.compat.v1.random without
// version 2's behaviour. What ops.h says of its functions is true of these.
//
// A seed is a pair, as TensorFlow's random_seed.get_seed() makes it of the graph's seed and the
// op's. An op has a stream of its own in each session: the first run of two sessions gives the same
// numbers, and each further run goes on. Both 0: the process takes a seed from the system in each
// run. Uniform numbers, integers and shuffles have TensorFlow's bits; what takes logarithms and
// sines of the C library may differ by the last bit where that is another.
//
// No gradients for shapes and numbers; mean, stddev, minval and maxval have theirs.
#ifndef VARSCOPE_RANDOM_H_
#define VARSCOPE_RANDOM_H_

#include <cstdint>
#include <string>

#include "varscope/input.h"

namespace varscope {

struct RandomSeed {
  int64_t seed = 0;
  int64_t seed2 = 0;
};

// Numbers from minval up to maxval, without it; float32, float64, int32 or int64. Of integers
// InvalidArgumentError in a run unless minval < maxval.
Output random_uniform(const Input& shape, DType dtype, const Input& minval, const Input& maxval,
                      RandomSeed seed, const std::string& name);
// A normal distribution; float32 or float64. The second without what is further than 2 stddev away
// from the mean.
Output random_normal(const Input& shape, DType dtype, const Input& mean, const Input& stddev,
                     RandomSeed seed, const std::string& name);
Output truncated_normal(const Input& shape, DType dtype, const Input& mean, const Input& stddev,
                        RandomSeed seed, const std::string& name);
// [shape..., alpha's shape...]: numbers of gamma distributions, alpha: float32 or float64, not
// negative (InvalidArgumentError in a run), each to be divided by its rate. alpha has a gradient:
// how the numbers would change with it.
Output random_gamma(const Input& shape, const Input& alpha, RandomSeed seed,
                    const std::string& name = "");
// [shape..., rate's shape...] of `dtype`, float32, float64, int32 or int64: how many events there
// are where `rate` are expected, float32 or float64; 0 below 0, InvalidArgumentError in a run for
// NaN.
Output random_poisson(const Input& shape, const Input& rate, DType dtype, RandomSeed seed,
                      const std::string& name = "");
// The rows of x in a random order.
Output random_shuffle(const Input& x, RandomSeed seed, const std::string& name = "");
// [batch, num_samples] of `dtype`, int32 or int64: classes, each drawn with a probability as the
// softmax of its logit in logits [batch, classes].
Output multinomial(const Input& logits, int64_t num_samples, RandomSeed seed,
                   DType dtype = DType::kInt64, const std::string& name = "");

}  // namespace varscope

#endif  // VARSCOPE_RANDOM_H_

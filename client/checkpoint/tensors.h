// Checkpoints as values: named tensors, and the files that hold them.
#ifndef VARSCOPE_CLIENT_CHECKPOINT_TENSORS_H_
#define VARSCOPE_CLIENT_CHECKPOINT_TENSORS_H_

#include <filesystem>
#include <map>
#include <string>

#include "varscope/tensor.h"

namespace varscope::checkpoint {

// By name. float32, float64, int32, int64, bool, uint8; half and bfloat16 are read as float32.
using Tensors = std::map<std::string, Tensor>;

enum class Format {
  kSafetensors,   // one file, <path>.safetensors
  kNpz,           // one file, <path>.npz; numpy.load reads it
  kTensorBundle,  // <path>.index and <path>.data-...; tf.train.load_checkpoint reads it
};

// By the end of the path: ".safetensors", ".npz", else a TensorFlow checkpoint's prefix.
Format FormatOf(const std::filesystem::path& path);

// In the format of the path. Atomic: other readers see the whole of it or what was there before,
// and it is on the medium when the call returns. Throws OpError with the file and the reason
// ("No space left on device").
void Write(const std::filesystem::path& path, const Tensors& tensors);

// Throws NotFoundError when there is no such checkpoint, DataLossError when it is damaged,
// InvalidArgumentError for what varscope has no dtype for. Never takes more memory than the file is
// long, but for half and bfloat16, which double.
Tensors Read(const std::filesystem::path& path);

}  // namespace varscope::checkpoint

#endif  // VARSCOPE_CLIENT_CHECKPOINT_TENSORS_H_

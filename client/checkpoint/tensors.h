// Checkpoints as values: named tensors, and the files that hold them.
#ifndef VARSCOPE_CLIENT_CHECKPOINT_TENSORS_H_
#define VARSCOPE_CLIENT_CHECKPOINT_TENSORS_H_

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "varscope/tensor.h"

namespace varscope::checkpoint {

// By name.
using Tensors = std::map<std::string, Tensor>;

enum class Format {
  kSafetensors,   // one file, <path>.safetensors
  kNpz,           // one file, <path>.npz; numpy.load reads it
  kTensorBundle,  // <path>.index and <path>.data-...; tf.train.load_checkpoint reads it
};

// By the end of the path: ".safetensors", ".npz", else a TensorFlow checkpoint's prefix.
Format FormatOf(const std::filesystem::path& path);

// In the format of the path. Atomic: other readers see the whole of it or what was there before,
// and it is on stable storage when the call returns. Thread-safe; two processes must not write one
// TensorFlow checkpoint at a time. Throws OpError with the file and the reason ("No space left on
// device").
void Write(const std::filesystem::path& path, const Tensors& tensors);

// Removes the files of a checkpoint, those that are there.
void Remove(const std::filesystem::path& path);

// A checkpoint of which the names are known; a tensor is read when it is asked for, so that what
// nobody asks for need not be one that varscope can hold. Thread-compatible.
class Reader {
 public:
  virtual ~Reader() = default;
  // In order; among them tensors whose dtype varscope has not.
  virtual std::vector<std::string> names() const = 0;
  // One of names(), in its dtype. Throws DataLossError when the tensor is damaged,
  // InvalidArgumentError for a dtype that varscope has not.
  virtual Tensor Read(const std::string& name) = 0;
};

// Throws NotFoundError when there is no such checkpoint, DataLossError when it is damaged. The
// reader never takes more memory than the file is long, or, of a compressed one, than what comes
// out of it.
std::unique_ptr<Reader> Open(const std::filesystem::path& path);

// What a variable of `dtype` gets of a tensor that was saved to save space: float16 and bfloat16
// for float32, integers of 8 and 16 bits for int32, uint32 for int64, each with the same values.
// For every other dtype the tensor as it is.
Tensor WidenFor(DType dtype, const Tensor& tensor);

}  // namespace varscope::checkpoint

#endif  // VARSCOPE_CLIENT_CHECKPOINT_TENSORS_H_

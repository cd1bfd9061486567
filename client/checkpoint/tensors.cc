#include "client/checkpoint/tensors.h"

#include <system_error>

#include "absl/status/statusor.h"
#include "client/checkpoint/formats.h"
#include "client/graph/throw.h"
#include "proto/tensor/allocate.h"
#include "proto/tensor/elements.h"

namespace varscope::checkpoint {

Format FormatOf(const std::filesystem::path& path) {
  if (path.extension() == ".safetensors") return Format::kSafetensors;
  if (path.extension() == ".npz") return Format::kNpz;
  return Format::kTensorBundle;
}

void Write(const std::filesystem::path& path, const Tensors& tensors) {
  switch (FormatOf(path)) {
    case Format::kSafetensors:
      return WriteSafetensors(path, tensors);
    case Format::kNpz:
      return WriteNpz(path, tensors);
    case Format::kTensorBundle:
      return WriteTensorBundle(path, tensors);
  }
}

void Remove(const std::filesystem::path& path) {
  if (FormatOf(path) == Format::kTensorBundle) return RemoveTensorBundle(path);
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

std::unique_ptr<Reader> Open(const std::filesystem::path& path) {
  switch (FormatOf(path)) {
    case Format::kSafetensors:
      return OpenSafetensors(path);
    case Format::kNpz:
      return OpenNpz(path);
    case Format::kTensorBundle:
      return OpenTensorBundle(path);
  }
  return nullptr;
}

Tensor WidenFor(DType dtype, const Tensor& tensor) {
  const DTypeInfo& narrow = InfoOf(tensor.dtype());
  DType wide = narrow.dtype;
  if (narrow.floating && narrow.size == 2) wide = DType::kFloat32;
  if (narrow.integer && narrow.size < 4) wide = DType::kInt32;
  if (narrow.dtype == DType::kUint32) wide = DType::kInt64;
  if (dtype != wide || wide == narrow.dtype) return tensor;
  absl::StatusOr<Tensor> widened = TryAllocate(dtype, tensor.shape());
  ThrowIfError(widened.status());
  ConvertElements(tensor.dtype(), tensor.raw(), dtype, widened->mutable_raw(),
                  tensor.num_elements());
  return *std::move(widened);
}

}  // namespace varscope::checkpoint

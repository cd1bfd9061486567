#include "client/checkpoint/tensors.h"

#include "client/checkpoint/formats.h"

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

}  // namespace varscope::checkpoint

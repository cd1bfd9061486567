// The formats, one file each. See tensors.h for what they throw.
#ifndef VARSCOPE_CLIENT_CHECKPOINT_FORMATS_H_
#define VARSCOPE_CLIENT_CHECKPOINT_FORMATS_H_

#include "client/checkpoint/tensors.h"

namespace varscope::checkpoint {

// https://huggingface.co/docs/safetensors: header length (8 bytes, little-endian), JSON header,
// tensors without gaps. What the reference implementation refuses is damaged.
void WriteSafetensors(const std::filesystem::path& path, const Tensors& tensors);
std::unique_ptr<Reader> OpenSafetensors(const std::filesystem::path& path);

// A zip file of one "<name>.npy" (NumPy's NEP 1) for each tensor; written without compression, as
// version 1.0. What numpy.load refuses is damaged.
void WriteNpz(const std::filesystem::path& path, const Tensors& tensors);
std::unique_ptr<Reader> OpenNpz(const std::filesystem::path& path);

// TensorFlow's tensor bundle: an index in LevelDB's table format, whose values are
// tensor_bundle.proto's, and one data file. Sliced tensors (partitioned variables) are read whole.
void WriteTensorBundle(const std::filesystem::path& prefix, const Tensors& tensors);
std::unique_ptr<Reader> OpenTensorBundle(const std::filesystem::path& prefix);
void RemoveTensorBundle(const std::filesystem::path& prefix);

}  // namespace varscope::checkpoint

#endif  // VARSCOPE_CLIENT_CHECKPOINT_FORMATS_H_

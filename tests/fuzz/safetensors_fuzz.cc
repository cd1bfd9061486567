// Fuzzes the reader of .safetensors. The input is a file; or, when its first byte is 1, a header
// whose length is right, and the tensors' bytes.
#include <cstdint>
#include <vector>

#include "tests/fuzz/checkpoint_reading.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varscope::checkpoint;
  std::span<const uint8_t> left(data, size);
  const std::filesystem::path path = FuzzFolder() / "given.safetensors";
  std::vector<uint8_t> bytes;
  if (!left.empty() && left[0] == 1) {
    left = left.subspan(1);
    const std::span<const uint8_t> header = TakePiece(left);
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<uint8_t>(header.size() >> (8 * i)));
    bytes.insert(bytes.end(), header.begin(), header.end());
  }
  bytes.insert(bytes.end(), left.begin(), left.end());
  WriteBytes(path, bytes);
  const Tensors tensors = ReadWhatCanBeRead(path);
  uint64_t total = 0;
  for (const auto& [name, tensor] : tensors) total += tensor.byte_size();
  if (total > bytes.size()) abort();
  // "__metadata__" is no tensor's name there.
  ExpectTheSameAgain(tensors, FuzzFolder() / "again.safetensors");
  return 0;
}

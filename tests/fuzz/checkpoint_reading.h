// What the fuzzers of checkpoints share: a file that is read by its path, and what must hold of a
// reader.
#ifndef VARSCOPE_TESTS_FUZZ_CHECKPOINT_READING_H_
#define VARSCOPE_TESTS_FUZZ_CHECKPOINT_READING_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>

#include "client/checkpoint/tensors.h"
#include "proto/memory/memory_account.h"
#include "tests/support/temporary_directory.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {

// No input is as long as this, nor what comes out of it: who asks for more believes what it says of
// itself.
inline constexpr uint64_t kMostMemory = uint64_t{64} << 20;

// A folder for the whole run.
inline const testing::TemporaryDirectory& FuzzFolder() {
  static const testing::TemporaryDirectory folder;
  MemoryAccount::Process().SetLimit(kMostMemory);
  return folder;
}

inline void WriteBytes(const std::filesystem::path& path, std::span<const uint8_t> bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

// Two bytes that say how many of the following there are at most.
inline std::span<const uint8_t> TakePiece(std::span<const uint8_t>& left) {
  if (left.size() < 2) return {};
  const size_t length = std::min<size_t>(left[0] | left[1] << 8, left.size() - 2);
  const std::span<const uint8_t> piece = left.subspan(2, length);
  left = left.subspan(2 + length);
  return piece;
}

// Reads all that can be read; ends the process for another exception than OpError.
inline Tensors ReadWhatCanBeRead(const std::filesystem::path& path) {
  Tensors tensors;
  try {
    const std::unique_ptr<Reader> reader = Open(path);
    for (const std::string& name : reader->names()) {
      try {
        tensors[name] = reader->Read(name);
      } catch (const ResourceExhaustedError&) {
        abort();
      } catch (const OpError&) {
        // It is damaged, or of a dtype that varscope has not; others may be whole.
      }
    }
  } catch (const OpError&) {
    // No checkpoint.
  }
  return tensors;
}

// The tensors as the format of `path` has them, once more.
inline void ExpectTheSameAgain(const Tensors& tensors, const std::filesystem::path& path) {
  Write(path, tensors);
  const Tensors again = ReadWhatCanBeRead(path);
  if (again.size() != tensors.size()) abort();
  for (const auto& [name, tensor] : tensors) {
    const auto it = again.find(name);
    if (it == again.end() || it->second.dtype() != tensor.dtype()) abort();
    if (it->second.shape() != tensor.shape()) abort();
    if (tensor.byte_size() == 0) continue;
    if (std::memcmp(it->second.raw(), tensor.raw(), tensor.byte_size()) != 0) abort();
  }
}

}  // namespace varscope::checkpoint

#endif  // VARSCOPE_TESTS_FUZZ_CHECKPOINT_READING_H_

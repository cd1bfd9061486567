// The index of a TensorFlow checkpoint, a LevelDB table, as LevelDB may be given it: LevelDB
// believes what a table says of the sizes of its blocks, and takes memory for them.
#ifndef VARSCOPE_CLIENT_CHECKPOINT_INDEX_FILE_H_
#define VARSCOPE_CLIENT_CHECKPOINT_INDEX_FILE_H_

#include <leveldb/env.h>

#include <cstdint>
#include <filesystem>

#include "client/checkpoint/files.h"

namespace varscope::checkpoint {

// Never mapped: a file that is cut off meanwhile is an error.
class IndexFile final : public leveldb::RandomAccessFile {
 public:
  // Throws OpError; DataLossError when a block is not in the file.
  explicit IndexFile(const std::filesystem::path& path);

  uint64_t size() const { return file_.size(); }
  leveldb::Status Read(uint64_t offset, size_t n, leveldb::Slice* result,
                       char* scratch) const override;

 private:
  const OldFile file_;
};

}  // namespace varscope::checkpoint

#endif  // VARSCOPE_CLIENT_CHECKPOINT_INDEX_FILE_H_

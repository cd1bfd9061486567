// The file "checkpoint" of a folder: which checkpoints there are, as TensorFlow notes it.
#ifndef VARSCOPE_CLIENT_CHECKPOINT_STATE_FILE_H_
#define VARSCOPE_CLIENT_CHECKPOINT_STATE_FILE_H_

#include <filesystem>
#include <string>
#include <vector>

namespace varscope::checkpoint {

// The text format of tensorflow.CheckpointState; names are relative to the folder. Throws OpError.
void WriteStateFile(const std::filesystem::path& folder, const std::vector<std::string>& all);

// The newest checkpoint's path; empty: none is noted.
std::string ReadStateFile(const std::filesystem::path& folder);

}  // namespace varscope::checkpoint

#endif  // VARSCOPE_CLIENT_CHECKPOINT_STATE_FILE_H_

#include "client/checkpoint/state_file.h"

#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/checkpoint/files.h"

namespace varscope::checkpoint {

void WriteStateFile(const std::filesystem::path& folder, const std::vector<std::string>& all) {
  std::string text = absl::StrCat("model_checkpoint_path: \"", absl::CEscape(all.back()), "\"\n");
  for (const std::string& path : all) {
    absl::StrAppend(&text, "all_model_checkpoint_paths: \"", absl::CEscape(path), "\"\n");
  }
  NewFile file(folder / "checkpoint");
  file.Write(text);
  file.Keep();
}

std::string ReadStateFile(const std::filesystem::path& folder) {
  std::ifstream in(folder / "checkpoint");
  for (std::string line; std::getline(in, line);) {
    absl::string_view text = line;
    std::string path;
    if (!absl::ConsumePrefix(&text, "model_checkpoint_path: \"") ||
        !absl::ConsumeSuffix(&text, "\"") || !absl::CUnescape(text, &path)) {
      continue;
    }
    return std::filesystem::path(path).is_absolute() ? path : (folder / path).string();
  }
  return "";
}

}  // namespace varscope::checkpoint

// Runs each fuzz target over the inputs of its corpus, without libFuzzer: what was found once stays
// found in every build. The arguments are a target's name and folders or files.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace {

namespace fs = std::filesystem;

using Target = int (*)(const uint8_t*, size_t);

}  // namespace

// CMake gives each target's function the target's name.
#define VARSCOPE_FUZZ_TARGETS(X) \
  X(bundle) X(frame) X(link) X(log) X(npz) X(protocol) X(push) X(safetensors) X(snapshot)
#define VARSCOPE_DECLARE(name) extern "C" int varscope_fuzz_##name(const uint8_t*, size_t);
VARSCOPE_FUZZ_TARGETS(VARSCOPE_DECLARE)
#undef VARSCOPE_DECLARE

namespace {

Target Find(const char* name) {
#define VARSCOPE_FIND(target) \
  if (std::strcmp(name, #target) == 0) return varscope_fuzz_##target;
  VARSCOPE_FUZZ_TARGETS(VARSCOPE_FIND)
#undef VARSCOPE_FIND
  return nullptr;
}

void RunOne(Target target, const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
  // So that a crash tells which.
  std::fprintf(stderr, "%s\n", path.c_str());
  target(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  const Target target = argc > 2 ? Find(argv[1]) : nullptr;
  if (target == nullptr) {
    std::fprintf(stderr, "usage: varscope_fuzz_corpus TARGET FOLDER_OR_FILE...\n");
    return 2;
  }
  size_t inputs = 0;
  for (int i = 2; i < argc; ++i) {
    if (!fs::is_directory(argv[i])) {
      RunOne(target, argv[i]);
      ++inputs;
      continue;
    }
    for (const auto& entry : fs::directory_iterator(argv[i])) {
      RunOne(target, entry.path());
      ++inputs;
    }
  }
  std::printf("%s: %zu inputs\n", argv[1], inputs);
  return inputs > 0 ? 0 : 1;
}

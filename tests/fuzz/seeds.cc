// Writes the inputs that the fuzzers of files begin with: files that the writers write, and the
// parts of a data directory that a story leaves. The arguments are the folder that gets a folder
// for each target, and one with checkpoints of TensorFlow and NumPy (tests/unit/data/checkpoints).
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/checkpoint/tensors.h"
#include "proto/wire/convert.h"
#include "server/durability/frame.h"
#include "tests/simulation/story.h"
#include "tests/simulation/values.h"
#include "tests/support/temporary_directory.h"

namespace varscope::simulation {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteSeed(const fs::path& folder, const std::string& name, const std::string& bytes) {
  fs::create_directories(folder);
  std::ofstream(folder / name, std::ios::binary) << bytes;
}

std::string WithLength(const std::string& bytes) {
  std::string all = {static_cast<char>(bytes.size() & 0xff), static_cast<char>(bytes.size() >> 8)};
  return all + bytes;
}

checkpoint::Tensors DrawTensors(Trace& trace, size_t first, size_t count) {
  static const Shape kShapes[] = {{2, 3}, {}, {4}, {0, 2}, {1, 1, 2}};
  checkpoint::Tensors tensors;
  for (size_t i = first; i < first + count; ++i) {
    const DType dtype = kDTypes[i % std::size(kDTypes)].dtype;
    tensors[absl::StrCat("t", i)] =
        DrawValues(trace, dtype, kShapes[i % std::size(kShapes)], /*finite=*/true);
  }
  return tensors;
}

void WriteCheckpoints(const fs::path& out, const fs::path& given) {
  Trace trace(1);
  const testing::TemporaryDirectory folder;
  for (size_t i = 0; i < 5; ++i) {
    const checkpoint::Tensors tensors = DrawTensors(trace, 3 * i, 3);
    const std::string name = absl::StrCat("written", i);
    checkpoint::Write(folder / "a.safetensors", tensors);
    const std::string safetensors = ReadFile(folder / "a.safetensors");
    WriteSeed(out / "safetensors", name, safetensors);
    uint64_t length = 0;
    std::memcpy(&length, safetensors.data(), sizeof(length));
    WriteSeed(out / "safetensors", name + "-parts",
              "\x01" + WithLength(safetensors.substr(8, length)) + safetensors.substr(8 + length));
    checkpoint::Write(folder / "a.npz", tensors);
    WriteSeed(out / "npz", name, std::string(1, '\0') + ReadFile(folder / "a.npz"));
    checkpoint::Write(folder / "a.ckpt", tensors);
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      if (entry.path().string().find(".data-") == std::string::npos) continue;
      WriteSeed(out / "bundle", name,
                std::string(1, '\0') + WithLength(ReadFile(folder / "a.ckpt.index")) +
                    ReadFile(entry.path()));
    }
  }
  for (const auto& entry : fs::directory_iterator(given)) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() == ".npz") {
      WriteSeed(out / "npz", name, std::string(1, '\0') + ReadFile(entry.path()));
    }
    if (entry.path().extension() != ".index") continue;
    const fs::path data = fs::path(entry.path()).replace_extension(".data-00000-of-00001");
    WriteSeed(out / "bundle", name,
              std::string(1, '\0') + WithLength(ReadFile(entry.path())) + ReadFile(data));
  }
}

std::string TextOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// As it is, and its records without what the fuzzer makes itself.
void WriteSegment(const fs::path& out, const std::string& name, const std::string& segment) {
  WriteSeed(out / "log", name, std::string(1, '\0') + segment.substr(0, 3000));
  std::string records = "\x01";
  const auto bytes = std::as_bytes(std::span(segment));
  for (auto frame = server::ReadFrame(bytes, 0); frame && records.size() < 3000;
       frame = server::ReadFrame(bytes, frame->end)) {
    records += WithLength(TextOf(frame->header)) + WithLength(TextOf(frame->body));
  }
  WriteSeed(out / "log", name + "-records", records);
}

void WriteSnapshotSeed(const fs::path& out, const std::string& name, const std::string& file) {
  WriteSeed(out / "snapshot", name, std::string(1, '\0') + file);
  const auto prefix = server::DecodePrefix(std::as_bytes(std::span(file)));
  if (!prefix) return;
  WriteSeed(out / "snapshot", name + "-parts",
            "\x01" + WithLength(file.substr(server::kPrefixBytes, prefix->header_bytes)) +
                file.substr(server::kPrefixBytes + prefix->header_bytes));
}

void WriteDataDirectories(const fs::path& out) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    World world(seed);
    Totals totals;
    Story(world, world.env().trace(), {.operations = 12 * seed, .faults = false, .rogues = false})
        .Run(totals);
    for (const auto& [name, bytes] : world.env().disk().contents()) {
      const std::string seed_name = absl::StrCat("story", seed, "-", name);
      if (name.starts_with("log-")) WriteSegment(out, seed_name, bytes);
      if (name.starts_with("snapshot-")) WriteSnapshotSeed(out, seed_name, bytes);
    }
  }
}

void WriteProtocolSeeds(const fs::path& out) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    Trace trace(seed);
    std::string bytes;
    for (size_t i = 0; i < 120 * seed; ++i) bytes.push_back(static_cast<char>(trace.Random64()));
    WriteSeed(out / "protocol", absl::StrCat("random", seed), bytes);
  }
}

}  // namespace
}  // namespace varscope::simulation

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: varscope_fuzz_seeds OUT CHECKPOINTS\n");
    return 2;
  }
  varscope::simulation::WriteCheckpoints(argv[1], argv[2]);
  varscope::simulation::WriteDataDirectories(argv[1]);
  varscope::simulation::WriteProtocolSeeds(argv[1]);
  return 0;
}

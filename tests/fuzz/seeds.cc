// Writes what the fuzzers of the server begin with: the files of a data directory that a story
// leaves, and bytes that tell a story. The argument is the folder that gets a folder for each
// target.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/durability/frame.h"
#include "tests/simulation/story.h"

namespace varscope::simulation {
namespace {

namespace fs = std::filesystem;

void WriteSeed(const fs::path& folder, const std::string& name, const std::string& bytes) {
  fs::create_directories(folder);
  std::ofstream(folder / name, std::ios::binary) << bytes;
}

std::string WithLength(const std::string& bytes) {
  std::string all = {static_cast<char>(bytes.size() & 0xff), static_cast<char>(bytes.size() >> 8)};
  return all + bytes;
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
  if (argc != 2) {
    std::fprintf(stderr, "usage: varscope_fuzz_seeds OUT\n");
    return 2;
  }
  varscope::simulation::WriteDataDirectories(argv[1]);
  varscope::simulation::WriteProtocolSeeds(argv[1]);
  return 0;
}

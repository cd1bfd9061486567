// Fuzzes recovery from a log. The input is a segment; or, when its first byte is 1, records, header
// after body, each with its length: the segment is made of them, with right checksums. A record in
// the log was written by this server, so what it holds is not judged; but nothing that it holds may
// do worse than end the start.
#include <cstdint>

#include "server/durability/file_names.h"
#include "tests/fuzz/data_directory.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varscope::server;
  if (size == 0) return 0;
  std::span<const uint8_t> left(data + 1, size - 1);
  std::string segment(left.begin(), left.end());
  if (data[0] == 1) {
    segment.clear();
    for (uint64_t position = 1; left.size() > 2; ++position) {
      const std::string header = TakeText(left);
      segment += Framed(header, TakeText(left), position, position - 1);
    }
  }
  varscope::simulation::SimEnv env(1);
  WriteFile(env, SegmentName(1), segment);
  StartTwice(env);
  return 0;
}

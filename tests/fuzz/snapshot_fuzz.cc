// Fuzzes recovery from a snapshot. The input is a file; or, when its first byte is 1, a head with
// its length, and the values: the file is made of them, with right checksums.
#include <algorithm>
#include <cstdint>

#include "proto/tensor/shape_rules.h"
#include "proto/wire/convert.h"
#include "proto/wire/crc32c.h"
#include "server/durability/file_names.h"
#include "server/durability/records.pb.h"
#include "tests/fuzz/data_directory.h"

namespace varscope::server {
namespace {

constexpr uint64_t kPosition = 7;

// Of the values as far as they go.
void SetChecksums(std::span<const uint8_t> values, durability::SnapshotHead& head) {
  head.clear_checksums();
  for (const durability::VariableRecord& v : head.variables()) {
    uint64_t bytes = 0;
    const absl::StatusOr<DType> dtype = wire::FromProto(v.dtype());
    const absl::StatusOr<Shape> shape = wire::FromProto(v.shape());
    if (dtype.ok() && shape.ok() && !v.has_spec()) {
      bytes = ByteSize(*dtype, *shape).value_or(0);
    }
    bytes = std::min<uint64_t>(bytes, values.size());
    head.add_checksums(Crc32c(std::as_bytes(values.first(bytes))));
    values = values.subspan(bytes);
  }
}

}  // namespace
}  // namespace varscope::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varscope::server;
  if (size == 0) return 0;
  std::span<const uint8_t> left(data + 1, size - 1);
  std::string file(left.begin(), left.end());
  if (data[0] == 1) {
    varscope::durability::SnapshotHead head;
    if (!head.ParseFromString(TakeText(left))) return 0;
    head.set_position(kPosition);
    head.set_more(false);
    SetChecksums(left, head);
    file = Framed(head.SerializeAsString(), "", kPosition, kPosition);
    file.append(left.begin(), left.end());
  }
  varscope::simulation::SimEnv env(1);
  WriteFile(env, SnapshotName(kPosition), file);
  StartTwice(env);
  return 0;
}

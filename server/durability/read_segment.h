// What a segment of the log has, and how it ends.
#ifndef VARSCOPE_SERVER_DURABILITY_READ_SEGMENT_H_
#define VARSCOPE_SERVER_DURABILITY_READ_SEGMENT_H_

#include <cstdint>
#include <span>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/durability/frame.h"
#include "server/durability/log.h"
#include "server/env/files.h"

namespace varscope::server {

// Where the records of a segment stop.
struct SegmentEnd {
  uint64_t next = 0;     // the position of the first one that it does not have
  uint64_t offset = 0;   // in the file
  uint64_t left = 0;     // bytes of the file that follow
  bool damaged = false;  // the next one was durable, and cannot be read
};

// Given to `take`, which ends the reading when it returns an error: a record, and its file's size.
using TakeRecord = absl::FunctionRef<absl::Status(const FramedRecord&, uint64_t)>;

// Reads the first of `segments`, which `directory` has, up to before the position `end`, where
// another takes over. The others are the later ones, which tell damage from an end that is torn:
// they say what was durable. The error is why a file cannot be read, or what `take` returned.
absl::StatusOr<SegmentEnd> ReadSegment(Directory& directory, std::span<const Segment> segments,
                                       uint64_t end, TakeRecord take);

// Says which change of the segment cannot be read, and where.
std::string DamageOf(const Segment& segment, const SegmentEnd& end);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_READ_SEGMENT_H_

#include "server/durability/read_segment.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "server/durability/file_names.h"
#include "server/durability/log_file.h"

namespace varscope::server {
namespace {

// Whether the change `position` was durable when any record after `offset` of `log`, or of the
// `later` segments, was written. The later ones alone do not tell: an attempt to write may have
// left them that failed.
absl::StatusOr<bool> WasDurable(Directory& directory, LogFile& log, uint64_t offset,
                                std::span<const Segment> later, uint64_t position) {
  absl::StatusOr<std::optional<FramedRecord>> found = log.Find(offset, position);
  for (const Segment& segment : later) {
    if (!found.ok() || *found) break;
    absl::StatusOr<LogFile> file = LogFile::Open(directory, SegmentName(segment.first));
    if (!file.ok()) return file.status();
    found = file->Find(0, position);
  }
  if (!found.ok()) return found.status();
  return found->has_value();
}

}  // namespace

absl::StatusOr<SegmentEnd> ReadSegment(Directory& directory, std::span<const Segment> segments,
                                       uint64_t end, TakeRecord take) {
  absl::StatusOr<LogFile> log = LogFile::Open(directory, SegmentName(segments.front().first));
  if (!log.ok()) return log.status();
  SegmentEnd at{.next = segments.front().first};
  while (at.next < end) {
    const absl::StatusOr<std::optional<FramedRecord>> read = log->Read(at.offset);
    if (!read.ok()) return read.status();
    const std::optional<FramedRecord>& frame = *read;
    if (frame && frame->is_mark()) {
      at.offset = frame->end;
      continue;
    }
    if (!frame || frame->position != at.next) {
      const absl::StatusOr<bool> durable =
          WasDurable(directory, *log, at.offset, segments.subspan(1), at.next);
      if (!durable.ok()) return durable.status();
      at.damaged = *durable;
      break;
    }
    if (absl::Status status = take(*frame, log->size()); !status.ok()) return status;
    at.offset = frame->end;
    ++at.next;
  }
  at.left = log->size() - at.offset;
  return at;
}

std::string DamageOf(const Segment& segment, const SegmentEnd& end) {
  return absl::StrCat(segment.path.string(), " is damaged at offset ", end.offset, ": change ",
                      end.next, " cannot be read, though it was durable");
}

}  // namespace varscope::server

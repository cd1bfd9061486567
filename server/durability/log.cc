#include "server/durability/log.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/durability/file_names.h"
#include "server/failpoint.h"

namespace varscope::server {
namespace {

const absl::Status* const kNoMemoryToWrite = new absl::Status(absl::UnavailableError(
    "the log could not be written: the system has no memory for it; it is tried again"));

absl::Status NotDurable(const absl::Status& why) {
  return absl::UnavailableError(
      absl::StrCat("the change is not durable yet, send it again: ", why.message()));
}

// The same without memory to say more.
absl::Status WithRemedy(const absl::Status& full) noexcept {
  try {
    return absl::ResourceExhaustedError(absl::StrCat(
        full.message(),
        "; make room there, for instance by removing named snapshots that nobody needs (files "
        "snapshot-*-NAME): changes are taken again as soon as it can be written"));
  } catch (const std::bad_alloc&) {
    return full;
  }
}

std::span<const std::byte> AsBytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

absl::StatusOr<std::vector<Segment>> ListSegments(Directory& directory) {
  const absl::StatusOr<std::vector<std::string>> names = directory.List();
  if (!names.ok()) return names.status();
  std::vector<Segment> segments;
  for (const std::string& name : *names) {
    const std::optional<uint64_t> first = NumberAfter(kSegmentPrefix, name);
    if (!first || name != SegmentName(*first)) continue;
    segments.push_back({*first, directory.PathOf(name)});
  }
  std::sort(segments.begin(), segments.end(),
            [](const Segment& a, const Segment& b) { return a.first < b.first; });
  return segments;
}

uint64_t BytesAfter(Directory& directory, uint64_t position) {
  const absl::StatusOr<std::vector<Segment>> segments = ListSegments(directory);
  if (!segments.ok()) return 0;
  uint64_t bytes = 0;
  for (size_t i = 0; i < segments->size(); ++i) {
    const bool is_past = i + 1 < segments->size() && (*segments)[i + 1].first <= position + 1;
    if (is_past) continue;
    const absl::StatusOr<std::unique_ptr<ReadableFile>> file =
        directory.Open(SegmentName((*segments)[i].first));
    if (file.ok()) bytes += (*file)->size();
  }
  return bytes;
}

Log::Log(Directory& directory, LogOptions options, uint64_t next, Env& env)
    : env_(env),
      directory_(directory),
      options_(std::move(options)),
      next_record_(batch_.end()),
      next_(next),
      durable_(next - 1),
      timer_(env.StartTimer("log", [this] {
        MutexLock writing(writing_);
        return Step(/*delay=*/true);
      })) {}

Log::~Log() {
  timer_->Stop();
  Flush().IgnoreError();
}

uint64_t Log::Append(RecordBytes record) {
  Prepared prepared;
  prepared.push_back({.record = std::move(record)});
  return AppendPrepared(std::move(prepared));
}

uint64_t Log::AppendPrepared(Prepared record) noexcept {
  MutexLock lock(mutex_);
  Pending& pending = record.front();
  pending_bytes_ += pending.record.size();
  bytes_ += pending.record.size();
  pending.position = next_;
  pending.starts_segment = std::exchange(rotate_, false);
  pending_.splice(pending_.end(), record);
  timer_->Wake();
  return next_++;
}

void Log::WhenDurable(Done done) {
  std::list<Waiting> waits;
  try {
    waits.emplace_back();
  } catch (const std::bad_alloc&) {
    return done(*kNobodyAnswered);
  }
  {
    MutexLock lock(mutex_);
    if (durable_ + 1 < next_) {
      waits.back() = {next_ - 1, std::move(done)};
      waiting_.splice(waiting_.end(), waits);
      timer_->Wake();
      return;
    }
  }
  done(absl::OkStatus());
}

absl::Status Log::health() const {
  MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  if (pending_bytes_ <= options_.max_pending_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the log is ", pending_bytes_ >> 20, " MiB behind, at most ",
                   options_.max_pending_bytes >> 20, " MiB may wait for stable storage"));
}

absl::Status Log::failure() const {
  MutexLock lock(mutex_);
  return failure_;
}

Log::Mark Log::Rotate() {
  MutexLock lock(mutex_);
  rotate_ = true;
  return {next_ - 1, bytes_};
}

uint64_t Log::last_position() const {
  MutexLock lock(mutex_);
  return next_ - 1;
}

void Log::Trim(uint64_t position) {
  const absl::StatusOr<std::vector<Segment>> segments = ListSegments(directory_);
  if (!segments.ok()) return;
  for (size_t i = 0; i + 1 < segments->size(); ++i) {
    if ((*segments)[i + 1].first > position + 1) break;
    directory_.Remove(SegmentName((*segments)[i].first)).IgnoreError();
  }
}

absl::Status Log::Flush() {
  MutexLock writing(writing_);
  const uint64_t last = last_position();
  while (true) {
    {
      MutexLock lock(mutex_);
      if (durable_ >= last) return absl::OkStatus();
    }
    Step(/*delay=*/false);
    MutexLock lock(mutex_);
    if (batch_.empty() && !failure_.ok()) return NotDurable(failure_);
  }
}

Time Log::Step(bool delay) {
  if (batch_.empty()) {
    if (const std::optional<Time> due = Gather(delay)) return *due;
  }
  // Where that throws, nobody knows how far it came: the attempt has failed.
  absl::Status status = Said(
      [this] {
        writing_.AssertHeld();
        return WriteRecord(*next_record_);
      },
      *kNoMemoryToWrite);
  if (status.ok() && ++next_record_ != batch_.end()) return Time::min();
  if (status.ok()) {
    status = Said(
        [this] {
          writing_.AssertHeld();
          return Sync();
        },
        *kNoMemoryToWrite);
  }
  Settle(Said([&] { return directory_.Explain(status); }, *kNoMemoryToWrite));
  return Time::min();
}

std::optional<Time> Log::Gather(bool delay) {
  const Time now = env_.Now();
  MutexLock lock(mutex_);
  if (pending_.empty()) return kNever;
  if (delay && now < retry_at_) return retry_at_;
  // Whoever has a push for a log that is full is refused: that may not last for the interval.
  const bool filling = pending_bytes_ > options_.max_pending_bytes / 2;
  if (delay && waiting_.empty() && !filling && options_.interval.count() > 0) {
    // Lets more records join the group.
    if (!gather_until_) gather_until_ = now + options_.interval;
    if (now < *gather_until_) return gather_until_;
  }
  gather_until_.reset();
  batch_ = std::exchange(pending_, {});
  next_record_ = batch_.begin();
  durable_before_batch_ = durable_;
  return std::nullopt;
}

absl::Status Log::RemoveAfter(uint64_t first) const {
  const absl::StatusOr<std::vector<Segment>> segments = ListSegments(directory_);
  if (!segments.ok()) return segments.status();
  bool removed = false;
  if (FailpointIsOn(Failpoint::kKeepFailedSegments)) return absl::OkStatus();
  for (const Segment& segment : *segments) {
    if (segment.first <= first) continue;
    absl::Status status = directory_.Remove(SegmentName(segment.first));
    if (!status.ok()) return status;
    removed = true;
  }
  return removed ? directory_.Sync() : absl::OkStatus();
}

absl::Status Log::OpenSegment(uint64_t first) {
  segment_.reset();
  if (absl::Status status = RemoveAfter(first); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<WritableFile>> file = directory_.Create(SegmentName(first));
  if (!file.ok()) return file.status();
  segment_ = *std::move(file);
  return directory_.Sync();
}

absl::Status Log::WriteRecord(const Pending& pending) {
  if (pending.starts_segment || segment_ == nullptr) {
    absl::Status status = segment_ != nullptr ? segment_->Sync() : absl::OkStatus();
    // A group that ends in the next segment leaves its mark in this one, too.
    const bool splits_group = segment_ != nullptr && next_record_ != batch_.begin();
    if (status.ok() && splits_group) status = WriteMark(pending.position - 1);
    if (status.ok()) status = OpenSegment(pending.position);
    if (!status.ok()) return status;
  }
  absl::Status status =
      segment_->Write(EncodePrefix(pending.record, pending.position, durable_before_batch_));
  if (status.ok()) status = segment_->Write(AsBytes(pending.record.header));
  for (const Tensor& tensor : pending.record.body) {
    if (status.ok() && tensor.byte_size() > 0) status = segment_->Write(tensor.bytes());
  }
  return status;
}

absl::Status Log::Sync() {
  if (FailpointIsOn(Failpoint::kSkipFsync)) return absl::OkStatus();
  absl::Status status = segment_->Sync();
  if (!status.ok() && FailpointIsOn(Failpoint::kSyncAgain)) status = segment_->Sync();
  // Whoever is told afterwards has it there, whatever ends this process.
  return status.ok() ? WriteMark(batch_.back().position) : status;
}

absl::Status Log::WriteMark(uint64_t durable) {
  return segment_->Write(EncodePrefix({}, 0, durable));
}

void Log::Settle(const absl::Status& status) noexcept {
  std::list<Waiting> ended;
  std::list<Pending> written;  // let go without the lock
  const absl::Status why = absl::IsResourceExhausted(status) ? WithRemedy(status) : status;
  {
    MutexLock lock(mutex_);
    const uint64_t reached = batch_.back().position;
    failure_ = why;
    if (status.ok()) {
      for (const Pending& pending : batch_) pending_bytes_ -= pending.record.size();
      durable_ = reached;
      written.swap(batch_);
    } else {
      // The file's end is unknown now. Everything that is not known to be durable starts a new
      // segment, whose name is that of its first record: an earlier attempt's is overwritten.
      segment_.reset();
      batch_.front().starts_segment = true;
      pending_.splice(pending_.begin(), batch_);
      retry_at_ = env_.Now() + options_.retry;
    }
    const auto first = std::find_if(waiting_.begin(), waiting_.end(),
                                    [&](const Waiting& w) { return w.position > reached; });
    ended.splice(ended.end(), waiting_, waiting_.begin(), first);
  }
  const absl::Status told = status.ok() ? status : Said([&] { return NotDurable(why); });
  for (Waiting& waiting : ended) waiting.done.Tell(told);
  if (!status.ok() && options_.failed) options_.failed();
}

}  // namespace varscope::server

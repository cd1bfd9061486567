#include "server/durability/log.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/planted.h"

namespace varscope::server {
namespace {

constexpr absl::string_view kSegmentPrefix = "log-";

std::span<const std::byte> AsBytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

std::filesystem::path SegmentPath(const std::filesystem::path& directory, uint64_t first) {
  return directory / absl::StrFormat("%s%020d", kSegmentPrefix, first);
}

absl::StatusOr<std::vector<Segment>> ListSegments(const std::filesystem::path& directory) {
  std::vector<Segment> segments;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    const std::optional<uint64_t> first = NumberAfter(kSegmentPrefix, name);
    if (!first || name != SegmentPath("", *first)) continue;
    segments.push_back({*first, entry.path()});
  }
  if (error) return FileError(directory, "list", error.value());
  std::sort(segments.begin(), segments.end(),
            [](const Segment& a, const Segment& b) { return a.first < b.first; });
  return segments;
}

Log::Log(LogOptions options, uint64_t next)
    : options_(std::move(options)), next_(next), durable_(next - 1), thread_([this] { Run(); }) {}

Log::~Log() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

uint64_t Log::Append(RecordBytes record) {
  Prepared prepared;
  prepared.push_back({.record = std::move(record)});
  return AppendPrepared(std::move(prepared));
}

uint64_t Log::AppendPrepared(Prepared record) noexcept {
  std::lock_guard lock(mutex_);
  Pending& pending = record.front();
  pending_bytes_ += pending.record.size();
  pending.position = next_;
  pending.starts_segment = std::exchange(rotate_, false);
  pending_.splice(pending_.end(), record);
  changed_.notify_all();
  return next_++;
}

void Log::WhenDurable(Done done) {
  {
    std::lock_guard lock(mutex_);
    if (durable_ + 1 < next_) {
      waiting_.push_back({next_ - 1, std::move(done)});
      changed_.notify_all();
      return;
    }
  }
  done(absl::OkStatus());
}

absl::Status Log::health() const {
  std::lock_guard lock(mutex_);
  if (!failure_.ok()) return failure_;
  if (pending_bytes_ <= options_.max_pending_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the log is ", pending_bytes_ >> 20, " MiB behind, at most ",
                   options_.max_pending_bytes >> 20, " MiB may wait for the medium"));
}

uint64_t Log::Rotate() {
  std::lock_guard lock(mutex_);
  rotate_ = true;
  return next_ - 1;
}

uint64_t Log::last_position() const {
  std::lock_guard lock(mutex_);
  return next_ - 1;
}

void Log::Trim(uint64_t position) {
  const absl::StatusOr<std::vector<Segment>> segments = ListSegments(options_.directory);
  if (!segments.ok()) return;
  for (size_t i = 0; i + 1 < segments->size(); ++i) {
    if ((*segments)[i + 1].first > position + 1) break;
    std::error_code ignored;
    std::filesystem::remove((*segments)[i].path, ignored);
  }
}

void Log::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
    if (pending_.empty()) break;
    // Lets more records join the group.
    if (options_.interval.count() > 0) {
      changed_.wait_for(lock, options_.interval, [this] { return stopping_ || !waiting_.empty(); });
    }
    const bool last = stopping_;
    std::list<Pending> batch = std::exchange(pending_, {});
    const uint64_t durable = durable_;
    lock.unlock();
    const absl::Status status = Write(batch, durable);
    lock.lock();
    Settle(lock, std::move(batch), status);
    if (status.ok()) continue;
    if (last) break;
    changed_.wait_for(lock, options_.retry, [this] { return stopping_; });
  }
}

absl::Status Log::RemoveAfter(uint64_t first) const {
  const absl::StatusOr<std::vector<Segment>> segments = ListSegments(options_.directory);
  if (!segments.ok()) return segments.status();
  bool removed = false;
  for (const Segment& segment : *segments) {
    if (segment.first <= first) continue;
    std::error_code error;
    std::filesystem::remove(segment.path, error);
    if (error) return FileError(segment.path, "remove", error.value());
    removed = true;
  }
  return removed ? SyncDirectory(options_.directory) : absl::OkStatus();
}

absl::Status Log::OpenSegment(uint64_t first) {
  segment_.reset();
  if (absl::Status status = RemoveAfter(first); !status.ok()) return status;
  const std::filesystem::path path = SegmentPath(options_.directory, first);
  absl::StatusOr<File> file = File::Create(path);
  if (!file.ok()) return file.status();
  segment_.emplace(*std::move(file));
  return SyncDirectory(options_.directory);
}

absl::Status Log::Write(const std::list<Pending>& batch, uint64_t durable) {
  for (const Pending& pending : batch) {
    if (pending.starts_segment || !segment_) {
      absl::Status status = segment_ ? segment_->Sync() : absl::OkStatus();
      if (status.ok()) status = OpenSegment(pending.position);
      if (!status.ok()) return status;
    }
    absl::Status status = segment_->Write(EncodePrefix(pending.record, pending.position, durable));
    if (status.ok()) status = segment_->Write(AsBytes(pending.record.header));
    for (const Tensor& tensor : pending.record.body) {
      if (status.ok() && tensor.byte_size() > 0) status = segment_->Write(tensor.bytes());
    }
    if (!status.ok()) return status;
  }
  return Planted(Plant::kSkipFsync) ? absl::OkStatus() : segment_->Sync();
}

void Log::Settle(std::unique_lock<std::mutex>& lock, std::list<Pending> batch,
                 const absl::Status& status) {
  std::vector<Done> done;
  const uint64_t reached = batch.back().position;
  failure_ = status;
  if (status.ok()) {
    for (const Pending& pending : batch) pending_bytes_ -= pending.record.size();
    durable_ = reached;
  } else {
    // The file's end is unknown now. Everything that is not known to be durable starts a new
    // segment, whose name is that of its first record: an earlier attempt's is overwritten.
    segment_.reset();
    batch.front().starts_segment = true;
    pending_.splice(pending_.begin(), batch);
  }
  while (!waiting_.empty() && waiting_.front().position <= reached) {
    done.push_back(std::move(waiting_.front().done));
    waiting_.pop_front();
  }
  lock.unlock();
  const absl::Status told =
      status.ok() ? status
                  : absl::UnavailableError(absl::StrCat(
                        "the change is not durable yet, send it again: ", status.message()));
  for (Done& call : done) call(told);
  lock.lock();
}

}  // namespace varscope::server

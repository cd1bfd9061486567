#include "server/rpc/stream_request.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/concurrency/done_once.h"
#include "proto/wire/retry_info.h"
#include "server/limited_log.h"
#include "server/push/resolve.h"
#include "server/rpc/convert.h"
#include "server/rpc/refusal.h"
#include "server/rpc/status.h"

namespace varscope::server {
namespace {

void LogRefusal(const absl::Status& status) {
  if (absl::IsUnavailable(status)) return;  // its worker sends it again, and knows why
  static constinit LimitedLog log;
  log.Warn("push refused: ", status.message());
}

// Beside its tensors, what a push may find or make slots for.
size_t SlotsBeside(const PushContents& push) {
  size_t count = push.steps.size();
  for (const PushStep& step : push.steps) count += step.slot_creations.size();
  return count;
}

}  // namespace

StreamRequest::StreamRequest(const ServiceContext& service, const Caller& caller,
                             StreamState& stream, size_t body_bytes)
    : call_(service.in_flight_calls),
      service_(service),
      caller_(caller),
      stream_(stream),
      body_bytes_(body_bytes),
      request_([this](const v1::FrameHeader& head) { return TakeHead(head); }) {}

absl::Status StreamRequest::Add(grpc::ByteBuffer& frame) {
  if (!call_.admitted().ok()) return call_.admitted();
  absl::Status status = request_.Add(frame);
  frame.Clear();
  if (!status.ok() && head().has_push()) LogRefusal(status);
  return status;
}

// Whoever reads the server's log has many workers.
absl::Status StreamRequest::WithWorker(const absl::Status& status) const {
  const bool has = !caller_.is_worker() ||
                   absl::StrContains(status.message(), absl::StrCat("'", caller_.worker_id, "'"));
  return status.ok() || has ? status : Prefixed(Who(caller_), status);
}

absl::StatusOr<StreamRequest::Tensors> StreamRequest::TakeHead(const v1::FrameHeader& head) {
  absl::StatusOr<Tensors> tensors = CheckHead(head);
  refused_ = WithWorker(tensors.status());
  if (refused_.ok()) return tensors;
  // What is left of the request costs less than a new stream.
  constexpr uint64_t kLittle = uint64_t{4} << 20;
  if (head.body_bytes() > kLittle) return refused_;
  request_.Discard();
  return Tensors();
}

absl::StatusOr<StreamRequest::Tensors> StreamRequest::CheckHead(const v1::FrameHeader& head) {
  if (!head.has_push() && !head.has_pull()) {
    return absl::InvalidArgumentError("the first frame has no push head and no pull request");
  }
  absl::Status status = head.has_push() ? CheckPusher(head.push()) : absl::OkStatus();
  if (status.ok() && !head.has_push() && caller_.is_worker()) {
    status = service_.workers.Check(caller_);
  }
  if (status.ok())
    status = stream_.variables.Add(service_.store.catalog, head.variables(), caller_);
  Tensors tensors;
  if (status.ok() && head.has_push()) status = CheckPush(head.push(), tensors);
  const size_t of_push = tensors.size();
  if (status.ok() && head.has_pull()) status = CheckPull(head.pull(), tensors);
  if (!status.ok()) return status;
  if (head.has_push() && tensors.size() > of_push) {
    return absl::InvalidArgumentError("a pull with indices cannot come with a push: send it alone");
  }
  return tensors;
}

absl::Status StreamRequest::Reserve(uint64_t bytes, MemoryQuota::Reservation& reservation) {
  if (bytes == 0) return absl::OkStatus();
  absl::StatusOr<MemoryQuota::Reservation> acquired =
      service_.memory_quota.Acquire(caller_.worker_id, bytes);
  if (!acquired.ok()) {
    service_.stall_detector.Hurry();
    return acquired.status();
  }
  reservation = *std::move(acquired);
  return absl::OkStatus();
}

absl::Status StreamRequest::CheckPull(const v1::PullRequest& pull, Tensors& tensors) {
  if (pull.repeat()) {
    if (stream_.last_pull.items.empty()) {
      return absl::InvalidArgumentError("this stream has had no pull that could be repeated");
    }
    resolved_pull_ = std::exchange(stream_.last_pull, {});
  } else {
    absl::StatusOr<ResolvedPull> resolved = ResolvePull(stream_.variables, pull, caller_, tensors);
    if (!resolved.ok()) return Prefixed(Who(caller_), resolved.status());
    resolved_pull_ = *std::move(resolved);
  }
  return Reserve(resolved_pull_->copied_bytes, pull_reservation_);
}

absl::Status StreamRequest::CheckGroups(const v1::PushHead& push) const {
  const uint64_t version = service_.synchronizer.groups_version();
  if (push.groups_version() == 0 || push.groups_version() == version) return absl::OkStatus();
  return WithReconnect(
      absl::AbortedError(
          absl::StrCat(Who(caller_), "the server was restarted with other groups (--sync) ",
                       "than this worker knew; nothing was applied, and the next step is well")),
      Reconnect::kThenReport);
}

absl::Status StreamRequest::CheckKept(const v1::PushHead& push) const {
  const PushId kept{caller_.worker_id, caller_.incarnation, push.kept()};
  if (kept.sequence == 0 || !service_.store.completion_records.HasLost(kept)) {
    return absl::OkStatus();
  }
  return WithReconnect(
      absl::AbortedError(absl::StrCat(
          Who(caller_), "the server's state is older than this worker's push ", kept.sequence,
          ", which had been kept: was its data directory replaced by an earlier copy? What this "
          "run computed was not applied, the next starts from the state that is there")),
      Reconnect::kThenReport);
}

absl::Status StreamRequest::CheckPusher(const v1::PushHead& push) const {
  absl::Status may_come = service_.workers.Check(caller_);
  if (may_come.ok()) may_come = CheckGroups(push);
  if (may_come.ok()) may_come = CheckKept(push);
  if (!may_come.ok()) {
    // A push that was let in before still gets its answer.
    const PushId id{caller_.worker_id, caller_.incarnation, push.sequence()};
    if (!service_.store.completion_records.Knows(id)) return may_come;
  }
  if (absl::Status status = AdmitChange(service_.durability); !status.ok()) {
    return Prefixed(absl::StrCat(Who(caller_), "no push is taken now, pulls go on: "), status);
  }
  return absl::OkStatus();
}

absl::Status StreamRequest::CheckPush(const v1::PushHead& push, Tensors& tensors) {
  absl::StatusOr<MemoryAccount::Hold> held =
      MemoryAccount::Process().Reserve(MemoryOfPush(stream_.variables, push));
  if (!held.ok()) {
    service_.stall_detector.Hurry();
    return Prefixed(
        absl::StrCat(Who(caller_), "for the steps, variables and assignments of a push, "),
        held.status());
  }
  push_held_ = *std::move(held);
  absl::StatusOr<ResolvedPush> resolved =
      Resolve(stream_.variables, push, caller_, service_.workers.Describe(caller_.worker_id),
              service_.limits.max_push_bytes, tensors);
  if (!resolved.ok()) return resolved.status();
  push_ = *std::move(resolved);
  touched_bytes_ = push_->touched_bytes();
  slots_beside_ = SlotsBeside(push_->contents());
  return Reserve(push_->bytes(), push_reservation_);
}

bool StreamRequest::takes_long() const {
  constexpr uint64_t kManyBytes = uint64_t{2} << 20;
  constexpr size_t kManyVariables = 1000;
  if (!refused_.ok()) return false;
  if (request_.total_bytes() > kManyBytes || touched_bytes_ > kManyBytes) return true;
  const size_t pulled = resolved_pull_ ? resolved_pull_->items.size() : 0;
  if (request_.tensors().size() + slots_beside_ + pulled > kManyVariables) return true;
  return resolved_pull_ &&
         std::any_of(resolved_pull_->items.begin(), resolved_pull_->items.end(),
                     [](const auto& item) { return item.encoding != wire::Encoding::kNone; });
}

void StreamRequest::Run(std::function<void()> done) {
  done_ = std::move(done);
  if (!refused_.ok()) return Done(refused_);
  if (head().has_push()) return Push();
  AwaitRead();
}

void StreamRequest::Push() {
  if (absl::Status status = Said([this] { return WaitForOthers(); }); !status.ok()) {
    // The worker sends them again.
    request_.tensors().clear();
    return Done(status);
  }
  service_.synchronizer.Submit(
      *std::exchange(push_, std::nullopt), std::exchange(request_.tensors(), {}), request_.finite(),
      [this](const absl::StatusOr<PushResult>& result) { Pushed(result); }, head().timeout_ms());
}

absl::Status StreamRequest::WaitForOthers() {
  if (!service_.synchronizer.pushes_wait()) return absl::OkStatus();
  absl::StatusOr<IdleMemory::Hold> waiting =
      // Beside what the worker has idle, so that it can go on meanwhile. No id has a blank.
      IdleMemory::Process().Count(absl::StrCat("pushes of ", caller_.worker_id),
                                  push_->bytes() + push_held_.bytes());
  if (!waiting.ok()) {
    service_.stall_detector.Hurry();
    return Prefixed(absl::StrCat(Who(caller_),
                                 "for a push that waits for others, which its group may need a "
                                 "higher --memory-limit for: "),
                    waiting.status());
  }
  waiting_ = *std::move(waiting);
  push_reservation_.Park();
  return absl::OkStatus();
}

void StreamRequest::Release() {
  push_reservation_.Release();
  push_held_ = {};
  waiting_ = {};
}

void StreamRequest::Pushed(const absl::StatusOr<PushResult>& result) {
  if (!result.ok()) {
    // Perhaps for a copy beside a value that a pull is sending.
    if (absl::IsResourceExhausted(result.status())) service_.stall_detector.Hurry();
    return Done(result.status());
  }
  pushed_ = *result;
  service_.durability.WhenDurable([this](const absl::Status& durable) {
    Release();
    if (!durable.ok()) return Done(durable);
    AwaitRead();
  });
}

void StreamRequest::AwaitRead() {
  if (!head().has_pull()) return Done(absl::OkStatus());
  service_.synchronizer.AwaitRead(
      caller_.worker_id, caller_.incarnation, resolved_pull_->variables,
      [this](const absl::Status& may_read) {
        may_read_ = may_read;
        Done(absl::OkStatus());
      },
      head().timeout_ms());
}

void StreamRequest::Done(const absl::Status& status) {
  failed_ = status;
  // What it holds may hold this.
  const std::function<void()> done = std::exchange(done_, nullptr);
  done();
}

void StreamRequest::MakeAnswer() {
  absl::Status status = failed_;
  if (status.ok()) {
    stream_.variables.DescribeLast(head().variables_size(), *answer_head_);
    if (head().has_push()) {
      v1::PushResponse& pushed = *answer_head_->mutable_pushed();
      ToProto(pushed_, &pushed);
      pushed.set_durability(static_cast<v1::Durability>(service_.durability.level()));
    }
    if (head().has_pull()) status = Pull();
  }
  if (!status.ok()) Fail(status);
  answer_.emplace(*answer_head_, pull_ ? pull_->TakeValues() : std::vector<Tensor>(),
                  wire::FrameOptions{.body_bytes = body_bytes_,
                                     .checksums = head().checksums(),
                                     .flow_control = head().flow_control()});
}

absl::Status StreamRequest::Pull() {
  pull_.emplace(service_, *std::move(resolved_pull_), request_.tensors(), stream_.last_pull);
  absl::Status status = may_read_;
  if (status.ok()) {
    const v1::PullRequest& pull = head().pull();
    // Before the values: what is read of a later one is thrown away below.
    const uint64_t epoch = service_.epoch();
    answer_head_->set_epoch(epoch);
    status = pull_->Read(caller_.worker_id, pull.repeat() || pull.epoch() == epoch, *answer_head_);
    answer_head_->set_global_step(service_.store.changes.global_step());
  }
  if (absl::IsResourceExhausted(status)) service_.stall_detector.Hurry();
  // What was read may be of a state that is no more: a rollback came after the head.
  if (status.ok()) status = stream_.variables.CheckPresent(service_.store.catalog, caller_);
  if (status.ok()) return status;
  if (!head().has_push()) return Prefixed(Who(caller_), status);
  // The push stands.
  answer_head_->clear_versions();
  answer_head_->set_pull_failed(true);
  return absl::OkStatus();
}

void StreamRequest::Fail(const absl::Status& status) {
  const absl::Status said = WithWorker(WhatNow(service_.workers, caller_, status));
  if (head().has_push()) LogRefusal(said);
  Release();
  pull_reservation_.Release();
  pull_.reset();
  // The worker does not count on it after an error.
  stream_ = {};
  answer_head_->Clear();
  ToProto(said, answer_head_->mutable_error());
}

}  // namespace varscope::server

#include "server/rpc/turn.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/core/advice.h"
#include "proto/core/names.h"
#include "server/limited_log.h"
#include "server/push/resolve.h"
#include "server/rpc/convert.h"
#include "server/rpc/refusal.h"
#include "server/rpc/status.h"

namespace varscope::server {
namespace {

// Whole weights in 255 steps would be another model.
bool MayBePulled(wire::Encoding encoding) {
  return encoding == wire::Encoding::kNone || encoding == wire::Encoding::kFloat16 ||
         encoding == wire::Encoding::kBfloat16;
}

std::string Who(const v1::PullRequest& pull) {
  return absl::StrCat("worker '", Printable(pull.worker_id()), "': ");
}

void LogRefusal(const absl::Status& status) {
  static auto* const log = new LimitedLog;
  log->Warn(absl::StrCat("push refused: ", status.message()));
}

}  // namespace

Turn::Turn(const ServiceContext& service, LastPull& last, size_t body_bytes)
    : call_(service.calls),
      service_(service),
      last_(last),
      body_bytes_(body_bytes),
      request_([this](const v1::FrameHeader& head) { return TakeHead(head); }) {}

absl::Status Turn::Add(grpc::ByteBuffer& frame) {
  if (!call_.admitted().ok()) return call_.admitted();
  absl::Status status = request_.Add(frame);
  frame.Clear();
  if (!status.ok() && head().has_push()) LogRefusal(status);
  return status;
}

absl::Status Turn::TakeHead(const v1::FrameHeader& head) {
  refused_ = CheckHead(head);
  if (refused_.ok()) return refused_;
  // What is left of the request costs less than a new stream.
  constexpr uint64_t kLittle = uint64_t{4} << 20;
  if (request_.total_bytes() > kLittle) return refused_;
  request_.Discard();
  return absl::OkStatus();
}

absl::Status Turn::CheckHead(const v1::FrameHeader& head) {
  if (head.has_push()) {
    if (absl::Status status = CheckPush(head); !status.ok()) return status;
  } else if (!head.has_pull()) {
    return absl::InvalidArgumentError("the first frame has no push head and no pull request");
  } else if (absl::Status status = CheckRows(head); !status.ok()) {
    return status;
  }
  return CheckPull(head);
}

absl::Status Turn::CheckRows(const v1::FrameHeader& head) {
  const absl::StatusOr<uint64_t> bytes = CheckRowsHead(service_.store, head);
  if (!bytes.ok()) return Prefixed(Who(head.pull()), bytes.status());
  if (*bytes == 0) return absl::OkStatus();
  absl::StatusOr<Budget::Charge> charge = service_.budget.Take(head.pull().worker_id(), *bytes);
  if (!charge.ok()) return charge.status();
  charge_ = *std::move(charge);
  return absl::OkStatus();
}

absl::Status Turn::CheckPull(const v1::FrameHeader& head) {
  const v1::PullRequest& pull = head.pull();
  if (pull.repeat() && (last_.names.empty() || last_.incarnation != pull.incarnation())) {
    return absl::InvalidArgumentError("this stream has had no pull that could be repeated");
  }
  for (const v1::PullRequest::Want& want : pull.wants()) {
    if (want.has_rows() && head.has_push()) {
      return absl::InvalidArgumentError("rows are pulled without a push");
    }
    if (MayBePulled(EncodingOf(want))) continue;
    return absl::InvalidArgumentError(absl::StrCat("variable ", Printable(want.name()),
                                                   " cannot be pulled in encoding ",
                                                   static_cast<int>(want.encoding())));
  }
  if (pull.incarnation() == 0) return absl::OkStatus();
  return service_.workers.Check(pull.worker_id(), pull.incarnation()).status();
}

absl::Status Turn::CheckGroups(const v1::PushHead& push) const {
  const uint64_t version = service_.synchronizer.groups_version();
  if (push.groups_version() == 0 || push.groups_version() == version) return absl::OkStatus();
  return AdviseReconnect(
      absl::AbortedError(absl::StrCat(
          "worker '", push.worker_id(), "': the server was restarted with other groups (--sync) ",
          "than this worker knew; nothing was applied, and the next step is well")),
      Reconnect::kAndReport);
}

absl::Status Turn::CheckPush(const v1::FrameHeader& head) {
  const v1::PushHead& push = head.push();
  const absl::StatusOr<Asker> asker = service_.workers.Check(push.worker_id(), push.incarnation());
  const absl::Status may_come = asker.ok() ? CheckGroups(push) : asker.status();
  if (!may_come.ok()) {
    // A push that was let in before still gets its answer.
    const PushId id{push.worker_id(), push.incarnation(), push.sequence()};
    if (!service_.store.ledger().Knows(id)) return may_come;
  }
  if (absl::Status status = AdmitChange(service_.durability); !status.ok()) {
    return Prefixed(
        absl::StrCat("worker '", push.worker_id(), "': no push is taken now, pulls go on: "),
        status);
  }
  absl::StatusOr<ResolvedPush> resolved =
      Resolve(service_.store, head, service_.workers.Describe(push.worker_id()),
              service_.limits.max_push_bytes);
  if (!resolved.ok()) return resolved.status();
  absl::StatusOr<Budget::Charge> charge = service_.budget.Take(push.worker_id(), resolved->bytes());
  if (!charge.ok()) return charge.status();
  charge_ = *std::move(charge);
  push_ = *std::move(resolved);
  return absl::OkStatus();
}

bool Turn::takes_long() const {
  constexpr uint64_t kManyBytes = uint64_t{2} << 20;
  constexpr size_t kManyVariables = 1000;
  if (!refused_.ok()) return false;
  if (request_.total_bytes() > kManyBytes) return true;
  const v1::PullRequest& pull = head().pull();
  const size_t variables = head().tensors_size() + pull.wants_size();
  if (variables + (pull.repeat() ? last_.names.size() : 0) > kManyVariables) return true;
  return std::any_of(pull.wants().begin(), pull.wants().end(),
                     [](const auto& want) { return EncodingOf(want) != wire::Encoding::kNone; });
}

void Turn::Run(std::function<void()> done) {
  done_ = std::move(done);
  if (!refused_.ok()) return Fail(refused_);
  if (head().has_pull()) pull_.emplace(service_, head(), request_.tensors(), last_);
  if (head().has_push()) return Push();
  AwaitRead();
}

void Turn::Push() {
  service_.synchronizer.Submit(*std::exchange(push_, std::nullopt),
                               std::exchange(request_.tensors(), {}), request_.finite(),
                               [this](const absl::StatusOr<Applied>& applied) { Pushed(applied); });
}

void Turn::Pushed(const absl::StatusOr<Applied>& applied) {
  if (!applied.ok()) {
    const v1::PushHead& push = head().push();
    return Fail(WhatNow(service_.workers, push.worker_id(), push.incarnation(), applied.status()));
  }
  v1::PushResponse& pushed = *answer_head_->mutable_pushed();
  ToProto(*applied, &pushed);
  pushed.set_durability(static_cast<v1::Durability>(service_.durability.level()));
  service_.durability.AfterAllSoFar([this](const absl::Status& durable) {
    charge_.Release();
    if (!durable.ok()) return Fail(durable);
    AwaitRead();
  });
}

void Turn::AwaitRead() {
  if (!head().has_pull()) return Answer();
  const v1::PullRequest& pull = head().pull();
  const std::string reader = pull.incarnation() == 0 ? "" : pull.worker_id();
  service_.synchronizer.AwaitRead(
      reader, pull_->names(), [this](const absl::Status& may_read) { ReadAndAnswer(may_read); });
}

absl::Status Turn::Read(const absl::Status& may_read) {
  const v1::PullRequest& pull = head().pull();
  absl::Status status = WhatNow(service_.workers, pull.worker_id(), pull.incarnation(), may_read);
  if (!status.ok()) return status;
  answer_head_->set_epoch(service_.epoch);
  status = pull_->Read(*answer_head_);
  answer_head_->set_global_step(service_.store.global_step());
  return status;
}

void Turn::ReadAndAnswer(const absl::Status& may_read) {
  const absl::Status status = Read(may_read);
  if (!status.ok()) {
    if (!head().has_push()) {
      return Fail(Prefixed(Who(head().pull()), status));
    }
    // The push stands.
    answer_head_->clear_tensors();
    answer_head_->set_pull_failed(true);
  }
  Answer();
}

void Turn::Answer() {
  answer_.emplace(*answer_head_, pull_ ? pull_->TakeValues() : std::vector<Tensor>(),
                  wire::FrameOptions{.body_bytes = body_bytes_,
                                     .checksums = head().checksums(),
                                     .flow_control = head().flow_control()});
  Done();
}

void Turn::Fail(const absl::Status& status) {
  if (head().has_push()) LogRefusal(status);
  charge_.Release();
  pull_.reset();
  // The worker does not count on it after an error.
  last_ = {};
  answer_head_->Clear();
  ToProto(status, answer_head_->mutable_error());
  Answer();
}

void Turn::Done() {
  // What it holds may hold this.
  const std::function<void()> done = std::exchange(done_, nullptr);
  done();
}

}  // namespace varscope::server

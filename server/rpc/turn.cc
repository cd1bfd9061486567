#include "server/rpc/turn.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/core/names.h"
#include "proto/core/rows.h"
#include "proto/wire/convert.h"
#include "server/codec/push.h"
#include "server/rpc/convert.h"
#include "server/rpc/refusal.h"
#include "server/rpc/status.h"

namespace varscope::server {
namespace {

wire::Encoding EncodingOf(const v1::PullRequest::Want& want) {
  return static_cast<wire::Encoding>(want.encoding());
}

// Whole weights in 255 steps would be another model.
bool MayBePulled(wire::Encoding encoding) {
  return encoding == wire::Encoding::kNone || encoding == wire::Encoding::kFloat16 ||
         encoding == wire::Encoding::kBfloat16;
}

std::string Who(const v1::PullRequest& pull) {
  return absl::StrCat("worker '", Printable(pull.worker_id()), "': ");
}

}  // namespace

Turn::Turn(const ServiceContext& service, LastPull& last, size_t body_bytes)
    : call_(service.calls),
      service_(service),
      last_(last),
      body_bytes_(body_bytes),
      request_([this](const v1::FrameHeader& head) { return CheckHead(head); }) {}

absl::Status Turn::Add(grpc::ByteBuffer& frame) {
  if (!call_.admitted().ok()) return call_.admitted();
  absl::Status status = request_.Add(frame);
  frame.Clear();
  if (!status.ok() && head().has_push()) {
    spdlog::warn("push refused: {}", std::string(status.message()));
  }
  return status;
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

absl::Status Turn::CheckPush(const v1::FrameHeader& head) {
  const v1::PushHead& push = head.push();
  const absl::StatusOr<Asker> asker = service_.workers.Check(push.worker_id(), push.incarnation());
  if (!asker.ok()) {
    // A push that was let in before its incarnation ended still gets its answer.
    const PushId id{push.worker_id(), push.incarnation(), push.sequence()};
    if (!service_.store.ledger().Knows(id)) return asker.status();
  }
  if (absl::Status status = AdmitChange(service_.durability); !status.ok()) {
    return Prefixed(
        absl::StrCat("worker '", push.worker_id(), "': no push is taken now, pulls go on: "),
        status);
  }
  const absl::StatusOr<uint64_t> bytes =
      CheckPushHead(service_.store, head, service_.limits.max_push_bytes);
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<Budget::Charge> charge = service_.budget.Take(push.worker_id(), *bytes);
  if (!charge.ok()) return charge.status();
  charge_ = *std::move(charge);
  return absl::OkStatus();
}

bool Turn::takes_long() const {
  constexpr uint64_t kManyBytes = uint64_t{2} << 20;
  constexpr size_t kManyVariables = 1000;
  if (request_.total_bytes() > kManyBytes) return true;
  const v1::PullRequest& pull = head().pull();
  const size_t variables = head().tensors_size() + pull.wants_size();
  if (variables + (pull.repeat() ? last_.names.size() : 0) > kManyVariables) return true;
  return std::any_of(pull.wants().begin(), pull.wants().end(),
                     [](const auto& want) { return EncodingOf(want) != wire::Encoding::kNone; });
}

void Turn::Run(std::function<void(const absl::Status&)> done) {
  done_ = std::move(done);
  if (head().pull().repeat()) {
    names_ = std::exchange(last_.names, {});
  } else {
    for (const v1::PullRequest::Want& want : head().pull().wants()) names_.push_back(want.name());
  }
  if (head().has_push()) return Push();
  AwaitRead();
}

absl::StatusOr<Push> Turn::TakePush() {
  const v1::PushHead& push = head().push();
  absl::StatusOr<server::Push> taken =
      codec::FromProto(push, request_.tensors(), service_.workers.Describe(push.worker_id()));
  request_.tensors().clear();
  if (taken.ok()) taken->known_finite = request_.finite();
  return taken;
}

void Turn::Push() {
  absl::StatusOr<server::Push> push = TakePush();
  if (!push.ok()) return Refuse(push.status());
  service_.synchronizer.Submit(*std::move(push),
                               [this](const absl::StatusOr<Applied>& applied) { Pushed(applied); });
}

void Turn::Pushed(const absl::StatusOr<Applied>& applied) {
  if (!applied.ok()) {
    const v1::PushHead& push = head().push();
    return Refuse(
        WhatNow(service_.workers, push.worker_id(), push.incarnation(), applied.status()));
  }
  v1::PushResponse& pushed = *answer_head_->mutable_pushed();
  codec::ToProto(*applied, &pushed);
  pushed.set_durability(static_cast<v1::Durability>(service_.durability.level()));
  service_.durability.AfterAllSoFar([this](const absl::Status& durable) {
    charge_.Release();
    if (!durable.ok()) return Refuse(durable);
    AwaitRead();
  });
}

void Turn::AwaitRead() {
  if (!head().has_pull()) return Answer();
  const v1::PullRequest& pull = head().pull();
  const std::string reader = pull.incarnation() == 0 ? "" : pull.worker_id();
  service_.synchronizer.AwaitRead(
      reader, names_, [this](const absl::Status& may_read) { PullAndAnswer(may_read); });
}

absl::Status Turn::Pull(const absl::Status& may_read) {
  const v1::PullRequest& pull = head().pull();
  absl::Status status = WhatNow(service_.workers, pull.worker_id(), pull.incarnation(), may_read);
  if (!status.ok()) return status;
  answer_head_->set_epoch(service_.epoch);
  status = pull.repeat() ? Repeat() : PullAll();
  answer_head_->set_global_step(service_.store.global_step());
  return status;
}

absl::Status Turn::PullAll() {
  const v1::PullRequest& pull = head().pull();
  const absl::StatusOr<std::vector<WantedRows>> rows = RowsWanted();
  if (!rows.ok()) return rows.status();
  absl::StatusOr<Cut> cut = service_.store.Pull(names_, *rows);
  if (!cut.ok()) return cut.status();
  const bool same_epoch = pull.epoch() == service_.epoch;
  std::vector<wire::Encoding> encodings;
  for (const v1::PullRequest::Want& want : pull.wants()) encodings.push_back(EncodingOf(want));
  const auto holds = [&](size_t i, uint64_t version) {
    const v1::PullRequest::Want& want = pull.wants(static_cast<int>(i));
    return same_epoch && want.has_version() && !want.has_rows() && want.version() == version;
  };
  return AnswerWith(*std::move(cut), std::move(encodings), holds);
}

absl::StatusOr<std::vector<WantedRows>> Turn::RowsWanted() {
  std::vector<WantedRows> wanted;
  if (request_.tensors().empty()) return wanted;
  for (const v1::PullRequest::Want& want : head().pull().wants()) {
    wanted.emplace_back();
    if (!want.has_rows()) continue;
    absl::StatusOr<std::vector<int64_t>> numbers = RowNumbers(request_.tensors()[want.rows()]);
    if (!numbers.ok()) return numbers.status();
    wanted.back() = *std::move(numbers);
  }
  return wanted;
}

absl::Status Turn::Repeat() {
  if (service_.store.changes() == last_.changes) {
    last_.names = std::move(names_);
    answer_head_->set_repeatable(true);
    answer_head_->set_unchanged(true);
    return absl::OkStatus();
  }
  absl::StatusOr<Cut> cut = service_.store.Pull(last_.variables);
  if (!cut.ok()) return cut.status();
  const std::vector<uint64_t> versions = last_.versions;
  return AnswerWith(*std::move(cut), last_.encodings,
                    [&](size_t i, uint64_t version) { return versions[i] == version; });
}

absl::Status Turn::AnswerWith(Cut cut, std::vector<wire::Encoding> encodings,
                              const std::function<bool(size_t i, uint64_t version)>& holds) {
  std::vector<Tensor> values;
  values.reserve(cut.variables.size());
  for (size_t i = 0; i < cut.variables.size(); ++i) {
    const PulledVariable& p = cut.variables[i];
    v1::TensorSpec* const spec = answer_head_->add_tensors();
    spec->set_name(p.variable->def.name);
    spec->set_dtype(wire::ToProto(p.variable->def.dtype));
    wire::ToProto(p.value.shape(), spec->mutable_shape());
    spec->set_version(p.version);
    spec->set_unchanged(holds(i, p.version));
    if (spec->unchanged()) {
      values.emplace_back();
      continue;
    }
    if (p.value.dtype() != DType::kFloat32) encodings[i] = wire::Encoding::kNone;
    spec->set_encoding(static_cast<v1::Encoding>(encodings[i]));
    absl::StatusOr<Tensor> value = p.value;
    if (encodings[i] != wire::Encoding::kNone) value = wire::Encode(encodings[i], p.value);
    if (!value.ok()) return value.status();
    p.variable->bytes_pulled += value->byte_size();
    values.push_back(*std::move(value));
  }
  absl::StatusOr<Pins::Pin> pin = service_.pins.Take(values);
  if (!pin.ok()) return pin.status();
  pin_ = *std::move(pin);
  pulled_ = std::move(values);
  Remember(cut, std::move(encodings));
  return absl::OkStatus();
}

void Turn::Remember(const Cut& cut, std::vector<wire::Encoding> encodings) {
  last_ = {};
  const bool rows = !head().has_push() && head().tensors_size() > 0;
  if (rows || cut.variables.size() > LastPull::kMaxVariables) return;
  last_.incarnation = head().pull().incarnation();
  last_.names = std::move(names_);
  last_.changes = cut.changes;
  last_.encodings = std::move(encodings);
  for (const PulledVariable& p : cut.variables) {
    last_.variables.push_back(p.variable);
    last_.versions.push_back(p.version);
  }
  answer_head_->set_repeatable(true);
}

void Turn::PullAndAnswer(const absl::Status& may_read) {
  const absl::Status status = Pull(may_read);
  if (!status.ok()) {
    if (!head().has_push()) {
      return Done(Prefixed(Who(head().pull()), status));
    }
    // The push stands.
    answer_head_->clear_tensors();
    answer_head_->set_pull_failed(true);
  }
  Answer();
}

void Turn::Answer() {
  answer_.emplace(*answer_head_, std::move(pulled_),
                  wire::FrameOptions{.body_bytes = body_bytes_,
                                     .checksums = head().checksums(),
                                     .flow_control = head().flow_control()});
  Done(absl::OkStatus());
}

void Turn::Refuse(const absl::Status& status) {
  spdlog::warn("push refused: {}", std::string(status.message()));
  charge_.Release();
  Done(status);
}

void Turn::Done(const absl::Status& status) {
  // What it holds may hold this.
  const std::function<void(const absl::Status&)> done = std::exchange(done_, nullptr);
  done(status);
}

}  // namespace varscope::server

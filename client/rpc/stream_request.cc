#include "client/rpc/stream_request.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/tensor/rows.h"
#include "proto/wire/frame_writer.h"

namespace varscope::internal {
namespace {

// Of an answer that makes no sense, or was damaged.
Outcome NotUnderstood(const absl::Status& status) {
  return OutcomeOf(
      {static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message())},
      [&](const char* key) -> std::optional<std::string> {
        const auto retry_info = status.GetPayload(key);
        return retry_info ? std::optional(std::string(*retry_info)) : std::nullopt;
      });
}

// In milliseconds: somewhat less than what is left, so that the server's answer, which says who was
// awaited, comes in time.
uint64_t TimeoutFor(Clock::time_point deadline) {
  using std::chrono::milliseconds;
  const auto left = std::chrono::floor<milliseconds>(deadline - Clock::now());
  const auto for_the_answer = std::min<milliseconds>(left / 10, std::chrono::seconds(2));
  return static_cast<uint64_t>(std::max<int64_t>((left - for_the_answer).count(), 1));
}

// Many small variables cost more to name than to send; large ones the cache holds on to.
constexpr uint64_t kMaxRepeatedBytes = uint64_t{64} << 20;

}  // namespace

void StreamRequest::AddPush(const PushRequest& push, const PushTensors& tensors,
                            const PushNumbers& numbers) {
  ToProto(push, tensors, pooled_.variables, &*head_);
  head_->mutable_push()->set_sequence(numbers.sequence);
  head_->mutable_push()->set_kept(numbers.kept);
  head_->mutable_push()->set_groups_version(numbers.groups_version);
  tensors_ = tensors.tensors;
}

void StreamRequest::AddPull(const PullSpec& spec, const Compression& compression) {
  pull_.emplace(spec);
  std::copy_if(spec.rows.begin(), spec.rows.end(), std::back_inserter(tensors_),
               [](const Tensor& rows) { return rows.defined(); });
  v1::FrameHeader& head = *head_;
  v1::PullRequest& pull = *head.mutable_pull();
  const std::vector<std::string>& names = spec.names;
  const LastPull& last = pooled_.last_pull;
  if (caches() && spec.rows.empty() && !last.names.empty() && last.names == names) {
    pull.set_repeat(true);
    repeats_ = true;
    return;
  }
  if (caches()) known_ = cache_.Find(names, pooled_.incarnation);
  known_.values.resize(names.size());
  pull.set_epoch(known_.epoch.server);
  wishes_.reserve(names.size());
  bool some_held = false;
  bool some_encoded = false;
  for (size_t i = 0; i < names.size(); ++i) {
    const PullWish& wish = wishes_.emplace_back(
        PullWish{.number = pooled_.variables.NumberOf(names[i], head),
                 .encoding = spec.exact ? wire::Encoding::kNone : compression.ForPull(names[i])});
    pull.add_variables(wish.number);
    if (!spec.whole(i)) known_.values[i].reset();
    some_held = some_held || known_.values[i];
    some_encoded = some_encoded || wish.encoding != wire::Encoding::kNone;
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const std::optional<PulledValue>& held = known_.values[i];
    if (some_held) pull.add_versions(held ? held->version + 1 : 0);
    if (some_encoded) pull.add_encodings(static_cast<v1::Encoding>(wishes_[i].encoding));
    if (!spec.rows.empty())
      pull.add_index_counts(spec.whole(i) ? 0
                                          : static_cast<uint64_t>(spec.rows[i].num_elements()) + 1);
  }
}

Outcome StreamRequest::Send(Clock::time_point deadline) {
  pooled_.stream->SetDeadline(deadline);
  head_->set_timeout_ms(TimeoutFor(deadline));
  Outcome outcome = Write();
  while (outcome.status.ok() && !answer_.has_head()) outcome = ReadFrame();
  if (!outcome.status.ok()) return outcome;
  if (!answer_.head().has_error()) return head_->has_push() ? outcome : ReadRest();
  // Refused by the server, whose side of the stream has forgotten as much.
  pooled_.variables = {};
  pooled_.last_pull = {};
  streams_.Keep(std::move(pooled_));
  return OutcomeOf(answer_.head().error());
}

Outcome StreamRequest::Write() {
  Stream& stream = *pooled_.stream;
  wire::FrameWriter request(*head_, std::move(tensors_), stream.frames());
  grpc::ByteBuffer frame;
  while (std::optional<grpc::ByteBuffer> next = request.Next()) {
    if (!stream.Write(*next)) return Ended();
    while (request.must_wait()) {
      if (!stream.Read(&frame)) return Ended();
      const std::optional<uint64_t> received = wire::DecodeAcknowledgement(frame);
      if (!received) return NotUnderstood(absl::InternalError("an answer before the request"));
      request.Acknowledged(*received);
    }
  }
  return {};
}

Outcome StreamRequest::ReadRest() {
  Outcome outcome;
  while (outcome.status.ok() && !answer_.complete()) outcome = ReadFrame();
  return outcome;
}

Outcome StreamRequest::ReadFrame() {
  Stream& stream = *pooled_.stream;
  grpc::ByteBuffer frame;
  if (!stream.Read(&frame)) return Ended();
  if (wire::DecodeAcknowledgement(frame)) return {};
  if (absl::Status status = answer_.Add(frame); !status.ok()) return NotUnderstood(status);
  if (!stream.frames().flow_control) return {};
  const std::optional<uint64_t> due = answer_.DueAcknowledgement();
  if (due && !stream.Write(wire::EncodeAcknowledgement(*due))) return Ended();
  return {};
}

Outcome StreamRequest::Ended() {
  // What ended this one has perhaps ended all.
  streams_.Renew();
  Outcome outcome = pooled_.stream->Finish();
  if (outcome.status.ok()) {
    // Within a request that is no end.
    outcome.status = {grpc::StatusCode::UNAVAILABLE, "the server ended the stream"};
  }
  return outcome;
}

absl::StatusOr<std::vector<wire::IncomingTensor>> StreamRequest::Expect(
    const v1::FrameHeader& answer) {
  std::vector<wire::IncomingTensor> none;
  if (answer.has_error()) return none;
  if (absl::Status status = pooled_.variables.Learn(answer); !status.ok()) return status;
  if (head_->has_push() && !answer.has_pushed()) {
    return absl::InternalError("the server gave no answer to a push");
  }
  if (!head_->has_push() && answer.pull_failed()) {
    return absl::InternalError("the server gave no values to a pull");
  }
  return pull_ && !answer.pull_failed() ? ExpectPulled(answer) : none;
}

absl::StatusOr<std::vector<wire::IncomingTensor>> StreamRequest::ExpectPulled(
    const v1::FrameHeader& answer) {
  std::vector<wire::IncomingTensor> tensors;
  if (repeats_) {
    if (answer.unchanged()) return tensors;
    const LastPull& last = pooled_.last_pull;
    wishes_ = last.wishes;
    known_.values.assign(last.values.begin(), last.values.end());
  }
  if (static_cast<size_t>(answer.versions_size()) != wishes_.size()) {
    return absl::InternalError(absl::StrCat("the server sends ", answer.versions_size(),
                                            " versions, expected ", wishes_.size()));
  }
  const bool current = repeats_ || known_.epoch.server == answer.epoch();
  tensors.reserve(wishes_.size());
  for (size_t i = 0; i < wishes_.size(); ++i) {
    std::optional<PulledValue>& held = known_.values[i];
    if (current && held && held->version == answer.versions(static_cast<int>(i))) continue;
    held.reset();
    const PullWish& wish = wishes_[i];
    const StreamVariables::Type& type = pooled_.variables.TypeOf(wish.number);
    absl::StatusOr<Shape> shape =
        pull_->whole(i) ? type.shape : RowsShape(type.shape, pull_->rows[i].num_elements());
    if (!shape.ok()) return shape.status();
    const bool encoded = type.dtype == DType::kFloat32;
    tensors.push_back(
        {type.dtype, *std::move(shape), encoded ? wish.encoding : wire::Encoding::kNone, {}});
  }
  return tensors;
}

PushAnswer StreamRequest::pushed() const {
  const v1::PushResponse& response = answer_.head().pushed();
  return {.global_step = response.global_step(),
          .group_step = response.group_step(),
          .applied = response.outcome() == v1::PushResponse::APPLIED};
}

bool StreamRequest::outlives_a_crash() const {
  return pushed().applied && answer_.head().pushed().durability() == v1::DURABILITY_SYNC;
}

PullResult StreamRequest::TakePulled() {
  LastPull& last_pull = pooled_.last_pull;
  const v1::FrameHeader& head = answer_.head();
  if (repeats_ && head.unchanged()) return last_pull.values;
  last_pull = {};
  std::vector<PulledValue> pulled;
  pulled.reserve(wishes_.size());
  uint64_t bytes = 0;
  auto next = answer_.tensors().begin();
  for (size_t i = 0; i < wishes_.size(); ++i) {
    std::optional<PulledValue>& held = known_.values[i];
    pulled.push_back(held ? *std::move(held)
                          : PulledValue{std::move(*next++), head.versions(static_cast<int>(i))});
    bytes += pulled[i].value.byte_size();
  }
  PullResult values(std::move(pulled));
  if (!caches()) return values;
  const PullCache::Epoch epoch{head.epoch(), pooled_.incarnation};
  if (!pull_->rows.empty()) {
    std::vector<PulledValue> whole(values.begin(), values.end());
    for (size_t i = 0; i < whole.size(); ++i) {
      if (!pull_->whole(i)) whole[i].value = Tensor();
    }
    cache_.Keep(epoch, pull_->names, whole);
    return values;
  }
  cache_.Keep(epoch, pull_->names, values);
  if (head.repeatable() && bytes <= kMaxRepeatedBytes) {
    values.Share();
    last_pull = {pull_->names, std::move(wishes_), values};
  }
  return values;
}

std::optional<PullResult> StreamRequest::TakeValues() {
  std::optional<PullResult> values;
  if (!ReadRest().status.ok()) return values;
  if (answer_.head().pull_failed()) {
    pooled_.last_pull = {};
  } else if (pull_) {
    values = TakePulled();
  }
  streams_.Keep(std::move(pooled_));
  return values;
}

}  // namespace varscope::internal

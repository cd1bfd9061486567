#include "server/rpc/reactors.h"

#include <spdlog/spdlog.h>

#include "absl/strings/str_cat.h"
#include "proto/core/names.h"
#include "proto/wire/convert.h"
#include "server/codec/push.h"
#include "server/rpc/convert.h"
#include "server/rpc/status.h"
#include "server/store/apply.h"

namespace varscope::server {
namespace {

template <typename Message>
bool Parse(const grpc::ByteBuffer& buffer, Message* message) {
  grpc::ByteBuffer copy(buffer);
  return grpc::SerializationTraits<Message>::Deserialize(&copy, message).ok();
}

template <typename Message>
grpc::ByteBuffer Serialize(const Message& message) {
  grpc::ByteBuffer buffer;
  bool own = false;
  grpc::SerializationTraits<Message>::Serialize(message, &buffer, &own);
  return buffer;
}

}  // namespace

PullReactor::PullReactor(Calls& calls, const Store& store, const grpc::ByteBuffer& request)
    : OwnedReactor(calls) {
  std::lock_guard lock(mutex_);
  if (!admitted().ok()) {
    Finish(ToGrpc(admitted()));
    return;
  }
  v1::PullRequest pull;
  if (!Parse(request, &pull)) {
    Finish({grpc::StatusCode::INVALID_ARGUMENT, "the pull request does not parse"});
    return;
  }
  std::vector<std::string> names;
  for (const v1::PullRequest::Want& want : pull.wants()) names.push_back(want.name());
  absl::StatusOr<std::vector<PulledVariable>> pulled = store.Pull(names);
  if (!pulled.ok()) {
    Finish(
        {static_cast<grpc::StatusCode>(pulled.status().raw_code()),
         absl::StrCat("worker '", Printable(pull.worker_id()), "': ", pulled.status().message())});
    return;
  }
  v1::FrameHeader head;
  std::vector<Tensor> tensors;
  head.set_global_step(store.global_step());
  for (size_t i = 0; i < pulled->size(); ++i) {
    PulledVariable& p = (*pulled)[i];
    const v1::PullRequest::Want& want = pull.wants(static_cast<int>(i));
    v1::TensorSpec* const spec = head.add_tensors();
    spec->set_name(p.variable->def.name);
    spec->set_dtype(wire::ToProto(p.variable->def.dtype));
    wire::ToProto(p.variable->def.shape, spec->mutable_shape());
    spec->set_version(p.version);
    spec->set_unchanged(want.has_version() && want.version() == p.version);
    if (!spec->unchanged()) p.variable->bytes_pulled += p.value.byte_size();
    tensors.push_back(spec->unchanged() ? Tensor() : std::move(p.value));
  }
  pulled->clear();
  frames_.emplace(std::move(head), std::move(tensors));
  WriteNext();
}

void PullReactor::WriteNext() {
  std::optional<grpc::ByteBuffer> next = frames_->Next();
  if (!next) {
    Finish(grpc::Status::OK);
    return;
  }
  frame_ = *std::move(next);
  StartWrite(&frame_);
}

void PullReactor::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  if (ok) return WriteNext();
  Finish({grpc::StatusCode::CANCELLED, "the worker stopped reading"});
}

PushReactor::PushReactor(Calls& calls, Store& store, const Workers& workers, Durability& durability,
                         uint64_t max_bytes, grpc::CallbackServerContext* context,
                         grpc::ByteBuffer* response)
    : OwnedReactor(calls),
      store_(store),
      workers_(workers),
      durability_(durability),
      max_bytes_(max_bytes),
      context_(context),
      response_(response),
      reader_([this](const v1::FrameHeader& head) { return CheckHead(head); }) {
  std::lock_guard lock(mutex_);
  if (admitted().ok()) {
    StartRead(&frame_);
    return;
  }
  finished_ = true;
  Finish(ToGrpc(admitted()));
}

absl::Status PushReactor::CheckHead(const v1::FrameHeader& head) {
  if (!head.has_push()) return absl::InvalidArgumentError("the first frame has no push head");
  const v1::PushHead& push = head.push();
  const absl::StatusOr<Asker> asker = workers_.Check(push.worker_id(), push.incarnation());
  if (!asker.ok()) return asker.status();
  if (absl::Status status = AdmitChange(durability_, *context_); !status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat("worker '", push.worker_id(),
                                     "': no push is taken now, pulls go on: ", status.message()));
  }
  return CheckPushHead(store_, head, max_bytes_);
}

absl::Status PushReactor::ApplyWhole() {
  if (absl::Status status = reader_.Finish(); !status.ok()) return status;
  const v1::PushHead& head = reader_.head().push();
  absl::StatusOr<Push> push =
      codec::FromProto(head, reader_.tensors(), workers_.Describe(head.worker_id()));
  if (!push.ok()) return push.status();
  reader_.tensors().clear();
  const absl::StatusOr<Applied> applied = Apply(store_, *std::move(push));
  if (!applied.ok()) return applied.status();
  v1::PushResponse response;
  codec::ToProto(*applied, &response);
  response.set_durability(static_cast<v1::Durability>(durability_.level()));
  *response_ = Serialize(response);
  return absl::OkStatus();
}

void PushReactor::OnReadDone(bool ok) {
  std::unique_lock lock(mutex_);
  if (finished_) return;
  const absl::Status status = ok ? reader_.Add(frame_) : ApplyWhole();
  frame_.Clear();
  if (ok && status.ok()) {
    StartRead(&frame_);
    return;
  }
  finished_ = true;
  // From here on this belongs to whoever answers.
  lock.unlock();
  if (!status.ok()) return Answer(status);
  durability_.AfterAllSoFar([this](const absl::Status& durable) { Answer(durable); });
}

void PushReactor::Answer(const absl::Status& status) {
  if (!status.ok()) spdlog::warn("push refused: {}", std::string(status.message()));
  Finish(ToGrpc(status));
}

}  // namespace varscope::server

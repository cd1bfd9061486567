#include "client/rpc/connection.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <optional>

#include "absl/strings/str_cat.h"
#include "client/rpc/convert.h"
#include "client/rpc/raw_call.h"
#include "client/rpc/status.h"
#include "proto/core/names.h"
#include "proto/wire/channel_arguments.h"
#include "proto/wire/convert.h"
#include "proto/wire/frame.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

constexpr const char* kPull = "/varscope.v1.ParameterServer/Pull";
constexpr const char* kPush = "/varscope.v1.ParameterServer/Push";

std::string HostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

std::string WorkerId(const ConnectOptions& options) {
  std::string id = options.worker_id;
  const char* const from_environment = std::getenv("VARSCOPE_WORKER");
  if (id.empty() && from_environment != nullptr) id = from_environment;
  if (id.empty()) {
    static std::atomic<int> next{0};
    id = absl::StrCat(HostName(), "-", getpid(), "-", next++);
  }
  if (absl::Status status = ValidateWorkerId(id); !status.ok()) {
    throw ValueError(std::string(status.message()));
  }
  return id;
}

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(wire::kMaxMessageBytes);
  for (const auto& [name, value] : wire::kChannelArguments) arguments.SetInt(name, value);
  // A daemon that restarts is found again soon.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // Each worker of one process has its own connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

Connection::Connection(const std::string& target, const ConnectOptions& options)
    : target_(target),
      worker_id_(WorkerId(options)),
      sharing_(options.sharing),
      timeout_(options.timeout),
      cache_pulls_(options.cache_pulls),
      channel_(OpenChannel(target)),
      stub_(v1::ParameterServer::NewStub(channel_)),
      host_(HostName()) {
  if (!channel_->WaitForConnected(Deadline())) {
    throw UnavailableError(absl::StrCat("worker '", worker_id_, "' cannot reach varscoped at ",
                                        target, " within ", timeout_.count() / 1000.0,
                                        " s: is it running, and is this its address?"));
  }
  v1::ConnectRequest request;
  request.set_worker_id(worker_id_);
  request.set_host(host_);
  request.set_pid(getpid());
  request.set_sharing(sharing_ == SharingMode::kReplicated ? v1::SHARING_REPLICATED
                                                           : v1::SHARING_GLOBAL);
  membership_ =
      std::make_unique<Membership>(*channel_, *stub_, target_, std::move(request), timeout_);
}

void Connection::Fill(Definer* definer) const {
  definer->worker_id = worker_id_;
  definer->host = host_;
  definer->pid = getpid();
}

std::vector<Resolved> Connection::Resolve(const std::vector<Definition>& definitions) {
  v1::ResolveRequest request;
  request.set_worker_id(worker_id_);
  for (Definition definition : definitions) {
    Fill(&definition.definer);
    ToProto(definition, request.add_definitions());
  }
  request.set_sequence(++resolves_);
  v1::ResolveResponse response;
  const grpc::Status status =
      membership_->Call(Deadline(), [&](grpc::ClientContext& context, uint64_t incarnation) {
        request.set_incarnation(incarnation);
        return stub_->Resolve(&context, request, &response);
      });
  ThrowIfFailed(status, "resolve", target_);
  if (response.resolutions_size() != static_cast<int>(definitions.size())) {
    throw OpError(absl::StrCat("varscoped at ", target_, " answered ", response.resolutions_size(),
                               " of ", definitions.size(), " definitions"));
  }
  std::vector<Resolved> resolved;
  for (const v1::Resolution& resolution : response.resolutions()) {
    resolved.push_back(FromProto(resolution));
  }
  return resolved;
}

std::vector<PulledValue> Connection::Pull(const std::vector<std::string>& names) {
  v1::PullRequest request;
  request.set_worker_id(worker_id_);
  for (const std::string& name : names) request.add_wants()->set_name(name);

  std::optional<wire::FrameReader> reader;
  PullCache::Known known;
  PullCache::Epoch epoch;
  absl::Status wrong;
  const auto attempt = [&](grpc::ClientContext& context, uint64_t incarnation) {
    known = cache_pulls_ ? cache_.Find(names, incarnation) : PullCache::Known();
    known.values.resize(names.size());
    epoch.incarnation = incarnation;
    reader.emplace([&](const v1::FrameHeader& head) {
      if (head.tensors_size() == static_cast<int>(names.size())) return absl::OkStatus();
      return absl::InternalError(absl::StrCat("the server sends ", head.tensors_size(),
                                              " tensors, asked for ", names.size()));
    });
    request.set_incarnation(incarnation);
    request.set_epoch(known.epoch.server);
    for (size_t i = 0; i < names.size(); ++i) {
      v1::PullRequest::Want& want = *request.mutable_wants(static_cast<int>(i));
      want.set_has_version(known.values[i].has_value());
      want.set_version(known.values[i] ? known.values[i]->version : 0);
    }
    RawCall call(channel_, kPull, context);
    call.Write(SerializeMessage(request), /*last=*/true);
    grpc::ByteBuffer frame;
    while (wrong.ok() && call.Read(&frame)) wrong = reader->Add(frame);
    if (wrong.ok()) return call.Finish();
    call.Cancel();
    call.Finish();
    return grpc::Status::OK;  // an answer, but not one that makes sense
  };
  const grpc::Status status = membership_->Call(Deadline(), attempt);
  ThrowIfError(wrong);
  ThrowIfFailed(status, "pull", target_);
  ThrowIfError(reader->Finish());
  std::vector<PulledValue> values;
  for (size_t i = 0; i < names.size(); ++i) {
    const v1::TensorSpec& spec = reader->head().tensors(static_cast<int>(i));
    if (!spec.unchanged()) {
      values.push_back({std::move(reader->tensors()[i]), spec.version()});
    } else if (known.values[i] && known.values[i]->version == spec.version()) {
      values.push_back(*std::move(known.values[i]));
    } else {
      throw OpError(absl::StrCat("varscoped at ", target_, " says that ", names[i],
                                 " has not changed, which this worker does not hold"));
    }
  }
  epoch.server = reader->head().epoch();
  if (cache_pulls_) cache_.Keep(epoch, names, values);
  return values;
}

PushAnswer Connection::Push(const PushRequest& request) {
  v1::FrameHeader head;
  std::vector<Tensor> tensors;
  ToProto(request, &head, &tensors);
  v1::PushHead* const push = head.mutable_push();
  push->set_worker_id(worker_id_);

  std::lock_guard lock(push_mutex_);
  grpc::ByteBuffer answer;
  bool answered = false;
  const auto attempt = [&](grpc::ClientContext& context, uint64_t incarnation) {
    // The same push, sent again, keeps its number; under another incarnation it is another push.
    if (push->incarnation() != incarnation) push->set_sequence(++sequence_);
    push->set_incarnation(incarnation);
    wire::FrameWriter writer(head, tensors);
    RawCall call(channel_, kPush, context);
    while (std::optional<grpc::ByteBuffer> frame = writer.Next()) {
      if (!call.Write(*frame, /*last=*/false)) break;
    }
    call.WritesDone();
    answered = call.Read(&answer);
    return call.Finish();
  };
  const grpc::Status status = membership_->Call(Deadline(), attempt);
  ThrowIfFailed(status, "push", target_);
  v1::PushResponse response;
  if (!answered || !ParseMessage(answer, &response)) {
    throw OpError(absl::StrCat("varscoped at ", target_, " gave no answer to a push"));
  }
  return {.global_step = response.global_step(),
          .group_step = response.group_step(),
          .applied = response.outcome() == v1::PushResponse::APPLIED};
}

std::vector<ListedVariable> Connection::List(const std::string& prefix) {
  v1::ListRequest request;
  request.set_prefix(prefix);
  v1::ListResponse response;
  const grpc::Status status =
      membership_->Call(Deadline(), [&](grpc::ClientContext& context, uint64_t) {
        return stub_->List(&context, request, &response);
      });
  ThrowIfFailed(status, "list", target_);
  std::vector<ListedVariable> variables;
  for (const v1::VariableInfo& info : response.variables()) variables.push_back(FromProto(info));
  return variables;
}

void Connection::Barrier(const std::string& name, uint32_t parties,
                         std::chrono::milliseconds timeout) {
  const std::chrono::milliseconds wait = timeout.count() > 0 ? timeout : timeout_;
  v1::BarrierRequest request;
  request.set_worker_id(worker_id_);
  request.set_name(name);
  request.set_parties(parties);
  request.set_timeout_ms(wait.count());
  v1::BarrierResponse response;
  const auto attempt = [&](grpc::ClientContext& context, uint64_t incarnation) {
    // The server's own deadline comes first, because its error says who is missing.
    context.set_deadline(Clock::now() + wait + timeout_);
    request.set_incarnation(incarnation);
    return stub_->Barrier(&context, request, &response);
  };
  const grpc::Status status = membership_->Call(Clock::now() + wait, attempt);
  ThrowIfFailed(status, "barrier", target_);
}

}  // namespace varscope::internal

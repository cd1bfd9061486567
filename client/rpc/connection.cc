#include "client/rpc/connection.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <future>
#include <iterator>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/rpc/convert.h"
#include "client/rpc/list_variables.h"
#include "client/rpc/status.h"
#include "proto/naming/names.h"
#include "proto/tensor/rows.h"
#include "proto/wire/address.h"
#include "proto/wire/frame_reader.h"
#include "proto/wire/protocol.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

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

std::string CheckedTarget(const std::string& target) {
  if (absl::Status status = ValidateTarget(target); !status.ok()) {
    throw ValueError(std::string(status.message()));
  }
  return target;
}

bool UseLocalTransport(const ConnectOptions& options) {
  const char* const from_environment = std::getenv("VARSCOPE_TRANSPORT");
  const std::string wanted = from_environment == nullptr ? "auto" : from_environment;
  if (wanted != "auto" && wanted != "target") {
    throw ValueError(absl::StrCat("VARSCOPE_TRANSPORT is auto or target, not '", wanted, "'"));
  }
  return options.transport == TransportMode::kAuto && wanted == "auto";
}

// Many small variables cost more to name than to send; large ones the cache holds on to.
constexpr uint64_t kMaxRepeatedBytes = uint64_t{64} << 20;

// Less than this is read sooner than a thread is started.
constexpr uint64_t kReadAtOnceBytes = uint64_t{1} << 20;

uint64_t BytesOf(const PullResult& values) {
  uint64_t bytes = 0;
  for (const PulledValue& value : values) bytes += value.value.byte_size();
  return bytes;
}

PushAnswer FromProto(const v1::PushResponse& response) {
  return {.global_step = response.global_step(),
          .group_step = response.group_step(),
          .applied = response.outcome() == v1::PushResponse::APPLIED};
}

}  // namespace

Connection::Connection(const std::string& target, const ConnectOptions& options)
    : target_(CheckedTarget(target)),
      worker_id_(WorkerId(options)),
      sharing_(options.sharing),
      timeout_(options.timeout),
      cache_pulls_(options.cache_pulls),
      channel_(OpenChannel(target)),
      stub_(v1::ParameterServer::NewStub(channel_)),
      admin_(v1::Admin::NewStub(channel_)),
      host_(HostName()),
      transport_(channel_, options.checksums),
      streams_([this](const WorkerSession& session) { return transport_.Open(session); }),
      prefetch_(options.prefetch) {
  const bool local = UseLocalTransport(options);
  v1::ConnectRequest request;
  request.set_protocol(wire::kProtocol);
  request.set_worker_id(worker_id_);
  request.set_host(host_);
  request.set_pid(getpid());
  request.set_sharing(sharing_ == SharingMode::kReplicated ? v1::SHARING_REPLICATED
                                                           : v1::SHARING_GLOBAL);
  const auto on_advertised = [this, local](const v1::LocalAddress& address) {
    if (local && transport_.SetAdvertised(address)) streams_.Renew();
  };
  membership_ = std::make_unique<Membership>(*channel_, *stub_, target_, std::move(request),
                                             timeout_, on_advertised);
  compression_.emplace(Accepted(options.compression, membership_->encodings()));
}

void Connection::Fill(Creator* creator) const {
  creator->worker_id = worker_id_;
  creator->host = host_;
  creator->pid = getpid();
}

std::vector<Resolved> Connection::Resolve(const std::vector<Definition>& definitions) {
  v1::ResolveRequest request;
  for (Definition definition : definitions) {
    Fill(&definition.creator);
    ToProto(definition, request.add_definitions());
  }
  request.set_sequence(++resolves_);
  v1::ResolveResponse response;
  const grpc::Status status = membership_->Call(Deadline(), [&](grpc::ClientContext& context) {
    return stub_->Resolve(&context, request, &response);
  });
  ThrowIfFailed(status, "resolve", target_);
  if (response.resolutions_size() != static_cast<int>(definitions.size())) {
    throw InternalError(absl::StrCat("varscoped at ", target_, " answered ",
                                     response.resolutions_size(), " of ", definitions.size(),
                                     " definitions"));
  }
  std::vector<Resolved> resolved;
  for (const v1::Resolution& resolution : response.resolutions()) {
    resolved.push_back(FromProto(resolution));
  }
  return resolved;
}

Connection::Values Connection::PullWanted(const Wanted& wanted) {
  return *End(Begin(nullptr, &wanted, Until::kEnd), &wanted);
}

PullResult Connection::Pull(const std::vector<std::string>& names) {
  if (std::optional<Values> values = prefetch_.Take(names)) return *std::move(values);
  return PullWanted({.names = names});
}

PullResult Connection::PullWhole(const std::vector<std::string>& names) {
  if (!compression_->ForPulls()) return Pull(names);
  return PullWanted({.names = names, .rounded = false});
}

PullResult Connection::PullRows(const std::vector<std::string>& names,
                                const std::vector<Tensor>& rows) {
  // Which rows the next step will want, nobody knows.
  prefetch_.Take({});
  return PullWanted({.names = names, .rows = rows});
}

PushAnswer Connection::Push(const PushRequest& request) {
  const bool brings = !request.steps.empty() && !request.more_to_come;
  const Names expected = brings ? prefetch_.Expected() : Names();
  if (expected.empty()) {
    prefetch_.Drop();
    UnderWay under_way = Begin(&request, nullptr, Until::kEnd);
    const PushAnswer pushed = *under_way.pushed;
    End(std::move(under_way), nullptr);
    return pushed;
  }
  const Wanted wanted{.names = expected};
  UnderWay under_way = Begin(&request, &wanted, Until::kHead);
  const PushAnswer pushed = *under_way.pushed;
  if (under_way.answer->missing_bytes() > kReadAtOnceBytes) {
    const auto rest = [this, expected](UnderWay under_way) {
      return Finish(std::move(under_way), expected);
    };
    // The push is done: without a thread the pull that wants the values reads them.
    constexpr auto kPolicy = std::launch::async | std::launch::deferred;
    prefetch_.Keep(expected, std::async(kPolicy, rest, std::move(under_way)));
  } else {
    std::promise<std::optional<Values>> values;
    values.set_value(Finish(std::move(under_way), expected));
    prefetch_.Keep(expected, values.get_future());
  }
  return pushed;
}

std::optional<Connection::Values> Connection::Finish(UnderWay under_way, const Names& names) {
  // The pull that wants them asks again then, and hears why.
  if (!streams_.ReadRest(under_way.pooled, *under_way.answer).status.ok()) return std::nullopt;
  const Wanted wanted{.names = names};
  return End(std::move(under_way), &wanted);
}

RemoteStore::PushedAndPulled Connection::PushAndPull(const PushRequest& request,
                                                     const std::vector<std::string>& names) {
  prefetch_.Drop();
  const Wanted wanted{.names = names};
  UnderWay under_way = Begin(&request, &wanted, Until::kEnd);
  const PushAnswer pushed = *under_way.pushed;
  return {pushed, End(std::move(under_way), &wanted)};
}

Connection::UnderWay Connection::Begin(const PushRequest* push, const Wanted* wanted, Until until) {
  const Clock::time_point deadline = Deadline();
  std::optional<PushOrder::Ticket> ticket;
  PushTensors tensors;
  Compression::Residuals lost;
  if (push != nullptr) {
    tensors = TensorsOf(*push);
    ticket = order_.Begin(LanesOf(*push), deadline);
    if (!ticket) throw DeadlineExceededError(WaitedForOthers());
    lost = compression_->Encode(*push, tensors);
  }
  if (wanted != nullptr) {
    std::copy_if(wanted->rows.begin(), wanted->rows.end(), std::back_inserter(tensors.tensors),
                 [](const Tensor& rows) { return rows.defined(); });
  }
  UnderWay under_way;
  uint64_t numbered_for = 0;  // incarnation
  uint64_t sequence = 0;
  const auto attempt = [&](const WorkerSession& session) {
    under_way = UnderWay{.pooled = streams_.Take(session)};
    const wire::Header own_head;
    v1::FrameHeader& head = *own_head;
    if (push != nullptr) {
      // Sent again it keeps its number; under another incarnation it is another push.
      if (numbered_for != session.incarnation) {
        const std::optional<uint64_t> number = ticket->Number(deadline);
        if (!number) throw DeadlineExceededError(WaitedForOthers());
        numbered_for = session.incarnation;
        sequence = *number;
      }
      ToProto(*push, tensors, under_way.pooled.variables, &head);
      v1::PushHead& own = *head.mutable_push();
      own.set_groups_version(membership_->groups_version());
      own.set_sequence(sequence);
    }
    if (wanted != nullptr) AskFor(*wanted, under_way, head);
    under_way.answer.emplace(
        [&](const v1::FrameHeader& answer) { return Expect(wanted, under_way, answer); });
    Outcome outcome =
        streams_.Ask(under_way.pooled, head, tensors.tensors, deadline, *under_way.answer);
    if (!outcome.status.ok() || until == Until::kHead) return outcome;
    return streams_.ReadRest(under_way.pooled, *under_way.answer);
  };
  const grpc::Status status = membership_->Run(deadline, attempt);
  if (!status.ok()) prefetch_.Drop();
  ThrowIfFailed(status, push != nullptr ? "push" : "pull", target_);
  if (push == nullptr) return under_way;
  if (!under_way.answer->head().has_pushed()) {
    throw InternalError(absl::StrCat("varscoped at ", target_, " gave no answer to a push"));
  }
  under_way.pushed = FromProto(under_way.answer->head().pushed());
  if (under_way.pushed->applied) compression_->Keep(std::move(lost));
  return under_way;
}

std::optional<Connection::Values> Connection::End(UnderWay under_way, const Wanted* wanted) {
  std::optional<Values> values;
  if (under_way.answer->head().pull_failed()) {
    under_way.pooled.last_pull = {};
  } else if (wanted != nullptr) {
    values = TakeValues(*wanted, under_way);
  }
  streams_.Keep(std::move(under_way.pooled));
  return values;
}

void Connection::AskFor(const Wanted& wanted, UnderWay& under_way, v1::FrameHeader& head) const {
  v1::PullRequest& pull = *head.mutable_pull();
  const Names& names = wanted.names;
  const LastPull& last = under_way.pooled.last_pull;
  if (Caches(wanted) && wanted.rows.empty() && last.IsOf(names)) {
    pull.set_repeat(true);
    under_way.repeats = true;
    return;
  }
  under_way.known =
      Caches(wanted) ? cache_.Find(names, under_way.pooled.incarnation) : PullCache::Known();
  under_way.known.values.resize(names.size());
  pull.set_epoch(under_way.known.epoch.server);
  under_way.wishes.reserve(names.size());
  bool some_held = false;
  bool some_encoded = false;
  for (size_t i = 0; i < names.size(); ++i) {
    PullWish& wish = under_way.wishes.emplace_back(
        PullWish{.number = under_way.pooled.variables.NumberOf(names[i], head)});
    if (wanted.rounded) wish.encoding = compression_->ForPull(names[i]);
    if (!wanted.whole(i)) wish.rows = wanted.rows[i].num_elements();
    some_held = some_held || under_way.known.values[i];
    some_encoded = some_encoded || wish.encoding != wire::Encoding::kNone;
    pull.add_variables(wish.number);
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const PullWish& wish = under_way.wishes[i];
    const std::optional<PulledValue>& held = under_way.known.values[i];
    if (some_held) pull.add_versions(held && !wish.rows ? held->version + 1 : 0);
    if (some_encoded) pull.add_encodings(static_cast<v1::Encoding>(wish.encoding));
    if (!wanted.rows.empty())
      pull.add_index_counts(wish.rows ? static_cast<uint64_t>(*wish.rows) + 1 : 0);
  }
}

absl::StatusOr<std::vector<wire::IncomingTensor>> Connection::Expect(
    const Wanted* wanted, UnderWay& under_way, const v1::FrameHeader& head) const {
  std::vector<wire::IncomingTensor> tensors;
  if (head.has_error()) return tensors;
  if (absl::Status status = under_way.pooled.variables.Learn(head); !status.ok()) return status;
  if (wanted == nullptr || head.pull_failed()) return tensors;
  if (under_way.repeats) {
    if (head.unchanged()) return tensors;
    under_way.wishes = under_way.pooled.last_pull.wishes;
    under_way.known.values = under_way.pooled.last_pull.Known();
  }
  const Names& names = wanted->names;
  if (static_cast<size_t>(head.versions_size()) != names.size()) {
    return absl::InternalError(absl::StrCat("the server sends ", head.versions_size(),
                                            " versions, expected ", names.size()));
  }
  tensors.reserve(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    if (under_way.Holds(i, head)) continue;
    const PullWish& wish = under_way.wishes[i];
    const StreamVariables::Type& type = under_way.pooled.variables.TypeOf(wish.number);
    absl::StatusOr<Shape> shape = wish.rows ? RowsShape(type.shape, *wish.rows) : type.shape;
    if (!shape.ok()) return shape.status();
    const bool encoded = type.dtype == DType::kFloat32;
    tensors.push_back(
        {type.dtype, *std::move(shape), encoded ? wish.encoding : wire::Encoding::kNone, {}});
  }
  return tensors;
}

Connection::Values Connection::TakeValues(const Wanted& wanted, UnderWay& under_way) {
  LastPull& last_pull = under_way.pooled.last_pull;
  const v1::FrameHeader& head = under_way.answer->head();
  if (under_way.repeats && head.unchanged()) return last_pull.values;
  Values values = Merge(under_way);
  last_pull = {};
  if (!Caches(wanted)) return values;
  const PullCache::Epoch epoch{head.epoch(), under_way.pooled.incarnation};
  if (wanted.rows.empty()) {
    cache_.Keep(epoch, wanted.names, values);
  } else {
    std::vector<PulledValue> whole(values.begin(), values.end());
    for (size_t i = 0; i < whole.size(); ++i) {
      if (!wanted.whole(i)) whole[i].value = Tensor();
    }
    cache_.Keep(epoch, wanted.names, whole);
  }
  if (head.repeatable() && BytesOf(values) <= kMaxRepeatedBytes) {
    values.Share();
    last_pull = {wanted.names, std::move(under_way.wishes), values};
  }
  return values;
}

std::string Connection::WaitedForOthers() const {
  return absl::StrCat("worker '", worker_id_, "': for ", timeout_.count(), " ms its push waited ",
                      "for other pushes of this worker to varscoped at ", target_,
                      "; it was not applied");
}

PushOrder::Lanes Connection::LanesOf(const PushRequest& push) const {
  PushOrder::Lanes lanes;
  if (compression_->Concerns(push)) lanes.emplace_back("compression");
  if (push.steps.empty() || push.steps[0].updates.empty()) return lanes;
  const Membership::Groups groups = membership_->groups();
  const auto group = FindLongestPrefix(
      *groups, [](const SyncGroup& g) -> absl::string_view { return g.prefix; },
      push.steps[0].updates[0].variable);
  if (group != groups->end() && group->in_step) {
    lanes.push_back(absl::StrCat("group ", group->prefix));
  }
  return lanes;
}

Connection::Values Connection::Merge(UnderWay& under_way) {
  const v1::FrameHeader& head = under_way.answer->head();
  std::vector<PulledValue> values;
  values.reserve(under_way.wishes.size());
  auto next = under_way.answer->tensors().begin();
  for (size_t i = 0; i < under_way.wishes.size(); ++i) {
    if (under_way.Holds(i, head)) {
      values.push_back(*std::move(under_way.known.values[i]));
    } else {
      values.push_back({std::move(*next++), head.versions(static_cast<int>(i))});
    }
  }
  return values;
}

std::vector<ListedVariable> Connection::List(const std::string& prefix) {
  v1::ListVariablesRequest request;
  request.set_prefix(prefix);
  v1::ListVariablesResponse response;
  const grpc::Status status = membership_->Call(Deadline(), [&](grpc::ClientContext& context) {
    return ListVariables(*admin_, context, request, &response);
  });
  ThrowIfFailed(status, "list", target_);
  std::vector<ListedVariable> variables;
  for (const v1::VariableInfo& info : response.variables()) variables.push_back(FromProto(info));
  return variables;
}

void Connection::Barrier(const std::string& name, uint32_t parties,
                         std::chrono::milliseconds timeout) {
  prefetch_.Drop();
  const std::chrono::milliseconds wait = timeout.count() > 0 ? timeout : timeout_;
  v1::BarrierRequest request;
  request.set_name(name);
  request.set_parties(parties);
  request.set_timeout_ms(wait.count());
  v1::BarrierResponse response;
  const auto attempt = [&](grpc::ClientContext& context) {
    // The server's own deadline comes first, because its error says who is missing.
    context.set_deadline(Clock::now() + wait + timeout_);
    return stub_->Barrier(&context, request, &response);
  };
  const grpc::Status status = membership_->Call(Clock::now() + wait, attempt);
  ThrowIfFailed(status, "barrier", target_);
}

}  // namespace varscope::internal

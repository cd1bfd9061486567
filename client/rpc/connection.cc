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
#include "proto/core/address.h"
#include "proto/core/names.h"
#include "proto/core/rows.h"
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
      exchange_([this](const WorkerSession& session) { return transport_.Open(session); }),
      prefetch_(options.prefetch) {
  const bool local = UseLocalTransport(options);
  v1::ConnectRequest request;
  request.set_protocol(wire::kProtocol);
  request.set_worker_id(worker_id_);
  request.set_host(host_);
  request.set_pid(getpid());
  request.set_sharing(sharing_ == SharingMode::kReplicated ? v1::SHARING_REPLICATED
                                                           : v1::SHARING_GLOBAL);
  const auto offer = [this, local](const v1::LocalAddress& address) {
    if (local && transport_.Offer(address)) exchange_.Renew();
  };
  membership_ =
      std::make_unique<Membership>(*channel_, *stub_, target_, std::move(request), timeout_, offer);
  compression_.emplace(Accepted(options.compression, membership_->encodings()));
}

void Connection::Fill(Definer* definer) const {
  definer->worker_id = worker_id_;
  definer->host = host_;
  definer->pid = getpid();
}

std::vector<Resolved> Connection::Resolve(const std::vector<Definition>& definitions) {
  v1::ResolveRequest request;
  for (Definition definition : definitions) {
    Fill(&definition.definer);
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
    UnderWay turn = Begin(&request, nullptr, Until::kEnd);
    const PushAnswer pushed = *turn.pushed;
    End(std::move(turn), nullptr);
    return pushed;
  }
  const Wanted wanted{.names = expected};
  UnderWay turn = Begin(&request, &wanted, Until::kHead);
  const PushAnswer pushed = *turn.pushed;
  if (turn.answer->missing_bytes() > kReadAtOnceBytes) {
    const auto rest = [this, expected](UnderWay turn) { return Finish(std::move(turn), expected); };
    // The push is done: without a thread the pull that wants the values reads them.
    constexpr auto kPolicy = std::launch::async | std::launch::deferred;
    prefetch_.Keep(expected, std::async(kPolicy, rest, std::move(turn)));
  } else {
    std::promise<std::optional<Values>> values;
    values.set_value(Finish(std::move(turn), expected));
    prefetch_.Keep(expected, values.get_future());
  }
  return pushed;
}

std::optional<Connection::Values> Connection::Finish(UnderWay turn, const Names& names) {
  // The pull that wants them asks again then, and hears why.
  if (!exchange_.ReadRest(turn.line, *turn.answer).status.ok()) return std::nullopt;
  const Wanted wanted{.names = names};
  return End(std::move(turn), &wanted);
}

RemoteStore::PushedAndPulled Connection::PushAndPull(const PushRequest& request,
                                                     const std::vector<std::string>& names) {
  prefetch_.Drop();
  const Wanted wanted{.names = names};
  UnderWay turn = Begin(&request, &wanted, Until::kEnd);
  const PushAnswer pushed = *turn.pushed;
  return {pushed, End(std::move(turn), &wanted)};
}

Connection::UnderWay Connection::Begin(const PushRequest* push, const Wanted* wanted, Until until) {
  const Clock::time_point deadline = Deadline();
  std::optional<PushOrder::Turn> own_turn;
  PushTensors tensors;
  Compression::Residuals lost;
  if (push != nullptr) {
    tensors = TensorsOf(*push);
    own_turn = order_.Begin(LanesOf(*push), deadline);
    if (!own_turn) throw DeadlineExceededError(WaitedForOthers());
    lost = compression_->Encode(*push, tensors);
  }
  if (wanted != nullptr) {
    std::copy_if(wanted->rows.begin(), wanted->rows.end(), std::back_inserter(tensors.tensors),
                 [](const Tensor& rows) { return rows.defined(); });
  }
  UnderWay turn;
  uint64_t numbered_for = 0;  // incarnation
  uint64_t sequence = 0;
  const auto attempt = [&](const WorkerSession& session) {
    turn = UnderWay{.line = exchange_.Take(session)};
    const wire::Header own_head;
    v1::FrameHeader& head = *own_head;
    if (push != nullptr) {
      // Sent again it keeps its number; under another incarnation it is another push.
      if (numbered_for != session.incarnation) {
        const std::optional<uint64_t> number = own_turn->Number(deadline);
        if (!number) throw DeadlineExceededError(WaitedForOthers());
        numbered_for = session.incarnation;
        sequence = *number;
      }
      ToProto(*push, tensors, turn.line.variables, &head);
      v1::PushHead& own = *head.mutable_push();
      own.set_groups_version(membership_->groups_version());
      own.set_sequence(sequence);
    }
    if (wanted != nullptr) AskFor(*wanted, turn, head);
    turn.answer.emplace(
        [&](const v1::FrameHeader& answer) { return Expect(wanted, turn, answer); });
    Outcome outcome = exchange_.Ask(turn.line, head, tensors.tensors, deadline, *turn.answer);
    if (!outcome.status.ok() || until == Until::kHead) return outcome;
    return exchange_.ReadRest(turn.line, *turn.answer);
  };
  const grpc::Status status = membership_->Run(deadline, attempt);
  if (!status.ok()) prefetch_.Drop();
  ThrowIfFailed(status, push != nullptr ? "push" : "pull", target_);
  if (push == nullptr) return turn;
  if (!turn.answer->head().has_pushed()) {
    throw InternalError(absl::StrCat("varscoped at ", target_, " gave no answer to a push"));
  }
  turn.pushed = FromProto(turn.answer->head().pushed());
  if (turn.pushed->applied) compression_->Keep(std::move(lost));
  return turn;
}

std::optional<Connection::Values> Connection::End(UnderWay turn, const Wanted* wanted) {
  std::optional<Values> values;
  if (turn.answer->head().pull_failed()) {
    turn.line.last_pull = {};
  } else if (wanted != nullptr) {
    values = TakeValues(*wanted, turn);
  }
  exchange_.Keep(std::move(turn.line));
  return values;
}

void Connection::AskFor(const Wanted& wanted, UnderWay& turn, v1::FrameHeader& head) const {
  v1::PullRequest& pull = *head.mutable_pull();
  const Names& names = wanted.names;
  const LastPull& last = turn.line.last_pull;
  if (Caches(wanted) && wanted.rows.empty() && last.IsOf(names)) {
    pull.set_repeat(true);
    turn.repeats = true;
    return;
  }
  turn.known = Caches(wanted) ? cache_.Find(names, turn.line.incarnation) : PullCache::Known();
  turn.known.values.resize(names.size());
  pull.set_epoch(turn.known.epoch.server);
  turn.wishes.reserve(names.size());
  bool some_held = false;
  bool some_encoded = false;
  for (size_t i = 0; i < names.size(); ++i) {
    PullWish& wish =
        turn.wishes.emplace_back(PullWish{.number = turn.line.variables.NumberOf(names[i], head)});
    if (wanted.rounded) wish.encoding = compression_->ForPull(names[i]);
    if (!wanted.whole(i)) wish.rows = wanted.rows[i].num_elements();
    some_held = some_held || turn.known.values[i];
    some_encoded = some_encoded || wish.encoding != wire::Encoding::kNone;
    pull.add_variables(wish.number);
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const PullWish& wish = turn.wishes[i];
    const std::optional<PulledValue>& held = turn.known.values[i];
    if (some_held) pull.add_versions(held && !wish.rows ? held->version + 1 : 0);
    if (some_encoded) pull.add_encodings(static_cast<v1::Encoding>(wish.encoding));
    if (!wanted.rows.empty()) pull.add_rows(wish.rows ? static_cast<uint64_t>(*wish.rows) + 1 : 0);
  }
}

absl::StatusOr<std::vector<wire::IncomingTensor>> Connection::Expect(
    const Wanted* wanted, UnderWay& turn, const v1::FrameHeader& head) const {
  std::vector<wire::IncomingTensor> tensors;
  if (head.has_error()) return tensors;
  if (absl::Status status = turn.line.variables.Learn(head); !status.ok()) return status;
  if (wanted == nullptr || head.pull_failed()) return tensors;
  if (turn.repeats) {
    if (head.unchanged()) return tensors;
    turn.wishes = turn.line.last_pull.wishes;
    turn.known.values = turn.line.last_pull.Known();
  }
  const Names& names = wanted->names;
  if (static_cast<size_t>(head.versions_size()) != names.size()) {
    return absl::InternalError(absl::StrCat("the server sends ", head.versions_size(),
                                            " versions, expected ", names.size()));
  }
  tensors.reserve(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    if (turn.Holds(i, head)) continue;
    const PullWish& wish = turn.wishes[i];
    const StreamVariables::Type& type = turn.line.variables.TypeOf(wish.number);
    absl::StatusOr<Shape> shape = wish.rows ? RowsShape(type.shape, *wish.rows) : type.shape;
    if (!shape.ok()) return shape.status();
    const bool encoded = type.dtype == DType::kFloat32;
    tensors.push_back(
        {type.dtype, *std::move(shape), encoded ? wish.encoding : wire::Encoding::kNone, {}});
  }
  return tensors;
}

Connection::Values Connection::TakeValues(const Wanted& wanted, UnderWay& turn) {
  LastPull& last_pull = turn.line.last_pull;
  const v1::FrameHeader& head = turn.answer->head();
  if (turn.repeats && head.unchanged()) return last_pull.values;
  Values values = Merge(turn);
  last_pull = {};
  if (!Caches(wanted)) return values;
  const PullCache::Epoch epoch{head.epoch(), turn.line.incarnation};
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
    last_pull = {wanted.names, std::move(turn.wishes), values};
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

Connection::Values Connection::Merge(UnderWay& turn) {
  const v1::FrameHeader& head = turn.answer->head();
  std::vector<PulledValue> values;
  values.reserve(turn.wishes.size());
  auto next = turn.answer->tensors().begin();
  for (size_t i = 0; i < turn.wishes.size(); ++i) {
    if (turn.Holds(i, head)) {
      values.push_back(*std::move(turn.known.values[i]));
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

#include "client/rpc/connection.h"

#include <algorithm>
#include <future>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/rpc/convert.h"
#include "client/rpc/definition_batch.h"
#include "client/rpc/list_parts.h"
#include "client/rpc/reason.h"
#include "proto/naming/names.h"
#include "varscope/errors.h"

namespace varscope::internal {

Connection::Open::Open(const std::string& target, const ConnectOptions& options)
    : server(target, options),
      session(server, options),
      order(absl::StrCat("worker '", session.worker_id(), "': for ", options.timeout.count(),
                         " ms its push waited for other pushes of this worker to varscoped at ",
                         target, "; it was not applied")),
      compression(Accepted(options.compression, session.encodings())),
      prefetch(options.prefetch) {}

Connection::Connection(const std::string& target, const ConnectOptions& options)
    : timeout_(options.timeout), open_(target, options) {}

std::vector<Resolved> Connection::Resolve(const std::vector<Definition>& definitions) {
  const Clock::time_point deadline = Deadline();
  DefineAgain(deadline);
  std::vector<Resolved> resolved = Define(definitions, deadline);
  open_->definitions.Add(definitions, resolved);
  return resolved;
}

void Connection::DefineAgain(Clock::time_point deadline) {
  const uint64_t losses = open_->session.losses();
  if (open_->defined_at == losses) return;
  MutexLock lock(open_->defining_again);
  if (open_->defined_at == losses) return;
  absl::flat_hash_set<std::string> present;
  for (ListedVariable& variable : List("", deadline)) present.insert(std::move(variable.name));
  const std::vector<Defined> again = open_->definitions.ForStoreWith(present);
  std::vector<Definition> definitions;
  definitions.reserve(again.size());
  for (const Defined& one : again) definitions.push_back(one.definition);
  const std::vector<Resolved> resolved =
      definitions.empty() ? std::vector<Resolved>() : Define(definitions, deadline);
  for (size_t i = 0; i < again.size(); ++i) {
    const std::vector<std::string>& names = again[i].variables;
    const auto is_same = [](const ResolvedVariable& variable, const std::string& name) {
      return variable.name == name;
    };
    if (std::ranges::equal(resolved[i].variables, names, is_same)) continue;
    throw FailedPreconditionError(absl::StrCat(
        "worker '", worker_id(), "': the store of varscoped at ", open_->server.target(),
        " is another one, or older, than that in which variable ", names.front(),
        " was defined, and it cannot be defined there again: ",
        resolved[i].variables.empty()
            ? absl::StrCat(resolved[i].message, "\n", resolved[i].detail)
            : absl::StrCat("the name is another worker's, this one's would be ",
                           resolved[i].variables.front().name),
        "; build the graph anew"));
  }
  open_->defined_at = losses;
}

std::vector<Resolved> Connection::Define(const std::vector<Definition>& definitions,
                                         Clock::time_point deadline) {
  std::vector<Resolved> resolved;
  for (std::span<const Definition> rest = definitions; !rest.empty();) {
    const std::span<const Definition> batch = FirstBatch(rest);
    DefineBatch(batch, deadline, resolved);
    rest = rest.subspan(batch.size());
  }
  return resolved;
}

void Connection::DefineBatch(std::span<const Definition> definitions, Clock::time_point deadline,
                             std::vector<Resolved>& resolved) {
  v1::ResolveRequest request;
  for (Definition definition : definitions) {
    open_->session.Sign(definition.creator);
    ToProto(definition, request.add_definitions());
  }
  request.set_sequence(++open_->resolves);
  v1::ResolveResponse response;
  open_->session.Call("resolve", deadline,
                      [&](const ServerChannel& channel, grpc::ClientContext& context) {
                        return channel.parameter_server().Resolve(&context, request, &response);
                      });
  if (response.resolutions_size() != static_cast<int>(definitions.size())) {
    throw InternalError(absl::StrCat("varscoped at ", open_->server.target(), " answered ",
                                     response.resolutions_size(), " of ", definitions.size(),
                                     " definitions"));
  }
  for (const v1::Resolution& resolution : response.resolutions()) {
    resolved.push_back(FromProto(resolution));
  }
}

PullResult Connection::Pull(const std::vector<std::string>& names) {
  if (Prefetch::Values values = open_->prefetch.Take(names)) return *std::move(values);
  return PullNow({.names = names});
}

PullResult Connection::PullWhole(const std::vector<std::string>& names) {
  if (!open_->compression.ForPulls()) return Pull(names);
  return PullNow({.names = names, .exact = true});
}

PullResult Connection::PullRows(const std::vector<std::string>& names,
                                const std::vector<Tensor>& rows) {
  // Which rows the next step will want, nobody knows.
  open_->prefetch.Take({});
  return PullNow({.names = names, .rows = rows});
}

PushAnswer Connection::Push(const PushRequest& push) {
  const bool ends_a_step = !push.steps.empty() && !push.more_to_come;
  if (const auto names = ends_a_step ? open_->prefetch.Expected() : nullptr) {
    return PushAndPrefetch(push, names);
  }
  return PushAndPull(push, {}).answer;
}

RemoteStore::PushedAndPulled Connection::PushAndPull(const PushRequest& push,
                                                     const std::vector<std::string>& names) {
  open_->prefetch.Drop();
  const std::unique_ptr<StreamRequest> request = PushNow(push, names);
  return {request->pushed(), request->TakeValues()};
}

PushAnswer Connection::PushAndPrefetch(const PushRequest& push,
                                       const std::shared_ptr<const Prefetch::Names>& names) {
  // Less than this is read sooner than a thread is started.
  constexpr uint64_t kReadAtOnceBytes = uint64_t{1} << 20;
  std::unique_ptr<StreamRequest> request = PushNow(push, *names);
  const PushAnswer answer = request->pushed();
  const bool at_once = request->missing_bytes() <= kReadAtOnceBytes;
  // The push is done: without a thread the pull that wants the values reads them.
  const auto policy = at_once ? std::launch::deferred : std::launch::async | std::launch::deferred;
  std::future<Prefetch::Values> values =
      std::async(policy, [names, request = std::move(request)] { return request->TakeValues(); });
  if (at_once) values.wait();
  open_->prefetch.Keep(*names, std::move(values));
  return answer;
}

PullResult Connection::PullNow(const PullSpec& spec) {
  const Clock::time_point deadline = Deadline();
  std::optional<StreamRequest> request;
  Run("pull", deadline, [&](const Incarnation& incarnation) {
    request.emplace(open_->server.streams(), open_->server.pull_cache(), incarnation);
    request->AddPull(spec, open_->compression);
    return request->Send(deadline);
  });
  return *request->TakeValues();
}

std::unique_ptr<StreamRequest> Connection::PushNow(const PushRequest& push,
                                                   const std::vector<std::string>& names) {
  const Clock::time_point deadline = Deadline();
  PushTensors tensors = TensorsOf(push);
  PushOrder::Ticket ticket(open_->order, LanesOf(push), deadline);
  Compression::Residuals lost = open_->compression.Encode(push, tensors);
  std::unique_ptr<StreamRequest> request;
  Run("push", deadline, [&](const Incarnation& incarnation) {
    const uint64_t number = ticket.NumberFor(incarnation.number);
    request = std::make_unique<StreamRequest>(open_->server.streams(), open_->server.pull_cache(),
                                              incarnation);
    request->AddPush(push, tensors,
                     {.sequence = number,
                      .kept = ticket.KeptOf(incarnation.number),
                      .groups_version = incarnation.groups_version});
    if (!names.empty()) request->AddPull({.names = names}, open_->compression);
    return request->Send(deadline);
  });
  if (request->pushed().applied) open_->compression.Keep(std::move(lost));
  if (request->outlives_a_crash()) ticket.Keep();
  return request;
}

void Connection::Run(const char* call, Clock::time_point deadline,
                     const WorkerSession::Attempt& attempt) {
  DefineAgain(deadline);
  const grpc::Status status = open_->session.Run(deadline, attempt);
  if (!status.ok()) open_->prefetch.Drop();
  ThrowIfFailed(status, call, open_->server.target());
}

PushOrder::Lanes Connection::LanesOf(const PushRequest& push) const {
  PushOrder::Lanes lanes;
  if (open_->compression.Concerns(push)) lanes.emplace_back("compression");
  if (push.steps.empty() || push.steps[0].updates.empty()) return lanes;
  const Groups groups = open_->session.groups();
  const auto group = FindGroupOf(
      *groups, [](const SyncGroup& g) -> absl::string_view { return g.prefix; },
      push.steps[0].updates[0].variable);
  if (group != groups->end() && group->in_step) {
    lanes.push_back(absl::StrCat("group ", group->prefix));
  }
  return lanes;
}

std::vector<ListedVariable> Connection::List(const std::string& prefix) {
  return List(prefix, Deadline());
}

std::vector<ListedVariable> Connection::List(const std::string& prefix,
                                             Clock::time_point deadline) {
  v1::ListVariablesRequest request;
  request.set_prefix(prefix);
  v1::ListVariablesResponse response;
  open_->session.Call("list", deadline,
                      [&](const ServerChannel& channel, grpc::ClientContext& context) {
                        return ReadParts(channel.admin(), &v1::Admin::Stub::ListVariables, context,
                                         request, &response);
                      });
  std::vector<ListedVariable> variables;
  for (const v1::VariableInfo& info : response.variables()) variables.push_back(FromProto(info));
  return variables;
}

void Connection::Barrier(const std::string& name, uint32_t parties,
                         std::chrono::milliseconds timeout) {
  open_->prefetch.Drop();
  constexpr std::chrono::milliseconds kLongestBarrier = std::chrono::hours(24);  // the server's
  const auto longest = timeout.count() > 0 ? std::min(timeout, kLongestTimeout)
                                           : std::min(timeout_, kLongestBarrier);
  const Clock::time_point deadline = Clock::now() + longest;
  v1::BarrierRequest request;
  request.set_name(name);
  request.set_parties(parties);
  request.set_sequence(open_->barriers.NextSequence(open_->session.first_incarnation()));
  request.set_passed(open_->barriers.LastOf(name));
  v1::BarrierResponse response;
  open_->session.Call(
      "barrier", deadline, [&](const ServerChannel& channel, grpc::ClientContext& context) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        request.set_timeout_ms(std::max<int64_t>(left.count(), 1));
        // The server's own deadline comes first, because its error says who is missing.
        constexpr std::chrono::seconds kForTheAnswer{2};
        context.set_deadline(ToGrpc(deadline + kForTheAnswer));
        grpc::Status status = channel.parameter_server().Barrier(&context, request, &response);
        request.set_again(true);
        return status;
      });
  open_->barriers.Passed(name, response.round());
}

}  // namespace varscope::internal

#include "client/rpc/worker_session.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/graph/log.h"
#include "client/rpc/convert.h"
#include "client/rpc/reason.h"
#include "proto/wire/protocol.h"
#include "proto/wire/random.h"
#include "proto/wire/session.h"
#include "varscope/errors.h"

namespace varscope::internal {

using std::chrono::milliseconds;

namespace {

// A first attempt that nobody answers is told after this time only: servers and workers are often
// started together.
constexpr milliseconds kQuietWait{1000};
// Longer than the server's own limit; a number of the clock's in any case.
constexpr uint64_t kLongestLeaseMs = uint64_t{7} * 24 * 3600 * 1000;

v1::ConnectRequest RequestOf(const ConnectOptions& options, const std::string& worker_id) {
  v1::ConnectRequest request;
  request.set_protocol(wire::kProtocol);
  request.set_worker_id(worker_id);
  request.set_host(HostName());
  request.set_pid(getpid());
  request.set_sharing(options.sharing == SharingMode::kReplicated ? v1::SHARING_REPLICATED
                                                                  : v1::SHARING_GLOBAL);
  return request;
}

}  // namespace

WorkerSession::WorkerSession(ServerClient& server, const ConnectOptions& options)
    : server_(server),
      sharing_(options.sharing),
      timeout_(options.timeout),
      id_(options),
      request_(RequestOf(options, id_.text())) {
  RegisterFirst();
  if (lease_.count() == 0) return;
  try {
    heartbeats_ = std::thread([this, lease = lease_] { SendHeartbeats(lease); });
  } catch (const std::system_error& error) {
    throw ResourceExhaustedError(absl::StrCat("worker '", worker_id(),
                                              "': no thread for its heartbeats to ",
                                              server_.target(), ": ", error.what()));
  }
}

WorkerSession::~WorkerSession() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    if (heartbeat_ != nullptr) heartbeat_->TryCancel();
  }
  stop_.NotifyAll();
  if (heartbeats_.joinable()) heartbeats_.join();
  Deregister();
}

void WorkerSession::Sign(Creator& creator) const {
  creator.worker_id = worker_id();
  creator.host = request_.host();
  creator.pid = request_.pid();
}

void WorkerSession::RegisterFirst() {
  const Clock::time_point start = Clock::now();
  Reason reason;  // why nobody has answered so far
  std::string told;
  const grpc::Status status = Register([&](Outcome& outcome) {
    if (!NobodyAnswered(outcome.status)) return;
    // The last attempt's time may be too short to find out.
    const bool cut_off = outcome.status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
    if (!cut_off || reason.text.empty()) reason = ReasonOf(outcome.status);
    outcome.hopeless = !reason.may_pass;
    if (Clock::now() < start + kQuietWait || reason.text == told) return;
    told = reason.text;
    Log().warn(absl::StrCat("worker '", worker_id(), "' waits for varscoped at ", server_.target(),
                            ": ", told));
  });
  if (!NobodyAnswered(status)) return ThrowIfFailed(status, "connect", server_.target());
  const std::string waited =
      reason.may_pass ? absl::StrCat(" within ", timeout_.count() / 1000.0, " s") : "";
  throw UnavailableError(absl::StrCat("worker '", worker_id(), "' cannot reach varscoped at ",
                                      server_.target(), waited, ": ", reason.text));
}

grpc::Status WorkerSession::Register(const std::function<void(Outcome&)>& inspect) {
  v1::ConnectRequest request = request_;
  request.set_nonce(Random64());
  v1::ConnectResponse response;
  const Clock::time_point deadline = Clock::now() + timeout_;
  const Outcome result = RunOnFreshChannels(deadline, [&] {
    Outcome outcome =
        TryOnce(deadline, "", [&](const ServerChannel& channel, grpc::ClientContext& context) {
          return channel.parameter_server().Connect(&context, request, &response);
        });
    inspect(outcome);
    return outcome;
  });
  if (!result.status.ok()) return result.status;
  if (response.protocol() != wire::kProtocol) {
    return {
        grpc::StatusCode::FAILED_PRECONDITION,
        absl::StrCat("the server speaks protocol ", std::max(1U, response.protocol()), ", worker '",
                     worker_id(), "' (varscope ", VARSCOPE_VERSION, ") speaks protocol ",
                     wire::kProtocol, "; use the same version of varscope for both")};
  }
  server_.SetAdvertised(response.local());
  auto groups = std::make_shared<std::vector<SyncGroup>>();
  for (const v1::SyncGroup& group : response.groups()) groups->push_back(FromProto(group));
  MutexLock lock(mutex_);
  if (incarnation_.number == 0) {
    encodings_ = response.encodings();
    first_incarnation_ = response.incarnation();
  }
  groups_ = std::move(groups);
  incarnation_ = {incarnation_.number + 1, response.session_key(), response.groups_version()};
  if (store_ != 0 && store_ != response.store()) {
    moved_ = true;
    ++losses_;
  }
  store_ = response.store();
  lease_ = milliseconds(std::min(response.lease_ms(), kLongestLeaseMs));
  return result.status;
}

grpc::Status WorkerSession::RegisterAgain(uint64_t over, Reconnect how) {
  MutexLock registering(registering_);
  if (incarnation().number != over) return grpc::Status::OK;
  {
    MutexLock lock(mutex_);
    if (how == Reconnect::kThenResend) evicted_.insert(over);
    if (how == Reconnect::kThenReport) ++losses_;
  }
  return Register([](Outcome&) {});
}

bool WorkerSession::WasEvicted(uint64_t incarnation, const grpc::Status& status) const {
  MutexLock lock(mutex_);
  return status.error_code() == grpc::StatusCode::ABORTED && evicted_.contains(incarnation);
}

Incarnation WorkerSession::incarnation() const {
  MutexLock lock(mutex_);
  return incarnation_;
}

Outcome WorkerSession::RunOnFreshChannels(Clock::time_point deadline,
                                          const std::function<Outcome()>& attempt) {
  const ChannelNow channel = [this] { return server_.channel()->grpc(); };
  return WithRetries(channel, deadline, [&] {
    const std::shared_ptr<const ServerChannel> used = server_.channel();
    Outcome outcome = attempt();
    if (ConnectionFailed(outcome)) server_.Replace(used);
    return outcome;
  });
}

grpc::Status WorkerSession::Moved() const {
  return {
      grpc::StatusCode::ABORTED,
      absl::StrCat("varscoped at ", server_.target(), " does not know worker '", worker_id(),
                   "' any more: it has another store, or was started again without its state "
                   "(--data-dir keeps it). What this run computed was not applied; the worker has "
                   "connected anew, and the next run goes on with the store that is there: what "
                   "this worker defined is defined there again where it is missing, with its "
                   "initial value")};
}

grpc::Status WorkerSession::MovedSince(uint64_t store) {
  MutexLock lock(mutex_);
  if (!moved_ && store_ == store) return grpc::Status::OK;
  moved_ = false;
  return Moved();
}

uint64_t WorkerSession::store() const {
  MutexLock lock(mutex_);
  return store_;
}

grpc::Status WorkerSession::Run(Clock::time_point deadline, const Attempt& attempt) {
  const uint64_t store = this->store();
  for (;;) {
    // What was computed from one store is not for another.
    if (grpc::Status moved = MovedSince(store); !moved.ok()) return moved;
    const Incarnation incarnation = this->incarnation();
    const Outcome result = RunOnFreshChannels(deadline, [&] { return attempt(incarnation); });
    const std::optional<Reconnect> how =
        result.reconnect || !WasEvicted(incarnation.number, result.status) ? result.reconnect
                                                                           : Reconnect::kThenResend;
    if (!how) return result.status;
    grpc::Status registered = RegisterAgain(incarnation.number, *how);
    if (*how == Reconnect::kThenReport) {
      // The one that knows no key of this worker's is another store.
      MovedSince(store);
      const bool unknown = result.status.error_code() == grpc::StatusCode::UNAUTHENTICATED;
      return unknown && registered.ok() ? Moved() : result.status;
    }
    if (!registered.ok()) return registered;
  }
}

Outcome WorkerSession::TryOnce(Clock::time_point deadline, const std::string& session_key,
                               const UnaryAttempt& attempt) {
  const std::shared_ptr<const ServerChannel> channel = server_.channel();
  grpc::ClientContext context;
  context.set_deadline(ToGrpc(deadline));
  if (!session_key.empty()) context.AddMetadata(wire::kSessionMetadata, session_key);
  const CallList::Entry entry(channel->calls(), context);
  return OutcomeOf(attempt(*channel, context), context);
}

void WorkerSession::Call(const char* call, Clock::time_point deadline,
                         const UnaryAttempt& attempt) {
  const grpc::Status status = Run(deadline, [&](const Incarnation& incarnation) {
    return TryOnce(deadline, incarnation.session_key, attempt);
  });
  ThrowIfFailed(status, call, server_.target());
}

bool WorkerSession::SendHeartbeat(Clock::time_point deadline, grpc::ClientContext& context,
                                  uint64_t incarnation) {
  context.set_deadline(ToGrpc(deadline));
  const std::shared_ptr<const ServerChannel> channel = server_.channel();
  v1::HeartbeatResponse response;
  const grpc::Status status =
      channel->parameter_server().Heartbeat(&context, v1::HeartbeatRequest(), &response);
  if (status.ok()) server_.SetAdvertised(response.local());
  const Outcome outcome = OutcomeOf(status, context);
  // Whoever cancels it ends the session.
  const bool cancelled = status.error_code() == grpc::StatusCode::CANCELLED;
  if (ConnectionFailed(outcome) && !cancelled) server_.Replace(channel);
  // A heartbeat is answered at once: what else waits for this connection waits in vain.
  if (outcome.silent) channel->calls()->CancelAll();
  // An eviction is mended before the next call meets it; what a call has to report, it meets.
  if (outcome.reconnect == Reconnect::kThenResend) RegisterAgain(incarnation, *outcome.reconnect);
  return !outcome.silent;
}

void WorkerSession::SendHeartbeats(milliseconds lease) {
  // A heartbeat that is late for a busy server's sake should not cost the connection.
  constexpr milliseconds kShortestPatience{1000};
  const milliseconds interval = std::max(lease / 3, milliseconds(1));
  milliseconds pause = interval;
  MutexLock lock(mutex_);
  while (!stop_.WaitFor(mutex_, pause,
                        [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; })) {
    grpc::ClientContext context;
    heartbeat_ = &context;
    const uint64_t incarnation = incarnation_.number;
    context.AddMetadata(wire::kSessionMetadata, incarnation_.session_key);
    {
      MutexUnlock sending(mutex_);
      const Clock::time_point deadline = Clock::now() + std::max(interval, kShortestPatience);
      // The next one is sent at once over the new connection.
      pause = SendHeartbeat(deadline, context, incarnation) ? interval : milliseconds(0);
    }
    heartbeat_ = nullptr;
  }
}

void WorkerSession::Deregister() {
  v1::DisconnectResponse response;
  grpc::ClientContext context;
  context.AddMetadata(wire::kSessionMetadata, incarnation().session_key);
  context.set_deadline(ToGrpc(Clock::now() + std::chrono::seconds(1)));
  // Without an answer the lease runs out.
  server_.channel()->parameter_server().Disconnect(&context, v1::DisconnectRequest(), &response);
}

}  // namespace varscope::internal

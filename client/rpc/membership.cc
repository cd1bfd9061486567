#include "client/rpc/membership.h"

#include <algorithm>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "client/graph/log.h"
#include "client/rpc/convert.h"
#include "client/rpc/reason.h"
#include "client/rpc/status.h"
#include "proto/wire/protocol.h"
#include "proto/wire/random.h"
#include "varscope/errors.h"

namespace varscope::internal {

using std::chrono::milliseconds;

namespace {

// A first attempt that nobody answers is told after this time only: servers and workers are often
// started together.
constexpr milliseconds kQuietWait{1000};
// Longer than the server's own limit; a number of the clock's in any case.
constexpr uint64_t kLongestLeaseMs = uint64_t{7} * 24 * 3600 * 1000;

}  // namespace

Membership::Membership(grpc::Channel& channel, v1::ParameterServer::Stub& stub, std::string target,
                       v1::ConnectRequest request, milliseconds timeout, OnAdvertised on_advertised)
    : channel_(channel),
      stub_(stub),
      target_(std::move(target)),
      request_(std::move(request)),
      timeout_(timeout),
      on_advertised_(std::move(on_advertised)) {
  RegisterFirst();
  if (lease_.count() == 0) return;
  try {
    heartbeats_ = std::thread([this, lease = lease_] { SendHeartbeats(lease); });
  } catch (const std::system_error& error) {
    throw ResourceExhaustedError(absl::StrCat("worker '", request_.worker_id(),
                                              "': no thread for its heartbeats to ", target_, ": ",
                                              error.what()));
  }
}

Membership::~Membership() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    if (heartbeat_ != nullptr) heartbeat_->TryCancel();
  }
  stop_.NotifyAll();
  if (heartbeats_.joinable()) heartbeats_.join();
  Deregister();
}

void Membership::RegisterFirst() {
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
    Log().warn(absl::StrCat("worker '", request_.worker_id(), "' waits for varscoped at ", target_,
                            ": ", told));
  });
  if (!NobodyAnswered(status)) return ThrowIfFailed(status, "connect", target_);
  const std::string waited =
      reason.may_pass ? absl::StrCat(" within ", timeout_.count() / 1000.0, " s") : "";
  throw UnavailableError(absl::StrCat("worker '", request_.worker_id(),
                                      "' cannot reach varscoped at ", target_, waited, ": ",
                                      reason.text));
}

grpc::Status Membership::Register(const std::function<void(Outcome&)>& inspect) {
  v1::ConnectRequest request = request_;
  request.set_nonce(Random64());
  v1::ConnectResponse response;
  const Clock::time_point deadline = Clock::now() + timeout_;
  const Outcome result = WithRetries(channel_, deadline, [&] {
    grpc::ClientContext context;
    context.set_deadline(deadline);
    Outcome outcome = OutcomeOf(stub_.Connect(&context, request, &response), context);
    inspect(outcome);
    return outcome;
  });
  if (!result.status.ok()) return result.status;
  if (response.protocol() != wire::kProtocol) {
    return {
        grpc::StatusCode::FAILED_PRECONDITION,
        absl::StrCat("the server speaks protocol ", std::max(1U, response.protocol()), ", worker '",
                     request_.worker_id(), "' (varscope ", VARSCOPE_VERSION, ") speaks protocol ",
                     wire::kProtocol, "; use the same version of varscope for both")};
  }
  on_advertised_(response.local());
  auto groups = std::make_shared<std::vector<SyncGroup>>();
  for (const v1::SyncGroup& group : response.groups()) groups->push_back(FromProto(group));
  MutexLock lock(mutex_);
  if (session_.incarnation == 0) encodings_ = response.encodings();
  groups_ = std::move(groups);
  groups_version_ = response.groups_version();
  session_ = {response.incarnation(), response.session_key()};
  lease_ = milliseconds(std::min(response.lease_ms(), kLongestLeaseMs));
  return result.status;
}

grpc::Status Membership::RegisterAgain(uint64_t over, Reconnect how) {
  MutexLock registering(registering_);
  if (session().incarnation != over) return grpc::Status::OK;
  {
    MutexLock lock(mutex_);
    if (how == Reconnect::kThenResend) evicted_.insert(over);
  }
  return Register([](Outcome&) {});
}

bool Membership::WasEvicted(uint64_t incarnation, const grpc::Status& status) const {
  MutexLock lock(mutex_);
  return status.error_code() == grpc::StatusCode::ABORTED && evicted_.contains(incarnation);
}

WorkerSession Membership::session() const {
  MutexLock lock(mutex_);
  return session_;
}

grpc::Status Membership::Run(Clock::time_point deadline, const Attempt& attempt) {
  for (;;) {
    const WorkerSession session = this->session();
    const Outcome result = WithRetries(channel_, deadline, [&] { return attempt(session); });
    const std::optional<Reconnect> how =
        result.reconnect || !WasEvicted(session.incarnation, result.status)
            ? result.reconnect
            : Reconnect::kThenResend;
    if (!how) return result.status;
    const grpc::Status registered = RegisterAgain(session.incarnation, *how);
    if (*how == Reconnect::kThenReport) return result.status;
    if (!registered.ok()) return registered;
  }
}

grpc::Status Membership::Call(Clock::time_point deadline, const UnaryAttempt& attempt) {
  return Run(deadline, [&](const WorkerSession& session) {
    grpc::ClientContext context;
    context.set_deadline(deadline);
    session.AddTo(context);
    return OutcomeOf(attempt(context), context);
  });
}

void Membership::SendHeartbeats(milliseconds lease) {
  const milliseconds interval = std::max(lease / 3, milliseconds(1));
  const v1::HeartbeatRequest request;
  MutexLock lock(mutex_);
  while (!stop_.WaitFor(mutex_, interval,
                        [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; })) {
    grpc::ClientContext context;
    context.set_deadline(Clock::now() + std::max(lease, milliseconds(1000)));
    heartbeat_ = &context;
    const uint64_t incarnation = session_.incarnation;
    session_.AddTo(context);
    {
      MutexUnlock sending(mutex_);
      v1::HeartbeatResponse response;
      const grpc::Status status = stub_.Heartbeat(&context, request, &response);
      if (status.ok()) on_advertised_(response.local());
      // An eviction is mended before the next call meets it; what a call has to report, it meets.
      const auto retry_info = OutcomeOf(status, context).reconnect;
      if (retry_info == Reconnect::kThenResend) RegisterAgain(incarnation, *retry_info);
    }
    heartbeat_ = nullptr;
  }
}

void Membership::Deregister() {
  v1::DisconnectResponse response;
  grpc::ClientContext context;
  session().AddTo(context);
  context.set_deadline(Clock::now() + std::chrono::seconds(1));
  // Without an answer the lease runs out.
  stub_.Disconnect(&context, v1::DisconnectRequest(), &response);
}

}  // namespace varscope::internal

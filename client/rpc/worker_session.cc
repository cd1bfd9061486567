#include "client/rpc/worker_session.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/graph/log.h"
#include "client/rpc/convert.h"
#include "client/rpc/reason.h"
#include "proto/naming/names.h"
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

v1::ConnectRequest RequestOf(const ConnectOptions& options) {
  v1::ConnectRequest request;
  request.set_protocol(wire::kProtocol);
  request.set_worker_id(WorkerId(options));
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
      request_(RequestOf(options)) {
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
  const Outcome result = WithRetries(server_.channel(), deadline, [&] {
    grpc::ClientContext context;
    context.set_deadline(ToGrpc(deadline));
    Outcome outcome =
        OutcomeOf(server_.parameter_server().Connect(&context, request, &response), context);
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
  if (incarnation_.number == 0) encodings_ = response.encodings();
  groups_ = std::move(groups);
  incarnation_ = {response.incarnation(), response.session_key(), response.groups_version()};
  lease_ = milliseconds(std::min(response.lease_ms(), kLongestLeaseMs));
  return result.status;
}

grpc::Status WorkerSession::RegisterAgain(uint64_t over, Reconnect how) {
  MutexLock registering(registering_);
  if (incarnation().number != over) return grpc::Status::OK;
  {
    MutexLock lock(mutex_);
    if (how == Reconnect::kThenResend) evicted_.insert(over);
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

grpc::Status WorkerSession::Run(Clock::time_point deadline, const Attempt& attempt) {
  for (;;) {
    const Incarnation incarnation = this->incarnation();
    const Outcome result =
        WithRetries(server_.channel(), deadline, [&] { return attempt(incarnation); });
    const std::optional<Reconnect> how =
        result.reconnect || !WasEvicted(incarnation.number, result.status) ? result.reconnect
                                                                           : Reconnect::kThenResend;
    if (!how) return result.status;
    const grpc::Status registered = RegisterAgain(incarnation.number, *how);
    if (*how == Reconnect::kThenReport) return result.status;
    if (!registered.ok()) return registered;
  }
}

void WorkerSession::Call(const char* call, Clock::time_point deadline,
                         const UnaryAttempt& attempt) {
  const grpc::Status status = Run(deadline, [&](const Incarnation& incarnation) {
    grpc::ClientContext context;
    context.set_deadline(ToGrpc(deadline));
    context.AddMetadata(wire::kSessionMetadata, incarnation.session_key);
    return OutcomeOf(attempt(context), context);
  });
  ThrowIfFailed(status, call, server_.target());
}

void WorkerSession::SendHeartbeats(milliseconds lease) {
  const milliseconds interval = std::max(lease / 3, milliseconds(1));
  const v1::HeartbeatRequest request;
  MutexLock lock(mutex_);
  while (!stop_.WaitFor(mutex_, interval,
                        [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; })) {
    grpc::ClientContext context;
    context.set_deadline(ToGrpc(Clock::now() + std::max(lease, milliseconds(1000))));
    heartbeat_ = &context;
    const uint64_t incarnation = incarnation_.number;
    context.AddMetadata(wire::kSessionMetadata, incarnation_.session_key);
    {
      MutexUnlock sending(mutex_);
      v1::HeartbeatResponse response;
      const grpc::Status status =
          server_.parameter_server().Heartbeat(&context, request, &response);
      if (status.ok()) server_.SetAdvertised(response.local());
      // An eviction is mended before the next call meets it; what a call has to report, it meets.
      const auto retry_info = OutcomeOf(status, context).reconnect;
      if (retry_info == Reconnect::kThenResend) RegisterAgain(incarnation, *retry_info);
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
  server_.parameter_server().Disconnect(&context, v1::DisconnectRequest(), &response);
}

}  // namespace varscope::internal

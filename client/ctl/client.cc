#include "client/ctl/client.h"

#include <unistd.h>

#include <iostream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "client/rpc/deadline.h"
#include "client/rpc/reason.h"
#include "client/rpc/server_client.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "proto/wire/random.h"

namespace varscope::ctl {

using std::chrono::milliseconds;

int Refuse(const std::string& why, int code) {
  std::cerr << "varscopectl: " << why << "\n";
  return code;
}

Client::Client(const std::string& target, std::optional<double> timeout)
    : target_(target), timeout_(timeout), channel_(internal::OpenChannel(target)) {}

milliseconds Client::Timeout(Patience patience) const {
  const double seconds = timeout_.value_or(patience == Patience::kQuick ? 5 : 60);
  return milliseconds(static_cast<int64_t>(seconds * 1000));
}

grpc::Status Client::Retried(
    Patience patience, const std::function<grpc::Status(grpc::ClientContext&)>& attempt) const {
  const auto deadline = internal::Clock::now() + Timeout(patience);
  for (;;) {
    grpc::ClientContext context;
    context.set_deadline(internal::ToGrpc(deadline));
    grpc::Status status = attempt(context);
    const bool full = internal::BuffersWereFull(status);
    if (!full && !internal::IsOfAnotherCall(status, target_)) return status;
    if (full) std::this_thread::sleep_for(milliseconds(20));
    if (!channel_->WaitForConnected(internal::ToGrpc(deadline))) return status;
  }
}

int Client::Health(std::ostream& out) {
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status =
      Send(&grpc::health::v1::Health::Stub::Check, grpc::health::v1::HealthCheckRequest(),
           &response, Patience::kQuick);
  if (!status.ok()) return Failed(status);
  const bool serving = response.status() == response.SERVING;
  out << (serving ? "serving" : "not serving") << "\n";
  return serving ? kExitOk : kExitRefused;
}

internal::Connection Client::Connect() const {
  return {target_,
          {.worker_id = absl::StrCat("varscopectl-", getpid(), "-", absl::Hex(Random64())),
           .timeout = Timeout(Patience::kLong)}};
}

int Client::Failed(const grpc::Status& status) const {
  if (internal::NobodyAnswered(status)) {
    return Refuse(
        absl::StrCat("no varscoped answers at ", target_, ": ", internal::ReasonOf(status).text),
        kExitNoAnswer);
  }
  return Refuse(internal::ReasonOf(status).text);
}

bool Client::WaitForConnected(Patience patience) const {
  // Not until somebody is there: that nobody is, the call itself tells, and why.
  const auto deadline = internal::ToGrpc(internal::Clock::now() + Timeout(patience));
  grpc_connectivity_state state = channel_->GetState(/*try_to_connect=*/true);
  while (state != GRPC_CHANNEL_READY && state != GRPC_CHANNEL_TRANSIENT_FAILURE) {
    if (!channel_->WaitForStateChange(state, deadline)) return false;
    state = channel_->GetState(/*try_to_connect=*/true);
  }
  return state == GRPC_CHANNEL_READY;
}

int Client::Perhaps(const char* what) const {
  std::cerr << "varscopectl: varscoped at " << target_ << " was gone before it answered: the "
            << what << " may have happened; varscopectl snapshots, list and workers tell\n";
  return kExitNoAnswer;
}

int Client::NotYet(const char* what) const {
  std::cerr << "varscopectl: no answer from varscoped at " << target_ << " within "
            << Timeout(Patience::kLong).count() / 1000.0 << " s: the " << what
            << " may still happen; varscopectl snapshots, list and workers tell, --timeout waits "
               "longer\n";
  return kExitNoAnswer;
}

}  // namespace varscope::ctl

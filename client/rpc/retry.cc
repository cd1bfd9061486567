#include "client/rpc/retry.h"

#include <algorithm>
#include <random>
#include <thread>

#include "absl/strings/numbers.h"
#include "client/rpc/reason.h"

namespace varscope::internal {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstWait{20};
constexpr milliseconds kLongestWait{1000};

bool IsTheNetworks(const grpc::Status& status) {
  // A stream that a dying server cuts ends in any of these.
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::CANCELLED ||
         status.error_code() == grpc::StatusCode::UNKNOWN;
}

milliseconds Jittered(milliseconds wait) {
  thread_local std::minstd_rand random(std::random_device{}());
  return milliseconds(
      std::uniform_int_distribution<int64_t>(wait.count() / 2, wait.count())(random));
}

}  // namespace

Outcome OutcomeOf(const grpc::Status& status, const RetryInfo& retry_info) {
  Outcome outcome{.status = status, .retry_after = {}, .reconnect = {}};
  if (status.ok()) return outcome;
  int64_t delay = 0;
  if (const auto text = retry_info(kRetryAfterKey); text && absl::SimpleAtoi(*text, &delay)) {
    outcome.retry_after = milliseconds(std::clamp<int64_t>(delay, 1, 60000));
  }
  if (const auto how = retry_info(kReconnectKey); how && how->size() == 1) {
    const bool report = how->front() == static_cast<char>(Reconnect::kThenReport);
    outcome.reconnect = report ? Reconnect::kThenReport : Reconnect::kThenResend;
  }
  return outcome;
}

Outcome OutcomeOf(const v1::Error& error) {
  // One that says OK is none.
  const auto code =
      error.code() == 0 ? grpc::StatusCode::INTERNAL : static_cast<grpc::StatusCode>(error.code());
  return OutcomeOf({code, error.message()}, [&](const char* key) -> std::optional<std::string> {
    std::optional<std::string> last;
    for (const v1::NamedText& info : error.retry_info()) {
      if (info.name() == key) last = info.value();
    }
    return last;
  });
}

Outcome OutcomeOf(const grpc::Status& status, const grpc::ClientContext& context) {
  Outcome outcome = OutcomeOf(status, [&](const char* key) -> std::optional<std::string> {
    const auto& metadata = context.GetServerTrailingMetadata();
    const auto it = metadata.find(key);
    if (it == metadata.end()) return std::nullopt;
    return std::string(it->second.data(), it->second.size());
  });
  // gRPC's own text; the server says who was awaited.
  outcome.silent = status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED &&
                   status.error_message() == "Deadline Exceeded";
  if (BuffersWereFull(status)) outcome.retry_after = kFirstWait;
  return outcome;
}

bool ConnectionFailed(const Outcome& outcome) {
  return outcome.silent || (IsTheNetworks(outcome.status) && !outcome.retry_after);
}

Outcome WithRetries(const ChannelNow& channel, Clock::time_point deadline,
                    const std::function<Outcome()>& attempt) {
  for (milliseconds wait = kFirstWait;; wait = std::min(wait * 2, kLongestWait)) {
    Outcome outcome = attempt();
    if (outcome.status.ok() || outcome.hopeless) return outcome;
    if (!outcome.retry_after && !IsTheNetworks(outcome.status)) return outcome;
    const Clock::time_point next = Clock::now() + Jittered(outcome.retry_after.value_or(wait));
    if (next >= deadline) {
      outcome.reconnect.reset();
      return outcome;
    }
    std::this_thread::sleep_until(next);
    channel()->WaitForConnected(ToGrpc(std::min(deadline, Clock::now() + kLongestWait)));
  }
}

}  // namespace varscope::internal

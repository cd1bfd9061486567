#include "client/rpc/retry.h"

#include <algorithm>
#include <random>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace varscope::internal {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstWait{20};
constexpr milliseconds kLongestWait{1000};

// The delay that the daemon asks for.
std::optional<milliseconds> AskedDelay(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto it = metadata.find(kRetryAfterKey);
  int64_t delay = 0;
  if (it == metadata.end()) return std::nullopt;
  const absl::string_view text(it->second.data(), it->second.size());
  if (!absl::SimpleAtoi(text, &delay)) return std::nullopt;
  return milliseconds(std::clamp<int64_t>(delay, 1, 60000));
}

bool IsTheNetworks(const grpc::Status& status) {
  // A stream that a dying daemon cuts ends in any of these.
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

std::optional<Reconnect> AskedReconnect(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto it = metadata.find(kReconnectKey);
  if (it == metadata.end() || it->second.size() != 1) return std::nullopt;
  return *it->second.data() == static_cast<char>(Reconnect::kAndReport) ? Reconnect::kAndReport
                                                                        : Reconnect::kAndSendAgain;
}

CallResult WithRetries(grpc::Channel& channel, Clock::time_point deadline,
                       const std::function<grpc::Status(grpc::ClientContext&)>& attempt) {
  for (milliseconds wait = kFirstWait;; wait = std::min(wait * 2, kLongestWait)) {
    grpc::ClientContext context;
    context.set_deadline(deadline);
    const grpc::Status status = attempt(context);
    if (status.ok()) return {status, std::nullopt};
    const std::optional<milliseconds> asked = AskedDelay(context);
    if (!asked && !IsTheNetworks(status)) return {status, AskedReconnect(context)};
    const Clock::time_point next = Clock::now() + Jittered(asked.value_or(wait));
    if (next >= deadline) return {status, std::nullopt};
    std::this_thread::sleep_until(next);
    channel.WaitForConnected(std::min(deadline, Clock::now() + kLongestWait));
  }
}

}  // namespace varscope::internal

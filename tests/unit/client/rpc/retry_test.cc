// What is tried again, until when, and what the server's retry info does. No test waits for long:
// the waits that it has are those that were asked for, of milliseconds.
#include "client/rpc/retry.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/client/rpc/lonely_server.h"

namespace varscope::internal {
namespace {

using std::chrono::milliseconds;

Outcome Failed(grpc::StatusCode code) { return {.status = {code, "because"}}; }

class RetryTest : public ::testing::Test {
 protected:
  // Attempts that end one after the other as told, then well.
  Outcome Run(std::vector<Outcome> ends,
              Clock::time_point deadline = Clock::now() + std::chrono::minutes(1)) {
    attempts_ = 0;
    const auto channel = [this] { return channel_; };
    return WithRetries(channel, deadline, [&] {
      const size_t now = attempts_++;
      return now < ends.size() ? ends[now] : Outcome{};
    });
  }

  const LonelyServer server_;
  const std::shared_ptr<grpc::Channel> channel_ = server_.Connect();
  size_t attempts_ = 0;
};

TEST_F(RetryTest, WhatTheNetworkDidIsTriedAgainAndNothingElse) {
  for (int code = 1; code <= 16; ++code) {
    const auto status = static_cast<grpc::StatusCode>(code);
    const bool network = status == grpc::StatusCode::UNAVAILABLE ||
                         status == grpc::StatusCode::CANCELLED ||
                         status == grpc::StatusCode::UNKNOWN;
    const Outcome outcome = Run({Failed(status)});
    EXPECT_EQ(attempts_, network ? 2U : 1U) << code;
    EXPECT_EQ(outcome.status.error_code(), network ? grpc::StatusCode::OK : status);
  }
}

TEST_F(RetryTest, WhoIsToldWhenToAskAgainDoes) {
  for (int code = 1; code <= 16; ++code) {
    Outcome refused = Failed(static_cast<grpc::StatusCode>(code));
    refused.retry_after = milliseconds(1);
    EXPECT_TRUE(Run({refused, refused, refused}).status.ok()) << code;
    EXPECT_EQ(attempts_, 4U);
  }
}

TEST_F(RetryTest, TheWaitIsAtLeastHalfOfWhatTheServerAsksFor) {
  Outcome refused = Failed(grpc::StatusCode::RESOURCE_EXHAUSTED);
  refused.retry_after = milliseconds(40);
  const Clock::time_point start = Clock::now();
  EXPECT_TRUE(Run({refused}).status.ok());
  EXPECT_GE(Clock::now() - start, milliseconds(20));
}

TEST_F(RetryTest, WhatIsHopelessIsNotTriedAgain) {
  Outcome hopeless = Failed(grpc::StatusCode::UNAVAILABLE);
  hopeless.hopeless = true;
  EXPECT_EQ(Run({hopeless}).status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(attempts_, 1U);
}

TEST_F(RetryTest, NoWaitBeginsThatWouldEndAfterTheDeadline) {
  Outcome refused = Failed(grpc::StatusCode::UNAVAILABLE);
  refused.retry_after = milliseconds(60000);
  const Clock::time_point start = Clock::now();
  const Outcome outcome = Run({refused}, start + std::chrono::seconds(20));
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(20));
  EXPECT_EQ(attempts_, 1U);
  EXPECT_EQ(outcome.status.error_message(), "because");
}

TEST_F(RetryTest, ThereIsOneAttemptEvenWhenTheDeadlineIsOver) {
  EXPECT_FALSE(Run({Failed(grpc::StatusCode::UNAVAILABLE)}, Clock::time_point::min()).status.ok());
  EXPECT_EQ(attempts_, 1U);
}

// A call whose time ran out must not begin another incarnation of its worker.
TEST_F(RetryTest, WhenTimeRanOutNobodyReconnects) {
  Outcome refused = Failed(grpc::StatusCode::UNAVAILABLE);
  refused.reconnect = Reconnect::kThenResend;
  EXPECT_EQ(Run({refused}, Clock::now()).reconnect, std::nullopt);
  Outcome over = Failed(grpc::StatusCode::ABORTED);
  over.reconnect = Reconnect::kThenResend;
  EXPECT_EQ(Run({over}).reconnect, Reconnect::kThenResend);
}

Outcome WithRetryInfo(const std::map<std::string, std::string>& retry_info) {
  v1::Error error;
  error.set_code(static_cast<int>(grpc::StatusCode::ABORTED));
  error.set_message("because");
  for (const auto& [name, value] : retry_info) {
    v1::NamedText* const info = error.add_retry_info();
    info->set_name(name);
    info->set_value(value);
  }
  return OutcomeOf(error);
}

TEST(OutcomeTest, RetryInfoThatMakesSenseIsTaken) {
  EXPECT_EQ(WithRetryInfo({}).retry_after, std::nullopt);
  EXPECT_EQ(WithRetryInfo({}).reconnect, std::nullopt);
  EXPECT_EQ(WithRetryInfo({{kRetryAfterKey, "250"}}).retry_after, milliseconds(250));
  EXPECT_EQ(WithRetryInfo({{kReconnectKey, "s"}}).reconnect, Reconnect::kThenResend);
  EXPECT_EQ(WithRetryInfo({{kReconnectKey, "r"}}).reconnect, Reconnect::kThenReport);
}

// A server, or whoever stands between, cannot make a worker spin or sleep for days.
TEST(OutcomeTest, RetryInfoIsBounded) {
  EXPECT_EQ(WithRetryInfo({{kRetryAfterKey, "0"}}).retry_after, milliseconds(1));
  EXPECT_EQ(WithRetryInfo({{kRetryAfterKey, "-9"}}).retry_after, milliseconds(1));
  EXPECT_EQ(WithRetryInfo({{kRetryAfterKey, "86400000"}}).retry_after, milliseconds(60000));
  for (const char* bad : {"", "soon", "1e9", "99999999999999999999"}) {
    EXPECT_EQ(WithRetryInfo({{kRetryAfterKey, bad}}).retry_after, std::nullopt) << bad;
  }
  for (const char* bad : {"", "sr", "send"}) {
    EXPECT_EQ(WithRetryInfo({{kReconnectKey, bad}}).reconnect, std::nullopt) << bad;
  }
}

TEST(OutcomeTest, ASuccessHasNoRetryInfoAndAnErrorThatSaysOkIsNone) {
  const Outcome well =
      OutcomeOf(grpc::Status::OK, [](const char*) { return std::optional<std::string>("1"); });
  EXPECT_EQ(well.retry_after, std::nullopt);
  EXPECT_EQ(well.reconnect, std::nullopt);
  EXPECT_EQ(OutcomeOf(v1::Error()).status.error_code(), grpc::StatusCode::INTERNAL);
}

}  // namespace
}  // namespace varscope::internal

// What a push from the future is: none that any limit of staleness could let in.
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "server/push/commit.h"
#include "tests/unit/server/sync/synchronizer_fixture.h"

namespace varscope::server {
namespace {

class StalenessTest : public SynchronizerTest {};

// However stale a group lets its pushes be, as large a number as there is.
TEST_F(StalenessTest, NoLimitOfStalenessLetsTheFutureIn) {
  Start({}, {"a"});
  for (const uint64_t most : {uint64_t{0}, uint64_t{1} << 63, UINT64_MAX - 1, UINT64_MAX}) {
    for (const uint64_t base : {uint64_t{1}, uint64_t{1000}, UINT64_MAX - 1}) {
      const Push push = Gradient("a", 1, "w", base);
      absl::StatusOr<CompletionRecords::InFlightPush> in_flight_push =
          store_.completion_records.Begin(push.id);
      ASSERT_TRUE(in_flight_push.ok());
      const absl::StatusOr<PushResult> result =
          Apply(store_, Validated(store_, push).value(), *std::move(in_flight_push), most);
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_EQ(result->outcome, Outcome::kStale) << most << " " << base;
    }
  }
  EXPECT_EQ(Value(), 0);
}

}  // namespace
}  // namespace varscope::server

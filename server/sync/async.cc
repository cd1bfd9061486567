// async: each push applies at once, however old the values are that it was computed from, unless
// the group sets a limit.
#include "absl/status/statusor.h"
#include "server/push/commit.h"
#include "server/sync/group.h"

namespace varscope::server {
namespace {

// By 1 / staleness. Another push may come between this look and the application, which then is one
// step staler than it was scaled for.
absl::Status ScaleStale(ValidPush& push) {
  // Nothing is made of one from the future.
  const uint64_t staleness = StalenessOf(push).value_or(0);
  return staleness < 2 ? absl::OkStatus() : push.Scale(1.0 / static_cast<double>(staleness));
}

class AsyncGroup final : public Group {
 public:
  explicit AsyncGroup(const GroupContext& context) : context_(context) {}

  void Submit(Submission s, ChangesLock changes) override {
    const absl::Status scaled =
        context_.options.scale_stale ? ScaleStale(s.push) : absl::OkStatus();
    absl::StatusOr<PushResult> result =
        scaled.ok() ? Apply(context_.store, std::move(s.push), std::move(s.in_flight_push),
                            context_.options.max_staleness)
                    : scaled;
    changes.unlock();
    s.done(std::move(result));
  }

 private:
  const GroupContext context_;
};

}  // namespace

std::unique_ptr<Group> MakeAsyncGroup(const GroupContext& context) {
  return std::make_unique<AsyncGroup>(context);
}

}  // namespace varscope::server

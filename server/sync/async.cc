// async: each push applies at once, however old the values are that it was computed from, unless
// the group sets a limit.
#include "absl/status/statusor.h"
#include "proto/core/allocate.h"
#include "server/sync/group.h"

namespace varscope::server {
namespace {

absl::Status Scale(Tensor& tensor, double factor) {
  if (absl::Status status = TryMakeUnique(tensor); !status.ok()) return status;
  VisitFloating(tensor.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (T& x : tensor.mutable_values<T>()) x = static_cast<T>(x * factor);
  });
  return absl::OkStatus();
}

// By 1 / staleness. Another push may come between this look and the application, which then is one
// step staler than it was scaled for.
absl::Status ScaleStale(const Store& store, Push& push) {
  const uint64_t staleness = StalenessOf(store, push);
  if (staleness < 2) return absl::OkStatus();
  const double factor = 1.0 / static_cast<double>(staleness);
  for (OptimizerStep& step : push.steps) {
    for (GradientUpdate& update : step.updates) {
      if (absl::Status status = Scale(update.gradient, factor); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

class AsyncGroup final : public Group {
 public:
  explicit AsyncGroup(const GroupContext& context) : context_(context) {}

  void Submit(Submission s, ChangesLock changes) override {
    s.push.max_staleness = context_.options.max_staleness;
    const absl::Status scaled =
        context_.options.scale_stale ? ScaleStale(context_.store, s.push) : absl::OkStatus();
    absl::StatusOr<Applied> applied =
        scaled.ok() ? ApplyChecked(context_.store, s.push, std::move(s.admission)) : scaled;
    changes.unlock();
    // Its memory is for the worker's next push, which may be here before `done` returns.
    s.push = {};
    s.done(std::move(applied));
  }

 private:
  const GroupContext context_;
};

}  // namespace

std::unique_ptr<Group> MakeAsyncGroup(const GroupContext& context) {
  return std::make_unique<AsyncGroup>(context);
}

}  // namespace varscope::server

// async: each push applies at once, however old the values are that it was computed from, unless
// the group sets a limit.
#include "absl/status/statusor.h"
#include "server/sync/group.h"

namespace varscope::server {
namespace {

void Scale(Tensor& tensor, double factor) {
  tensor.MakeUnique();
  VisitFloating(tensor.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (T& x : tensor.mutable_values<T>()) x = static_cast<T>(x * factor);
  });
}

// By 1 / staleness. Another push may come between this look and the application, which then is one
// step staler than it was scaled for.
void ScaleStale(const Store& store, Push& push) {
  const uint64_t staleness = StalenessOf(store, push);
  if (staleness < 2) return;
  const double factor = 1.0 / static_cast<double>(staleness);
  for (OptimizerStep& step : push.steps) {
    for (GradientUpdate& update : step.updates) Scale(update.gradient, factor);
  }
}

class AsyncGroup final : public Group {
 public:
  explicit AsyncGroup(const GroupContext& context) : context_(context) {}

  void Submit(Submission s, ChangesLock changes) override {
    s.push.max_staleness = context_.options.max_staleness;
    if (context_.options.scale_stale) ScaleStale(context_.store, s.push);
    absl::StatusOr<Applied> applied = ApplyChecked(context_.store, s.push, std::move(s.admission));
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

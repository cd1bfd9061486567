// Snapshots under load: each must be consistent.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/durability/snapshot.h"
#include "server/store/read.h"
#include "server/store/state.h"
#include "server/store/store.h"
#include "tests/faults/scenarios.h"
#include "tests/support/opened.h"
#include "tests/support/operator.h"

namespace varscope::testing {
namespace {

// Counters, sum, slots, step and completion records of one restored snapshot belong to one moment.
void CheckSnapshot(const std::filesystem::path& path, int workers) {
  absl::StatusOr<server::Snapshot> snapshot =
      server::ReadSnapshot(*Opened(path.parent_path()), path.filename());
  if (!snapshot.ok()) throw Broken(std::string(snapshot.status().message()));
  std::map<std::string, uint64_t> last;
  for (const server::CompletionRecords::Entry& entry : snapshot->state.completion_records) {
    last[entry.id.worker_id] = std::max(last[entry.id.worker_id], entry.id.sequence);
  }
  server::Store store{server::StoreLimits{}};
  const absl::Status restored = server::Restore(store, std::move(snapshot->state));
  if (!restored.ok()) throw Broken(absl::StrCat(path.string(), ": ", restored.message()));
  const auto read = [&](const std::string& name) -> absl::StatusOr<server::ReadValue> {
    const absl::StatusOr<server::VariablePtr> variable = store.catalog.Find(name);
    if (!variable.ok()) return variable.status();
    const absl::StatusOr<std::vector<server::ReadValue>> values =
        server::ReadTogether(std::vector{variable->get()});
    if (!values.ok()) return values.status();
    return values->front();
  };
  const auto fail = [&](const std::string& what) {
    throw Broken(absl::StrCat(path.string(), ": ", what));
  };
  uint64_t total = 0;
  for (int i = 0; i < workers; ++i) {
    const auto count = read("count/" + WorkerId(i));
    if (!count.ok()) continue;  // not created yet
    const auto value = static_cast<uint64_t>(count->value.scalar<float>());
    total += value;
    if (value != count->version)
      fail(absl::StrCat("a counter is ", value, ", its version ", count->version));
    if (value != last[WorkerId(i)]) {
      fail(absl::StrCat("a counter is ", value, ", the completion records are at ",
                        last[WorkerId(i)]));
    }
    if (value == 0) continue;
    // The accumulator of momentum 0 is the last gradient.
    const auto slot = read("count/" + WorkerId(i) + "/Momentum");
    if (!slot.ok() || slot->value.scalar<float>() != -1 || slot->version != value) {
      fail("a slot does not belong to its variable's value");
    }
  }
  const auto sum = read("sum");
  if (!sum.ok()) return;
  for (float x : sum->value.values<float>()) {
    if (x != static_cast<float>(total)) {
      fail(absl::StrCat("an element of sum is ", x, ", the counters add up to ", total));
    }
  }
  if (store.changes.global_step() != total) fail("the global step is another");
}

}  // namespace

void TakeSnapshots(const Settings& settings) {
  const Arena arena;
  ServerProcess server({"--data-dir", arena.data(), "--durability", "async:5ms",
                        "--snapshot-seconds", "0", "--snapshots-kept", "2"});
  Operator op(server.target());
  Fleet fleet(arena, server.target(), kAsync, settings.workers, 10000000);
  fleet.WaitForProgress(1);
  const int snapshots = 10 * settings.cycles;
  for (int i = 0; i < snapshots; ++i) CheckSnapshot(op.Snapshot(), settings.workers);
  const uint64_t pushes = Sum(fleet.acked());
  std::cout << absl::StrFormat(
      "snapshots: %d taken during %d pushes, each is consistent in values, slots, step and "
      "completion records\n",
      snapshots, pushes);
}

}  // namespace varscope::testing

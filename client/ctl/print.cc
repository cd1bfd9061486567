#include "client/ctl/print.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/ctl/table.h"
#include "proto/naming/creator.h"
#include "proto/wire/convert.h"

namespace varscope::ctl {
namespace {

std::string DTypeText(const v1::VariableInfo& v) {
  return std::string(Name(wire::FromProto(v.dtype()).value_or(DType::kInvalid)));
}

std::string ShapeText(const v1::VariableInfo& v) {
  const absl::StatusOr<Shape> shape = wire::FromProto(v.shape());
  return shape.ok() ? shape->ToString() : "?";
}

// Where the variable was defined, the file without its folders.
std::string CreatorText(const v1::VariableInfo& v) {
  const std::string& file = v.creator().file();
  const std::string base = file.substr(file.rfind('/') + 1);
  return absl::StrCat(v.creator().worker_id(),
                      base.empty() ? "" : absl::StrCat(" ", base, ":", v.creator().line()));
}

}  // namespace

void PrintList(const v1::ListVariablesResponse& response, std::ostream& out) {
  std::vector<Row> rows = {{"NAME", "SHAPE", "DTYPE", "VERSION", "CREATED BY"}};
  uint64_t bytes = 0;
  for (const v1::VariableInfo& v : response.variables()) {
    rows.push_back(
        {v.name(), ShapeText(v), DTypeText(v), absl::StrCat(v.version()), CreatorText(v)});
    bytes += v.bytes();
  }
  PrintTable(rows, out);
  out << response.variables_size() << " variables, " << Bytes(bytes) << ", global step "
      << response.global_step() << "\n";
}

void PrintDescription(const v1::DescribeVariableResponse& response, std::ostream& out) {
  const v1::VariableInfo& v = response.variable();
  out << v.name() << "\n"
      << "  dtype, shape   " << DTypeText(v) << " " << ShapeText(v) << ", " << Bytes(v.bytes())
      << "\n"
      << "  trainable      " << (v.trainable() ? "yes" : "no") << "\n"
      << "  version        " << v.version() << (v.initialized() ? "" : " (no value yet)") << "\n"
      << "  initializer    " << v.initializer() << ", seed " << v.seed() << "\n"
      << "  created by     " << ToString(wire::FromProto(v.creator())) << ", "
      << TimeText(v.creator().time_unix_micros()) << "\n"
      << "  pulled         " << v.pulls() << " times, " << Bytes(v.bytes_pulled()) << "\n"
      << "  pushed         " << v.pushes() << " times, " << Bytes(v.bytes_pushed()) << "\n";
  for (const v1::VariableInfo& slot : response.slots()) {
    out << "  slot           " << slot.name() << ", version " << slot.version() << "\n";
  }
}

void PrintWorkers(const v1::ListWorkersResponse& response, std::ostream& out) {
  static constexpr std::array<const char*, 4> kStates = {"live", "evicted", "left", "rolled back"};
  std::vector<Row> rows = {
      {"WORKER", "STATE", "SILENT", "HOST", "PID", "INCARNATION", "WAITS FOR"}};
  for (const v1::WorkerInfo& w : response.workers()) {
    const bool known = w.state() >= 0 && w.state() < static_cast<int>(kStates.size());
    std::string state = known ? kStates[w.state()] : "?";
    if (!w.quarantine().empty()) absl::StrAppend(&state, ", quarantined: ", w.quarantine());
    rows.push_back({w.worker_id(), state, absl::StrFormat("%.1f s", w.silent_ms() / 1000.0),
                    w.host(), absl::StrCat(w.pid()), absl::StrCat(w.incarnation()),
                    absl::StrJoin(w.waits(), "; ")});
  }
  PrintTable(rows, out);
}

void PrintGroups(const v1::ListGroupsResponse& response, std::ostream& out) {
  std::vector<Row> rows = {
      {"GROUP", "MODE", "STEP", "WORKERS", "APPLIED", "STALE", "NONFINITE", "STALENESS", "WAITS"}};
  for (const v1::GroupInfo& g : response.groups()) {
    rows.push_back({g.group().prefix().empty() ? "(all others)" : g.group().prefix(), g.spec(),
                    absl::StrCat(g.group().step()), absl::StrCat(g.workers()),
                    absl::StrCat(g.applied()), absl::StrCat(g.stale()), absl::StrCat(g.nonfinite()),
                    absl::StrFormat("mean %.2f, max %d", g.mean_staleness(), g.max_staleness()),
                    g.waits()});
  }
  PrintTable(rows, out);
}

void PrintSnapshots(const v1::ListSnapshotsResponse& response, std::ostream& out) {
  std::vector<Row> rows = {{"NAME", "GLOBAL STEP", "VARIABLES", "SIZE", "TAKEN"}};
  for (const v1::ListSnapshotsResponse::Snapshot& s : response.snapshots()) {
    if (!s.damage().empty()) {
      rows.push_back(
          {absl::CHexEscape(s.name()), "damaged: " + absl::CHexEscape(s.damage()), "", "", ""});
      continue;
    }
    rows.push_back({absl::CHexEscape(s.name()), absl::StrCat(s.global_step()),
                    absl::StrCat(s.variables()), Bytes(s.bytes()), TimeText(s.time_unix_micros())});
  }
  PrintTable(rows, out);
}

}  // namespace varscope::ctl

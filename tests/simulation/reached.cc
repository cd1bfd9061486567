#include "tests/simulation/reached.h"

#include <algorithm>
#include <iomanip>

#include "absl/strings/str_cat.h"
#include "proto/optimizers/optimizer.h"

namespace varscope::simulation {

using server::DurabilityLevel;

namespace {

constexpr DurabilityLevel kLevels[] = {DurabilityLevel::kNone, DurabilityLevel::kAsync,
                                       DurabilityLevel::kSync};
constexpr AssignOp kOps[] = {AssignOp::kAssign,        AssignOp::kAdd,        AssignOp::kSub,
                             AssignOp::kScatterUpdate, AssignOp::kScatterAdd, AssignOp::kScatterSub,
                             AssignOp::kInitialize};
constexpr const char* kRequests[] = {
    "connect", "resolve",   "heartbeat",     "leave",    "barrier",  "push",       "push again",
    "pull",    "pull rows", "repeated pull", "snapshot", "rollback", "quarantine", "list"};
constexpr const char* kOfAVariable[] = {"resolve", "pull", "pull rows", "repeated pull"};

bool Sums(AssignOp op) {
  return op != AssignOp::kAssign && op != AssignOp::kInitialize && op != AssignOp::kScatterUpdate;
}

// Without its last word.
std::string RowOf(const std::string& cell) { return cell.substr(0, cell.rfind(' ')); }

}  // namespace

std::string NameOf(DurabilityLevel level) {
  switch (level) {
    case DurabilityLevel::kNone:
      return "none";
    case DurabilityLevel::kAsync:
      return "async";
    case DurabilityLevel::kSync:
      break;
  }
  return "sync";
}

std::string NameOf(AssignOp op) {
  switch (op) {
    case AssignOp::kAssign:
      return "assign";
    case AssignOp::kAdd:
      return "add";
    case AssignOp::kSub:
      return "sub";
    case AssignOp::kScatterUpdate:
      return "scatter_update";
    case AssignOp::kScatterAdd:
      return "scatter_add";
    case AssignOp::kScatterSub:
      return "scatter_sub";
    case AssignOp::kInitialize:
      break;
  }
  return "initialize";
}

const std::vector<std::string>& Reached::Modes() {
  static const auto* const all = new std::vector<std::string>{
      "async", "bsp", "backup", "median", "trimmed_mean", "krum", "ssp", "local"};
  return *all;
}

std::string Reached::Row(DType dtype, absl::string_view what, bool rows, absl::string_view mode) {
  return absl::StrCat(Name(dtype), " ", what, rows ? " rows " : " whole ", mode);
}

std::string Reached::Again(absl::string_view row) { return absl::StrCat(row, " again"); }

std::string Reached::Row(DType dtype, absl::string_view request, absl::string_view mode) {
  return absl::StrCat(Name(dtype), " ", request, " ", mode);
}

std::string Reached::RestartRow(absl::string_view mode) {
  return absl::StrCat("restart after ", mode);
}

std::string Reached::Cell(absl::string_view row, DurabilityLevel level) {
  return absl::StrCat(row, " ", NameOf(level));
}

std::vector<std::string> Reached::Possible() {
  std::vector<std::string> applied;
  for (const DTypeInfo& dtype : kDTypes) {
    for (const AssignOp op : kOps) {
      if (Sums(op) && dtype.dtype == DType::kBool) continue;
      applied.push_back(Row(dtype.dtype, NameOf(op), IsScatter(op), "async"));
    }
  }
  for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
    for (const bool rows : {false, true}) {
      for (const std::string& mode : Modes()) {
        for (const absl::string_view optimizer : optimizers::OptimizerNames()) {
          if (mode == "local" && optimizer != "Momentum") continue;
          applied.push_back(Row(dtype, optimizer, rows, mode));
        }
      }
    }
  }
  std::vector<std::string> rows(std::begin(kRequests), std::end(kRequests));
  for (const std::string& mode : Modes()) rows.push_back(RestartRow(mode));
  for (const std::string& row : applied) {
    rows.push_back(row);
    rows.push_back(Again(row));
  }
  for (const DTypeInfo& dtype : kDTypes) {
    for (const char* request : kOfAVariable) {
      for (const std::string& mode : Modes()) rows.push_back(Row(dtype.dtype, request, mode));
    }
  }
  std::vector<std::string> all;
  for (const std::string& row : rows) {
    for (const DurabilityLevel level : kLevels) all.push_back(Cell(row, level));
  }
  return all;
}

std::vector<std::string> Reached::Missing() const {
  std::vector<std::string> missing = Possible();
  std::erase_if(missing, [this](const std::string& cell) { return times_.contains(cell); });
  return missing;
}

void Reached::Print(std::ostream& out) const {
  std::vector<std::string> rows;
  for (const std::string& cell : Possible()) rows.push_back(RowOf(cell));
  for (const auto& [cell, times] : times_) rows.push_back(RowOf(cell));
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  constexpr int kWidth = 44;
  out << std::left << std::setw(kWidth) << "applied, answered" << std::right;
  for (const DurabilityLevel level : kLevels) out << std::setw(9) << NameOf(level);
  out << "\n";
  for (const std::string& row : rows) {
    out << std::left << std::setw(kWidth) << row << std::right;
    for (const DurabilityLevel level : kLevels) {
      const auto it = times_.find(absl::StrCat(row, " ", NameOf(level)));
      out << std::setw(9) << (it == times_.end() ? 0 : it->second);
    }
    out << "\n";
  }
}

}  // namespace varscope::simulation

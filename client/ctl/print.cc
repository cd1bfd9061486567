#include "client/ctl/print.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/core/definer.h"
#include "proto/wire/convert.h"

namespace varscope::ctl {
namespace {

using Row = std::array<std::string, 5>;

std::string DTypeText(const v1::VariableInfo& v) {
  return std::string(Name(wire::FromProto(v.dtype()).value_or(DType::kInvalid)));
}

std::string ShapeText(const v1::VariableInfo& v) {
  const absl::StatusOr<Shape> shape = wire::FromProto(v.shape());
  return shape.ok() ? shape->ToString() : "?";
}

std::string Bytes(uint64_t n) {
  if (n < 1024) return absl::StrCat(n, " B");
  constexpr std::array<const char*, 4> kUnits = {"KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(n) / 1024;
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

// Where the variable was defined, the file without its folders.
std::string DefinerText(const v1::VariableInfo& v) {
  const std::string& file = v.definer().file();
  const std::string base = file.substr(file.rfind('/') + 1);
  return absl::StrCat(v.definer().worker_id(),
                      base.empty() ? "" : absl::StrCat(" ", base, ":", v.definer().line()));
}

std::string TimeText(int64_t micros) {
  const std::time_t seconds = micros / 1000000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &utc);
  return text.data();
}

void PrintTable(const std::vector<Row>& rows, std::ostream& out) {
  Row::size_type columns = Row().size();
  std::array<size_t, 5> width{};
  for (const Row& row : rows) {
    for (size_t i = 0; i < columns; ++i) width[i] = std::max(width[i], row[i].size());
  }
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < columns; ++i) {
      absl::StrAppend(&line, row[i], std::string(width[i] - row[i].size() + 2, ' '));
    }
    out << line.substr(0, line.find_last_not_of(' ') + 1) << "\n";
  }
}

}  // namespace

void PrintList(const v1::ListResponse& response, std::ostream& out) {
  std::vector<Row> rows = {{"NAME", "SHAPE", "DTYPE", "VERSION", "DEFINED BY"}};
  uint64_t bytes = 0;
  for (const v1::VariableInfo& v : response.variables()) {
    rows.push_back(
        {v.name(), ShapeText(v), DTypeText(v), absl::StrCat(v.version()), DefinerText(v)});
    bytes += v.bytes();
  }
  PrintTable(rows, out);
  out << response.variables_size() << " variables, " << Bytes(bytes) << ", global step "
      << response.global_step() << "\n";
}

void PrintDescription(const v1::DescribeResponse& response, std::ostream& out) {
  const v1::VariableInfo& v = response.variable();
  out << v.name() << "\n"
      << "  dtype, shape   " << DTypeText(v) << " " << ShapeText(v) << ", " << Bytes(v.bytes())
      << "\n"
      << "  trainable      " << (v.trainable() ? "yes" : "no") << "\n"
      << "  version        " << v.version() << (v.initialized() ? "" : " (no value yet)") << "\n"
      << "  initializer    " << v.initializer() << ", seed " << v.seed() << "\n"
      << "  defined by     " << ToString(wire::FromProto(v.definer())) << ", "
      << TimeText(v.definer().time_unix_micros()) << "\n"
      << "  pulled         " << v.pulls() << " times, " << Bytes(v.bytes_pulled()) << "\n"
      << "  pushed         " << v.pushes() << " times, " << Bytes(v.bytes_pushed()) << "\n";
  for (const v1::VariableInfo& slot : response.slots()) {
    out << "  slot           " << slot.name() << ", version " << slot.version() << "\n";
  }
}

}  // namespace varscope::ctl

#include "client/ctl/verify.h"

#include <iostream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/ctl/client.h"
#include "client/ctl/table.h"
#include "server/durability/verify.h"

namespace varscope::ctl {
namespace {

using server::Verified;

void PrintFiles(const Verified& verified, std::ostream& out) {
  std::vector<Row> rows = {{"SNAPSHOT", "CHANGE", "STEP", "VARIABLES", "BYTES", "TIME"}};
  for (const auto& [info, whole] : verified.snapshots) {
    rows.push_back({info.name, absl::StrCat(info.position), absl::StrCat(info.global_step),
                    absl::StrCat(info.variables), Bytes(info.bytes),
                    whole.ok() ? TimeText(info.time_unix_micros) : "DAMAGED"});
  }
  if (rows.size() > 1) PrintTable(rows, out);
  rows = {{"LOG", "FIRST CHANGE", "BYTES", ""}};
  for (const server::VerifiedSegment& segment : verified.segments) {
    rows.push_back({segment.path.filename().string(), absl::StrCat(segment.first),
                    Bytes(segment.bytes),
                    segment.left_over    ? "left over: a snapshot has it"
                    : segment.whole.ok() ? ""
                                         : "DAMAGED"});
  }
  if (rows.size() > 1) PrintTable(rows, out);
}

void PrintState(const Verified& verified, std::ostream& out) {
  std::vector<Row> rows = {{"VARIABLE", "SHAPE", "DTYPE", "VERSION", "CRC32C"}};
  uint64_t bytes = 0;
  for (const server::CapturedVariable& v : verified.state.variables) {
    const server::VariableDefinition& def = *v.definition;
    const std::string checksum =
        v.value.defined() ? absl::StrFormat("%08x", server::ChecksumOf(v)) : "no value";
    rows.push_back({def.name, def.shape.ToString(), std::string(Name(def.dtype)),
                    absl::StrCat(v.version), checksum});
    bytes += v.value.defined() ? v.value.byte_size() : 0;
  }
  if (rows.size() > 1) PrintTable(rows, out);
  out << rows.size() - 1 << " variables, " << Bytes(bytes) << ", global step "
      << verified.state.steps.global << ", " << verified.workers.size() << " workers, change "
      << verified.recovered->position << "; state hash " << absl::StrFormat("%08x", verified.hash)
      << "\n";
}

}  // namespace

int Verify(const std::string& directory, std::ostream& out) {
  server::RecoveryOptions options;
  options.progress = [](const std::string& how_far) { std::cerr << how_far << "\n"; };
  // All that differ are told; the exit code says that there are some.
  options.accept_mismatches = true;
  const absl::StatusOr<Verified> verified = server::Verify(directory, server::SystemEnv(), options);
  if (!verified.ok()) return Refuse(std::string(verified.status().message()));
  PrintFiles(*verified, out);
  int code = kExitOk;
  for (const auto& [info, whole] : verified->snapshots) {
    if (!whole.ok()) code = Refuse(std::string(whole.message()));
  }
  for (const server::VerifiedSegment& segment : verified->segments) {
    if (!segment.whole.ok()) code = Refuse(std::string(segment.whole.message()));
  }
  if (!verified->session_secret.ok()) {
    code = Refuse(std::string(verified->session_secret.message()));
  }
  const absl::StatusOr<server::Recovered>& recovered = verified->recovered;
  if (!recovered.ok()) {
    return Refuse(absl::StrCat("a server would not start: ", recovered.status().message()));
  }
  PrintState(*verified, out);
  for (const std::string& warning : recovered->warnings) {
    Refuse(warning);
  }
  if (recovered->mismatches == 0) return code;
  return Refuse(absl::StrCat(
      recovered->mismatches, " of ", recovered->replayed,
      " changes of the log lead elsewhere than at their first time: a server starts from it only "
      "with --accept-mismatches"));
}

}  // namespace varscope::ctl

#include "tests/support/state_of.h"

#include <algorithm>
#include <sstream>

#include "server/catalog/initializers.h"
#include "server/durability/recovery.h"
#include "tests/support/opened.h"

namespace varscope::testing {
namespace {

using namespace server;

std::string Text(const PushResult& applied) {
  std::ostringstream out;
  out << applied.global_step << "/" << applied.group_step << "/"
      << static_cast<int>(applied.outcome) << "/" << applied.staleness;
  return out.str();
}

// As it is once its first value is there, which is no change: that value was decided before.
CapturedVariable WithValue(CapturedVariable v) {
  if (v.first_value == nullptr) return v;
  v.value = Tensor(v.definition->dtype, v.definition->shape);
  Initialize(v.first_value->spec, v.definition->seed, v.first_value->full_shape, v.value);
  return v;
}

std::string Text(const CapturedVariable& given) {
  const CapturedVariable v = WithValue(given);
  const VariableDefinition& d = *v.definition;
  std::ostringstream out;
  out << d.name << " " << d.key << " " << static_cast<int>(d.kind) << " " << Name(d.dtype) << " "
      << d.shape.ToString() << " " << d.trainable << " " << d.primary << " " << ToString(d.creator)
      << " " << d.creator_incarnation << " " << d.creator_request << " " << d.initializer << " "
      << d.seed << " v" << v.version << " " << v.initialized << " " << v.pushes << " "
      << v.bytes_pushed << " "
      << std::string(reinterpret_cast<const char*>(v.value.raw()), v.value.byte_size());
  return out.str();
}

std::vector<std::string> TextsOf(const CapturedNames& names) {
  std::vector<std::string> texts;
  for (const auto& name : names.variables) texts.push_back(*name);
  return texts;
}

}  // namespace

std::string StateOf(const Store& store, const Workers& workers) {
  return StateOf(Capture(store), workers.records());
}

std::string StateOf(const StoreState& state, const std::vector<WorkerRecord>& workers) {
  std::ostringstream out;
  out << "step " << state.steps.global << "\n";
  for (const auto& [group, step] : state.steps.groups) out << group << "=" << step << "\n";
  for (const CapturedVariable& v : state.variables) out << Text(v) << "\n";
  std::vector<std::string> lines;
  lines.reserve(state.partitioned.size());
  const auto names = [](std::string key, const std::vector<std::string>& of) {
    for (const std::string& name : of) key += " " + name;
    return key;
  };
  for (const PartitionedNames& p : state.partitioned) {
    lines.push_back(names(p.key + p.known.full_shape.ToString(), p.parts));
  }
  for (const auto* bound : {&state.slots, &state.non_slots}) {
    for (const CapturedNames& b : *bound) lines.push_back(names(b.key, TextsOf(b)));
  }
  for (const CompletionRecords::Entry& e : state.completion_records) {
    lines.push_back(e.id.worker_id + " " + std::to_string(e.id.incarnation) + "." +
                    std::to_string(e.id.sequence) + " = " + Text(e.result));
  }
  for (const WorkerRecord& w : workers) {
    lines.push_back(w.worker_id + " " + std::to_string(w.incarnation) + " " + w.host + " " +
                    std::to_string(w.pid) + " " + std::to_string(static_cast<int>(w.sharing)) +
                    " " + std::to_string(static_cast<int>(w.state)) + " " + w.quarantine + " " +
                    std::to_string(w.nonce));
  }
  std::sort(lines.begin(), lines.end());
  for (const std::string& line : lines) out << line << "\n";
  return out.str();
}

absl::StatusOr<std::string> RecoveredState(const std::filesystem::path& directory) {
  Store store(StoreLimits{0, 0});
  Workers workers;
  const absl::StatusOr<Recovered> recovered = Recover(*Opened(directory), store, workers);
  if (!recovered.ok()) return recovered.status();
  return StateOf(store, workers);
}

}  // namespace varscope::testing

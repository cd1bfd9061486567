#include "tests/recovery/life.h"

#include <algorithm>
#include <future>
#include <sstream>
#include <stdexcept>

#include "server/sync/group_options.h"

namespace varscope::testing {
namespace {

using namespace server;

std::vector<GroupOptions> Groups(const std::vector<std::string>& texts) {
  std::vector<GroupOptions> groups;
  for (const std::string& text : texts) groups.push_back(ParseGroup(text).value());
  return groups;
}

std::string Text(const Applied& applied) {
  std::ostringstream out;
  out << applied.global_step << "/" << applied.group_step << "/"
      << static_cast<int>(applied.outcome) << "/" << applied.staleness;
  for (const uint64_t version : applied.versions) out << "," << version;
  return out.str();
}

std::string Text(const CapturedVariable& v) {
  const VariableDefinition& d = v.definition;
  std::ostringstream out;
  out << d.name << " " << d.key << " " << static_cast<int>(d.kind) << " " << Name(d.dtype) << " "
      << d.shape.ToString() << " " << d.trainable << " " << d.primary << " " << ToString(d.definer)
      << " " << d.definer_incarnation << " " << d.definer_request << " " << d.initializer << " "
      << d.seed << " v" << v.version << " " << v.initialized << " " << v.pushes << " "
      << v.bytes_pushed << " "
      << std::string(reinterpret_cast<const char*>(v.value.raw()), v.value.byte_size());
  return out.str();
}

}  // namespace

std::string StateOf(const Store& store, const Workers& workers) {
  return StateOf(store.Capture([] {}), workers.records());
}

std::string StateOf(const StoreState& state, const std::vector<WorkerRecord>& workers) {
  std::ostringstream out;
  out << "step " << state.global_step << "\n";
  for (const auto& [group, step] : state.group_steps) out << group << "=" << step << "\n";
  for (const CapturedVariable& v : state.variables) out << Text(v) << "\n";
  std::vector<std::string> lines;
  const auto names = [](std::string key, const std::vector<std::string>& of) {
    for (const std::string& name : of) key += " " + name;
    return key;
  };
  for (const PartitionedNames& p : state.partitioned) {
    lines.push_back(names(p.key + p.known.full_shape.ToString(), p.parts));
  }
  for (const auto* bound : {&state.slots, &state.scalars}) {
    for (const BoundNames& b : *bound) lines.push_back(names(b.key, b.variables));
  }
  for (const Ledger::Entry& e : state.ledger) {
    lines.push_back(e.id.worker_id + " " + std::to_string(e.id.incarnation) + "." +
                    std::to_string(e.id.sequence) + " = " + Text(e.applied));
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
  const absl::StatusOr<Recovered> recovered = Recover(directory, store, workers);
  if (!recovered.ok()) return recovered.status();
  return StateOf(store, workers);
}

Life::Life(const std::filesystem::path& directory, const LifeOptions& options)
    : store_(options.limits) {
  absl::StatusOr<Recovered> recovered = Recover(directory, store_, workers_);
  if (!recovered.ok()) throw std::runtime_error(std::string(recovered.status().message()));
  recovered_ = *std::move(recovered);
  recorder_.emplace(File::Create(directory / "LOCK").value(),
                    RecorderOptions{.directory = directory,
                                    .level = options.level,
                                    .interval = options.interval,
                                    .retry = options.retry,
                                    .max_header_bytes = options.max_header_bytes},
                    store_, workers_, recovered_.position);
  synchronizer_.emplace(store_, workers_, Groups(options.groups));
  workers_.Start(
      [this](const WorkerRecord& w) { store_.ledger().Fence(w.worker_id, w.incarnation); },
      [this](const WorkerRecord& w) { synchronizer_->Gone(w); });
}

Life::Answer Life::Submit(const Push& push) {
  auto answer = std::make_shared<std::optional<absl::StatusOr<Applied>>>();
  server::Submit(*synchronizer_, store_, push, [answer](absl::StatusOr<Applied> applied) {
    answer->emplace(std::move(applied));
  });
  return answer;
}

absl::Status Life::Settle() {
  std::promise<absl::Status> done;
  recorder_->OnceOnMedium([&](const absl::Status& status) { done.set_value(status); });
  return done.get_future().get();
}

void CopyDirectory(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::remove_all(to);
  std::filesystem::create_directory(to);
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    std::filesystem::copy_file(entry.path(), to / entry.path().filename());
  }
}

}  // namespace varscope::testing

#include "tests/recovery/server_run.h"

#include <future>
#include <stdexcept>

#include "server/sync/group_options.h"
#include "tests/support/opened.h"

namespace varscope::testing {
namespace {

using namespace server;

std::vector<GroupOptions> Groups(const std::vector<std::string>& texts) {
  std::vector<GroupOptions> groups;
  groups.reserve(texts.size());
  for (const std::string& text : texts) groups.push_back(ParseGroup(text).value());
  return groups;
}

}  // namespace

ServerRun::ServerRun(const std::filesystem::path& directory, const ServerRunOptions& options)
    : store_(options.limits) {
  std::unique_ptr<Directory> opened = Opened(directory);
  absl::StatusOr<Recovered> recovered = Recover(*opened, store_, workers_);
  if (!recovered.ok()) throw std::runtime_error(std::string(recovered.status().message()));
  recovered_ = *std::move(recovered);
  if (!opened->Lock("LOCK").ok()) throw std::runtime_error("the directory is in use");
  recorder_.emplace(std::move(opened),
                    RecorderOptions{.level = options.level,
                                    .interval = options.interval,
                                    .retry = std::chrono::milliseconds(5),
                                    .unfinished_rollback = recovered_.unfinished_rollback,
                                    .max_header_bytes = options.max_header_bytes},
                    store_, workers_, recovered_.position);
  synchronizer_.emplace(store_, workers_, Groups(options.groups));
  workers_.Start(
      [this](const WorkerRecord& w) {
        store_.completion_records.Fence(w.worker_id, w.incarnation);
      },
      [this](const WorkerRecord& w) { synchronizer_->WorkerLost(w); },
      [this](const std::string& id) { return store_.completion_records.Collect(id); });
}

ServerRun::Answer ServerRun::Submit(const Push& push) {
  auto answer = std::make_shared<std::optional<absl::StatusOr<PushResult>>>();
  server::Submit(*synchronizer_, store_, push, [answer](absl::StatusOr<PushResult> result) {
    answer->emplace(std::move(result));
  });
  return answer;
}

absl::Status ServerRun::Settle() {
  std::promise<absl::Status> done;
  recorder_->WhenOnStableStorage([&](const absl::Status& status) { done.set_value(status); });
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

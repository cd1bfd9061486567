// varscoped: reads its options, serves until a signal, stops cleanly.
#include <malloc.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/core/random.h"
#include "server/data_directory.h"
#include "server/exit_codes.h"
#include "server/options.h"
#include "server/rpc/grpc_server.h"
#include "server/rpc/shm_listener.h"

namespace varscope::server {
namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Atomic, so that a reader never sees half a number.
bool WritePortFile(const std::string& path, int port) {
  const std::string temporary = path + ".tmp";
  std::ofstream out(temporary);
  out << port << "\n";
  out.close();
  return out.good() && std::rename(temporary.c_str(), path.c_str()) == 0;
}

// Whoever started the daemon waits for this line.
bool WriteReady(int fd, int port) {
  const std::string line = std::to_string(port) + "\n";
  const bool written = write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  return close(fd) == 0 && written;
}

// Drawn at random, so that no other daemon's address is taken for this one's.
LocalAddress DrawLocalAddress(const Options& options) {
  if (options.shared_memory_streams == 0) return {};
  const std::string name = absl::StrFormat("varscope-%016x%016x", Random64(), Random64());
  return {.shared_memory = name, .target = absl::StrCat("unix-abstract:", name, "-grpc")};
}

// Without it, workers of this host use gRPC.
std::unique_ptr<ShmListener> ListenForSharedMemory(const ServiceContext& context,
                                                   const Options& options) {
  if (context.local.shared_memory.empty()) return nullptr;
  absl::StatusOr<std::unique_ptr<ShmListener>> listener =
      ShmListener::Start(context, context.local.shared_memory, options.shared_memory_streams);
  if (listener.ok()) return *std::move(listener);
  spdlog::warn("no shared memory: {}", std::string(listener.status().message()));
  return nullptr;
}

// So that the next start has no log to replay.
void TakeLastSnapshot(Durability& durability) {
  const absl::StatusOr<TakenSnapshot> taken = durability.TakeSnapshot("");
  if (taken.ok()) {
    spdlog::info("wrote {}", taken->path.string());
  } else {
    spdlog::error("no snapshot at the end: {}", std::string(taken.status().message()));
  }
}

int Serve(const Options& options) {
  Store store({options.max_variable_bytes, options.max_store_bytes});
  Workers workers(std::chrono::milliseconds(static_cast<int64_t>(options.lease_seconds * 1000)));
  absl::StatusOr<std::unique_ptr<Durability>> durability =
      OpenDataDirectory(options, store, workers);
  if (!durability.ok()) {
    spdlog::error("{}", std::string(durability.status().message()));
    return kExitCannotRecover;
  }
  Synchronizer synchronizer(store, workers, options.groups);
  Barriers barriers([&](const std::string& worker) { return workers.DescribeWait(worker); });
  workers.Start(
      [&](const WorkerRecord& worker) {
        store.ledger().Fence(worker.worker_id, worker.incarnation);
      },
      [&](const WorkerRecord& worker) {
        barriers.Gone(worker.worker_id);
        synchronizer.Gone(worker);
      },
      [&](const std::string& worker_id) { store.ledger().Forget(worker_id); });
  Calls calls;
  Budget budget(options.max_inflight_bytes);
  Pins pins(options.max_inflight_bytes);
  Stalls stalls(std::chrono::seconds(options.stall_seconds));
  const ServiceContext context{.store = store,
                               .workers = workers,
                               .barriers = barriers,
                               .synchronizer = synchronizer,
                               .durability = **durability,
                               .calls = calls,
                               .budget = budget,
                               .pins = pins,
                               .stalls = stalls,
                               .limits = {.max_push_bytes = options.max_push_bytes},
                               .local = DrawLocalAddress(options),
                               .epoch = Random64()};
  std::unique_ptr<ShmListener> shared_memory = ListenForSharedMemory(context, options);
  absl::StatusOr<std::unique_ptr<GrpcServer>> server = GrpcServer::Start(context, options.listen);
  if (!server.ok()) {
    spdlog::error("{}", std::string(server.status().message()));
    return kExitCannotServe;
  }
  const std::vector<int>& ports = (*server)->ports();
  if (!options.port_file.empty() && !WritePortFile(options.port_file, ports[0])) {
    spdlog::error("cannot write the port file {}", options.port_file);
    return kExitCannotServe;
  }
  if (options.ready_fd >= 0 && !WriteReady(options.ready_fd, ports[0])) {
    spdlog::error("cannot write to file descriptor {} (--ready-fd)", options.ready_fd);
    return kExitCannotServe;
  }
  for (size_t i = 0; i < ports.size(); ++i) {
    spdlog::info("varscoped {} serves varscope.v1 on {} (port {}), store up to {} MiB",
                 VARSCOPE_VERSION, options.listen[i], ports[i], options.max_store_bytes >> 20);
  }

  const sigset_t signals = StopSignals();
  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("{}: stopping, calls under way have {} s", strsignal(signal), options.grace_seconds);
  (*server)->StopServing();
  workers.Stop();
  barriers.Stop();
  synchronizer.Stop();
  const uint64_t cut = calls.Stop(std::chrono::seconds(options.grace_seconds));
  if (cut > 0) spdlog::warn("{} calls did not end in time and are cut off", cut);
  shared_memory.reset();
  server->reset();
  if (!options.data_dir.empty()) TakeLastSnapshot(**durability);
  spdlog::info("stopped after {} applied pushes, {} variables", store.global_step(),
               store.List("").size());
  return kExitClean;
}

// gRPC's buffers pass from thread to thread, and each of malloc's arenas keeps what its own threads
// have had: two arenas are as fast here as one for each thread, and keep less. MALLOC_ARENA_MAX
// decides otherwise.
void LimitArenas() {
  if (std::getenv("MALLOC_ARENA_MAX") == nullptr) mallopt(M_ARENA_MAX, 2);
}

}  // namespace
}  // namespace varscope::server

int main(int argc, char** argv) {
  using namespace varscope::server;
  LimitArenas();
  std::variant<Options, int> parsed = ParseOptions(argc, argv);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  const Options& options = std::get<Options>(parsed);
  spdlog::set_default_logger(spdlog::stderr_color_mt("varscoped"));
  spdlog::set_level(spdlog::level::from_str(options.log_level));
  // Before any thread starts, so that only sigwait sees them.
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return Serve(options);
}

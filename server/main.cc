// varscoped: reads its options, serves until a signal, stops cleanly.
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <system_error>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/exit_codes.h"
#include "server/log.h"
#include "server/options.h"
#include "server/port_file.h"
#include "server/rpc/descriptors.h"
#include "server/server.h"
#include "server/signals.h"

namespace varscope::server {
namespace {

// How long the log may take to be written before the process goes without it.
constexpr std::chrono::seconds kLastLines{2};

// A descriptor 0, 1 or 2 that is closed would become a file's or a connection's, and what is meant
// for standard error would be written into that.
void OpenStandardDescriptors() {
  int fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/dev/null", O_RDWR);
  if (fd > STDERR_FILENO) close(fd);
}

// Whoever started the server waits for this line; one who lets it stand in a full pipe does not.
bool WriteReady(int fd, int port) {
  constexpr int kMilliseconds = 10000;
  const std::string line = std::to_string(port) + "\n";
  pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
  const bool written = poll(&writable, 1, kMilliseconds) == 1 &&
                       write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  return close(fd) == 0 && written;
}

int Serve(const Options& options) {
  absl::StatusOr<std::unique_ptr<Server>> opened = Server::Open(options, SystemEnv(), StopIsWanted);
  if (absl::IsCancelled(opened.status())) {
    spdlog::info(absl::StrCat(strsignal(AwaitStop()), ": ", opened.status().message()));
    return kExitClean;
  }
  if (!opened.ok()) {
    spdlog::error(std::string(opened.status().message()));
    return kExitCannotRecover;
  }
  Server& server = **opened;
  if (absl::Status status = server.Serve(); !status.ok()) {
    spdlog::error(std::string(status.message()));
    return kExitCannotServe;
  }
  const std::vector<int>& ports = server.ports();
  if (!options.port_file.empty()) {
    if (absl::Status status = WritePortFile(options.port_file, ports[0]); !status.ok()) {
      spdlog::error(std::string(status.message()));
      return kExitCannotServe;
    }
  }
  if (options.ready_fd >= 0 && !WriteReady(options.ready_fd, ports[0])) {
    spdlog::error(
        absl::StrCat("cannot write to file descriptor ", options.ready_fd, " (--ready-fd)"));
    return kExitCannotServe;
  }
  for (size_t i = 0; i < ports.size(); ++i) {
    spdlog::info(absl::StrCat("varscoped ", VARSCOPE_VERSION, " serves varscope.v1 on ",
                              options.listen[i], " (port ", ports[i], "), store up to ",
                              options.max_store_bytes >> 20, " MiB"));
  }
  // No memory is taken here: whatever is missing then, the end is Stop's.
  spdlog::info("{}: stopping, calls under way have {} s", strsignal(AwaitStop()),
               options.grace_seconds);
  if (server.Stop()) return kExitClean;
  spdlog::error("the data directory does not have all that was acknowledged");
  return kExitNotSaved;
}

// Without one of the threads, or the memory, that it needs from the start it cannot serve.
int ServeOrSayWhy(const Options& options) {
  try {
    return Serve(options);
  } catch (const std::system_error& error) {
    spdlog::error("cannot start: {} (ulimit -u, or -v for the memory of threads)", error.what());
    return kExitCannotServe;
  } catch (const std::bad_alloc&) {
    spdlog::error("cannot serve: the system has no memory (ulimit -v, or the container's limit)");
    return kExitCannotServe;
  }
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
  // What is wrong may be told to a pipe that nobody reads any more.
  OpenStandardDescriptors();
  PrepareSignals();
  std::variant<Options, int> parsed = ParseOptions(argc, argv);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  const Options& options = std::get<Options>(parsed);
  RaiseDescriptorLimit();
  if (absl::Status status = StartLog(options.log_level); !status.ok()) {
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    return kExitCannotServe;
  }
  for (const std::string& warning : options.warnings) spdlog::warn(warning);
  const int code = ServeOrSayWhy(options);
  FlushLog(kLastLines);
  return code;
}

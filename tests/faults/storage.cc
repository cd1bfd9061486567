// Scenarios of storage that fails: full, failing fsync, power failure.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <iostream>
#include <random>
#include <stop_token>
#include <string>
#include <thread>

#include "absl/strings/str_format.h"
#include "tests/faults/scenarios.h"
#include "tests/support/programs.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// One push of a worker that does not wait: the error that it gets.
std::string PushError(const std::string& target) {
  Graph graph(target, {.worker_id = "impatient", .timeout = std::chrono::milliseconds(1500)});
  const auto use = graph.as_default();
  const variable_scope scope(get_variable_scope(), {.reuse = AUTO_REUSE});
  const Variable sum =
      get_variable("sum", {.shape = Shape{1000}, .initializer = zeros_initializer()});
  try {
    Session().run(sum.assign_add(zeros({1000})));
  } catch (const OpError& error) {
    return error.message();
  }
  return "";
}

// While storage fails pushes are refused with the reason and pulls go on; once it is well again
// everybody goes on, and nothing acknowledged is missing, also after a crash.
void FailStorage(const Settings& settings, const Arena& arena, ServerProcess& server,
                 const char* reason, const std::function<void()>& mend) {
  const int pushes = 40 * settings.cycles;
  Fleet fleet(arena, server.target(), kAsync, settings.workers, pushes);
  const Clock::time_point limit = Clock::now() + std::chrono::seconds(60);
  std::string refusal;
  while (refusal.find(reason) == std::string::npos) {
    if (Clock::now() > limit) throw Broken("no push was refused for '" + std::string(reason) + "'");
    try {
      refusal = PushError(server.target());
    } catch (const OpError& error) {
      refusal = error.message();  // to connect is a change, too
    }
  }
  const auto all = uint64_t(pushes) * settings.workers;
  const uint64_t total = Sum(fleet.acked());
  if (total == all) throw Broken("storage failed too late to matter");
  mend();
  fleet.WaitAll();
  CheckExact(kAsync, Observe(server.target(), settings.workers), fleet.acked());
  server.Kill();
  server.Restart();
  CheckExact(kAsync, Observe(server.target(), settings.workers), fleet.acked());
  std::cout << absl::StrFormat(
      "'%s' after %d of %d pushes: refused, then all acknowledged, 0 lost, 0 twice\n", reason,
      total, all);
}

// What a power failure leaves of the server's files: the bytes that were forced to stable storage.
void LosePower(const fs::path& data, const fs::path& synced) {
  for (const auto& entry : fs::directory_iterator(data)) {
    struct stat stat;
    if (::stat(entry.path().c_str(), &stat) != 0) continue;
    uint64_t size = 0;
    std::ifstream(synced / std::to_string(stat.st_ino)) >> size;
    if (size < entry.file_size()) fs::resize_file(entry.path(), size);
  }
}

}  // namespace

void FillDisk(const Settings& settings) {
  const Arena arena;
  fs::create_directory(arena.data());
  const auto mount_with = [&](const char* size, unsigned long flags) {
    return mount("tmpfs", arena.data().c_str(), "tmpfs", flags, size) == 0;
  };
  if (!mount_with("size=400k", 0)) {
    std::cout << "disk-full: skipped, it needs the right to mount a small file system\n";
    return;
  }
  {
    ServerProcess server({"--data-dir", arena.data(), "--snapshot-seconds", "0"});
    // The server leaves itself room: it is somebody else who takes it, and all that it makes free.
    std::jthread taker([&](const std::stop_token& stop) {
      const int theirs = open((arena.data() + "/theirs").c_str(), O_WRONLY | O_CREAT, 0600);
      const std::string some(4096, 'x');
      while (!stop.stop_requested()) {
        if (arena.acked(0) >= 10 && write(theirs, some.data(), some.size()) > 0) continue;
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      }
      close(theirs);
    });
    FailStorage(settings, arena, server, "No space left on device", [&] {
      taker.request_stop();
      taker.join();
      mount_with("size=256m", MS_REMOUNT);
    });
  }
  umount(arena.data().c_str());
}

void FailSync(const Settings& settings) {
  const Arena arena;
  const std::string failing = arena.file("failing");
  setenv("LD_PRELOAD", Built("tests/libvarscope_failing_fsync.so").c_str(), 1);
  setenv("VARSCOPE_TEST_FAIL_FSYNC", failing.c_str(), 1);
  ServerProcess server({"--data-dir", arena.data(), "--snapshot-seconds", "0"});
  std::thread breaker([&] {
    while (arena.acked(0) < 10) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::ofstream(failing) << "now";
  });
  FailStorage(settings, arena, server, "Input/output error", [&] { fs::remove(failing); });
  breaker.join();
  unsetenv("LD_PRELOAD");
  unsetenv("VARSCOPE_TEST_FAIL_FSYNC");
}

// The machine loses power again and again: what was written but not forced to stable storage is
// gone.
void LosePowerAgainAndAgain(const Settings& settings) {
  std::mt19937 random(settings.seed);
  const Arena arena;
  const fs::path synced = arena.file("synced");
  fs::create_directory(synced);
  setenv("LD_PRELOAD", Built("tests/libvarscope_failing_fsync.so").c_str(), 1);
  setenv("VARSCOPE_TEST_SYNCED", synced.c_str(), 1);
  ServerProcess server({"--data-dir", arena.data(), "--snapshot-seconds", "1"});
  const int pushes = 60 * settings.cycles;
  Fleet fleet(arena, server.target(), kAsync, settings.workers, pushes);
  for (int failure = 0; failure < settings.cycles; ++failure) {
    fleet.WaitForProgress(1 + random() % 40);
    server.Kill();
    const std::vector<uint64_t> acked = fleet.acked();
    LosePower(arena.data(), synced);
    server.Restart();
    Check(kAsync, Observe(server.target(), settings.workers), acked);
  }
  fleet.WaitAll();
  CheckExact(kAsync, Observe(server.target(), settings.workers), fleet.acked());
  unsetenv("LD_PRELOAD");
  unsetenv("VARSCOPE_TEST_SYNCED");
  std::cout << absl::StrFormat("power-loss: %d failures, %d pushes acknowledged, 0 lost, 0 twice\n",
                               settings.cycles, uint64_t(pushes) * settings.workers);
}

}  // namespace varscope::testing

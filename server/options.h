// The server's settings: command line, then environment, then config file, then defaults.
#ifndef VARSCOPE_SERVER_OPTIONS_H_
#define VARSCOPE_SERVER_OPTIONS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "server/sync/durability.h"
#include "server/sync/group_options.h"

namespace varscope::server {

struct Options {
  std::vector<std::string> listen = {"127.0.0.1:7077"};
  std::string port_file;
  int ready_fd = -1;                // -1: none
  uint64_t memory_limit = 0;        // resolved to memory.h's when 0; a Server's own: none
  uint64_t max_store_bytes = 0;     // resolved to half of memory_limit when 0
  uint64_t max_variable_bytes = 0;  // resolved to max_store_bytes when 0
  uint64_t max_push_bytes = 0;      // resolved to max_store_bytes when 0
  std::string data_dir;             // empty: nothing is kept
  std::string durability;  // none, async:<milliseconds>ms, sync; resolved by the data directory
  DurabilityLevel durability_level = DurabilityLevel::kNone;
  int durability_interval_ms = 100;  // of async
  int snapshot_seconds = 300;        // 0: not by time
  uint64_t max_log_bytes = 0;        // as RecorderOptions
  bool accept_mismatches = false;    // as RecoveryOptions
  int snapshots_kept = 2;
  double lease_seconds = 10;  // 0: workers are never evicted
  std::vector<GroupOptions> groups;
  uint64_t max_inflight_bytes = 0;  // resolved to half of max_store_bytes when 0
  int shared_memory_streams = 64;   // 0: no shared memory
  int stall_seconds = 30;           // 0: streams may be idle
  int grace_seconds = 5;
  std::string log_level = "info";
  std::vector<std::string> warnings;  // of what is set and does nothing
};

// The settings, or the exit code of a run that ends here (--help, --version, a wrong flag).
std::variant<Options, int> ParseOptions(int argc, char** argv);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_OPTIONS_H_

#include "server/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "server/exit_codes.h"

namespace varscope::server {
namespace {

constexpr const char* kAbout =
    "varscoped: the varscope parameter server.\n"
    "Owns a store of variables shared by name. Workers connect, get or create variables under\n"
    "TensorFlow 1's scoping rules, pull values, push gradients; the server applies the optimizer.";

constexpr const char* kMore =
    "Examples:\n"
    "  varscoped                                  serve on 127.0.0.1:7077\n"
    "  varscoped --listen 127.0.0.1:0 --port-file p   any free port, written to the file p\n"
    "  varscoped --listen 0.0.0.0:7077 --listen unix:/run/varscope.sock\n"
    "  varscoped --data-dir /var/lib/varscope     lose nothing that was acknowledged, whatever "
    "dies\n"
    "  varscoped --config varscoped.toml          settings from a file: listen = [\"...\"]\n"
    "\n"
    "Synchronization (--sync), by the prefix of the variables' names:\n"
    "  async  at once; max_staleness=N drops pushes more than N updates behind, stale=scale\n"
    "         scales each push by 1/staleness\n"
    "  bsp    in steps: all workers' pushes become one update; workers=N waits for N at first,\n"
    "         backup=N does not wait for the last N, deadline=30s goes on with quorum=N,\n"
    "         aggregate=mean|median|trimmed_mean/F|krum/F\n"
    "  ssp    at once, but no worker reads when it is more than bound=N ahead of the slowest\n"
    "  local  workers train alone for steps=N, then as bsp (DiLoCo); fragments=N,\n"
    "         outer_learning_rate=0.7, outer_momentum=0.9\n"
    "  all    nonfinite=refuse|skip, clip_norm=X, quarantine=N (after N pushes with NaN)\n"
    "  such as: --sync bsp:workers=4,backup=1 --sync model/embedding=async:max_staleness=20\n"
    "\n"
    "Ask a running server: varscopectl health | list | describe NAME   (see varscopectl --help)\n"
    "SIGTERM or SIGINT stops it cleanly; calls under way get --grace-seconds to end.\n"
    "\n"
    "Exit codes: 0 stopped cleanly, 1 could not listen or write the port file,\n"
    "            2 wrong flag, environment or config file,\n"
    "            3 the data directory cannot be used or is damaged (the log says where)";

uint64_t HalfOfMemory() {
  const auto pages = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES));
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE)) / 2;
}

// "sync", "none", or "async:<n>ms"; `interval_ms` is set for the last alone.
bool ParseDurability(const std::string& text, DurabilityLevel* level, int* interval_ms) {
  if (text == "none") return *level = DurabilityLevel::kNone, true;
  if (text == "sync") return *level = DurabilityLevel::kSync, true;
  int milliseconds = 0;
  int end = 0;
  if (std::sscanf(text.c_str(), "async:%5dms%n", &milliseconds, &end) != 1) return false;
  if (end != static_cast<int>(text.size()) || milliseconds < 1) return false;
  *level = DurabilityLevel::kAsync;
  *interval_ms = milliseconds;
  return true;
}

std::string CheckDurability(const std::string& text) {
  DurabilityLevel level{};
  int interval_ms = 0;
  if (ParseDurability(text, &level, &interval_ms)) return "";
  return "'" + text + "' is not none, sync, or async:<1 to 99999>ms";
}

std::string CheckGroup(const std::string& text) {
  return std::string(ParseGroup(text).status().message());
}

// Two groups of one prefix would contradict each other; returns what is wrong.
std::string ReadGroups(const std::vector<std::string>& texts, std::vector<GroupOptions>& groups) {
  for (const std::string& text : texts) {
    GroupOptions group = *ParseGroup(text);
    for (const GroupOptions& other : groups) {
      if (other.prefix == group.prefix) return "--sync: two modes for '" + group.prefix + "'";
    }
    groups.push_back(std::move(group));
  }
  return "";
}

}  // namespace

std::variant<Options, int> ParseOptions(int argc, char** argv) {
  Options o;
  CLI::App app(kAbout, "varscoped");
  app.footer(kMore);
  app.set_version_flag("--version", std::string("varscoped ") + VARSCOPE_VERSION);
  app.set_config("--config", "", "Read settings from this TOML or INI file");
  app.add_option("--listen", o.listen,
                 "Address to serve on: HOST:PORT (port 0: any free one) or unix:PATH; repeatable")
      ->envname("VARSCOPE_LISTEN")
      ->capture_default_str();
  app.add_option("--port-file", o.port_file,
                 "Write the TCP port of the first address to this file once serving")
      ->envname("VARSCOPE_PORT_FILE");
  app.add_option("--ready-fd", o.ready_fd,
                 "Write that port and a newline to this open file descriptor once serving")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max-store-bytes", o.max_store_bytes,
                 "Bytes that all variables and slots may take; KiB, MiB, GiB understood "
                 "[half of the machine's memory]")
      ->transform(CLI::AsSizeValue(false))
      ->envname("VARSCOPE_MAX_STORE_BYTES");
  app.add_option("--max-variable-bytes", o.max_variable_bytes,
                 "Bytes that one variable may take [--max-store-bytes]")
      ->transform(CLI::AsSizeValue(false))
      ->envname("VARSCOPE_MAX_VARIABLE_BYTES");
  app.add_option("--max-push-bytes", o.max_push_bytes,
                 "Bytes that the tensors of one push may take [--max-store-bytes]")
      ->transform(CLI::AsSizeValue(false))
      ->envname("VARSCOPE_MAX_PUSH_BYTES");
  app.add_option("--max-inflight-bytes", o.max_inflight_bytes,
                 "Bytes that pushes under way may take, and that pulls may pin; workers that find "
                 "it full are "
                 "told to ask again [half of --max-store-bytes]")
      ->transform(CLI::AsSizeValue(false))
      ->envname("VARSCOPE_MAX_INFLIGHT_BYTES");
  std::vector<std::string> groups;
  app.add_option(
         "--sync", groups,
         "When updates of the variables under PREFIX apply, as [PREFIX=]MODE[:KEY=VALUE,...]"
         "; repeatable; modes and keys below [async]")
      ->check(CheckGroup)
      ->envname("VARSCOPE_SYNC");
  app.add_option("--lease-seconds", o.lease_seconds,
                 "A worker that is silent for this long is evicted: nobody waits for it; 0: never")
      ->check(CLI::Range(0.0, 86400.0))
      ->envname("VARSCOPE_LEASE_SECONDS")
      ->capture_default_str();
  app.add_option("--shared-memory-streams", o.shared_memory_streams,
                 "How many calls at a time workers of this host and user may make through shared "
                 "memory, 4 MiB each; 0: tensors go through the addresses above only")
      ->check(CLI::Range(0, 4096))
      ->envname("VARSCOPE_SHARED_MEMORY_STREAMS")
      ->capture_default_str();
  app.add_option("--stall-seconds", o.stall_seconds,
                 "A pull or push whose other side stands still for this long is ended; 0: never")
      ->check(CLI::Range(0, 86400))
      ->envname("VARSCOPE_STALL_SECONDS")
      ->capture_default_str();
  app.add_option("--data-dir", o.data_dir,
                 "Keep variables, slots and pushes in this directory, and start from what it has")
      ->envname("VARSCOPE_DATA_DIR");
  app.add_option(
         "--durability", o.durability,
         "With --data-dir, when a push is acknowledged: sync, once it is on the medium; "
         "async:100ms, at once, and on the medium within that time; none, only snapshots are "
         "kept [sync]")
      ->check(CheckDurability)
      ->envname("VARSCOPE_DURABILITY");
  app.add_option("--snapshot-seconds", o.snapshot_seconds,
                 "Take a snapshot this often; 0: only on varscopectl snapshot and on SIGTERM")
      ->check(CLI::Range(0, 7 * 24 * 3600))
      ->envname("VARSCOPE_SNAPSHOT_SECONDS")
      ->capture_default_str();
  app.add_option("--snapshots-kept", o.snapshots_kept, "Older ones are removed")
      ->check(CLI::Range(1, 1000))
      ->envname("VARSCOPE_SNAPSHOTS_KEPT")
      ->capture_default_str();
  app.add_option("--grace-seconds", o.grace_seconds, "How long calls may go on after SIGTERM")
      ->check(CLI::Range(0, 3600))
      ->envname("VARSCOPE_GRACE_SECONDS")
      ->capture_default_str();
  app.add_option("--log-level", o.log_level, "What to log, on standard error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "off"}))
      ->envname("VARSCOPE_LOG_LEVEL")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitClean : kExitUsage;
  }
  if (!o.durability.empty() && o.data_dir.empty() && o.durability != "none") {
    std::cerr << "--durability " << o.durability << " needs a --data-dir\n";
    return kExitUsage;
  }
  if (o.durability.empty()) o.durability = o.data_dir.empty() ? "none" : "sync";
  ParseDurability(o.durability, &o.durability_level, &o.durability_interval_ms);
  if (o.max_store_bytes == 0) o.max_store_bytes = HalfOfMemory();
  if (const std::string wrong = ReadGroups(groups, o.groups); !wrong.empty()) {
    std::cerr << wrong << "\n";
    return kExitUsage;
  }
  if (o.max_inflight_bytes == 0) o.max_inflight_bytes = o.max_store_bytes / 2;
  if (o.max_variable_bytes == 0) o.max_variable_bytes = o.max_store_bytes;
  if (o.max_push_bytes == 0) o.max_push_bytes = o.max_store_bytes;
  return o;
}

}  // namespace varscope::server

#include "server/options.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "proto/command_line/command_line.h"
#include "proto/naming/names.h"
#include "proto/tensor/nearest.h"
#include "proto/wire/address.h"
#include "server/exit_codes.h"
#include "server/memory.h"

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
    "SIGTERM, SIGINT or SIGHUP stops it cleanly; calls under way get --grace-seconds to end.\n"
    "\n"
    "Exit codes: 0 stopped cleanly, 1 could not listen or write the port file,\n"
    "            2 wrong flag, environment or config file,\n"
    "            3 the data directory cannot be used or is damaged (the log says where),\n"
    "            4 stopped, but what was acknowledged is not all in the data directory";

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
      if (other.prefix != group.prefix) continue;
      return absl::StrCat("--sync: two modes for ",
                          group.prefix.empty() ? "all variables" : "'" + group.prefix + "'");
    }
    groups.push_back(std::move(group));
  }
  return "";
}

// Returns the first that is there twice, unless each of them is any free port.
std::string FindTwice(std::vector<std::string> addresses) {
  std::erase_if(addresses, [](const std::string& a) { return absl::EndsWith(a, ":0"); });
  std::sort(addresses.begin(), addresses.end());
  const auto twice = std::adjacent_find(addresses.begin(), addresses.end());
  return twice == addresses.end() ? "" : *twice;
}

// A lease of less than a millisecond would be none, which is 0's meaning.
std::string CheckLease(const std::string& text) {
  return text == "0" ? "" : CheckNumber(text, 0.001, 86400);
}

// With less there would be no room beside what the server itself takes.
std::string CheckLeastMemory(const std::string& text) {
  constexpr uint64_t kLeast = uint64_t{64} << 20;
  uint64_t bytes = 0;
  const bool enough = absl::SimpleAtoi(text, &bytes) && bytes >= kLeast;
  return enough ? "" : absl::StrCat("'", text, "' bytes are too few; it must be at least 64MiB");
}

// Limits that another one does not let be reached; returns what is wrong. `o` is as it was given.
std::string CheckMemory(const Options& o) {
  if (o.memory_limit == 0) return "";
  const std::pair<const char*, uint64_t> parts[] = {{"--max-store-bytes", o.max_store_bytes},
                                                    {"--max-variable-bytes", o.max_variable_bytes},
                                                    {"--max-push-bytes", o.max_push_bytes},
                                                    {"--max-inflight-bytes", o.max_inflight_bytes}};
  for (const auto& [flag, bytes] : parts) {
    if (bytes <= o.memory_limit) continue;
    return absl::StrCat(flag, " ", bytes, " is more than --memory-limit, which is ",
                        o.memory_limit);
  }
  return "";
}

// A misspelt variable of the environment would do nothing, in silence. Others that begin alike are
// workers', or a container manager's: Kubernetes sets VARSCOPE_PORT for a service of that name.
std::vector<std::string> UnknownVariables(const std::vector<std::string>& read) {
  std::vector<std::string> warnings;
  constexpr absl::string_view kPrefix = "VARSCOPE_";
  std::vector<std::string> known = {"PORT", "TARGET", "THREADS", "TRANSPORT", "WORKER"};
  for (const std::string& name : read) known.push_back(name.substr(kPrefix.size()));
  for (char** entry = environ; *entry != nullptr; ++entry) {
    absl::string_view name = absl::string_view(*entry).substr(0, std::strcspn(*entry, "="));
    if (!absl::ConsumePrefix(&name, kPrefix)) continue;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string nearest = Nearest(name, known);
    if (nearest.empty()) continue;
    warnings.push_back(absl::StrCat("nothing reads ", kPrefix, Printable(name),
                                    DidYouMean(absl::StrCat(kPrefix, nearest))));
  }
  return warnings;
}

}  // namespace

std::variant<Options, int> ParseOptions(int argc, char** argv) {
  Options o;
  CommandLine line(kAbout, "varscoped", kMore);
  line.AddVersion(std::string("varscoped ") + VARSCOPE_VERSION);
  line.AddConfigFile();
  line.Add("--listen", &o.listen,
           "Address to serve on: HOST:PORT (port 0: any free one) or unix:PATH; repeatable")
      .Check(ValidateListenAddress)
      .FromEnvironment()
      .ShowDefault();
  line.Add("--port-file", &o.port_file,
           "Write the TCP port of the first address to this file once serving")
      .NotEmpty()
      .FromEnvironment();
  line.Add("--ready-fd", &o.ready_fd,
           "Write that port and a newline to this open file descriptor once serving")
      .Within(0, std::numeric_limits<int>::max());
  line.Add("--memory-limit", &o.memory_limit,
           "Bytes of memory that the server may take in all, at least 64MiB; what does not fit is "
           "refused; KiB, MiB, GiB understood [what the machine, container or ulimit lets it have]")
      .Bytes()
      .Check(CheckLeastMemory)
      .FromEnvironment();
  line.Add("--max-store-bytes", &o.max_store_bytes,
           "Bytes that all variables and slots may take [half of --memory-limit]")
      .Bytes()
      .FromEnvironment();
  line.Add("--max-variable-bytes", &o.max_variable_bytes,
           "Bytes that one variable may take [--max-store-bytes]")
      .Bytes()
      .FromEnvironment();
  line.Add("--max-push-bytes", &o.max_push_bytes,
           "Bytes that the tensors of one push may take [--max-store-bytes]")
      .Bytes()
      .FromEnvironment();
  line.Add("--max-inflight-bytes", &o.max_inflight_bytes,
           "Bytes that pushes under way may take, and that pulls may pin; workers that find "
           "it full are "
           "told to ask again [half of --max-store-bytes]")
      .Bytes()
      .FromEnvironment();
  std::vector<std::string> groups;
  line.Add("--sync", &groups,
           "When updates of the variables under PREFIX apply, as [PREFIX=]MODE[:KEY=VALUE,...]"
           "; repeatable; modes and keys below [async]")
      .Check(CheckGroup)
      .FromEnvironment();
  line.Add("--lease-seconds", &o.lease_seconds,
           "A worker that is silent for this long is evicted: nobody waits for it; 0: never")
      .Check(CheckLease)
      .FromEnvironment()
      .ShowDefault();
  line.Add("--shared-memory-streams", &o.shared_memory_streams,
           "How many calls at a time workers of this host and user may make through shared "
           "memory, 4 MiB each; 0: tensors go through the addresses above only")
      .Within(0, 4096)
      .FromEnvironment()
      .ShowDefault();
  line.Add("--stall-seconds", &o.stall_seconds,
           "A pull or push whose other side makes no progress for this long is ended; 0: never")
      .Within(0, 86400)
      .FromEnvironment()
      .ShowDefault();
  line.Add("--data-dir", &o.data_dir,
           "Keep variables, slots and pushes in this directory, and start from what it has")
      .NotEmpty()
      .FromEnvironment();
  line.Add("--durability", &o.durability,
           "With --data-dir, when a push is acknowledged: sync, once it is on stable storage; "
           "async:100ms, at once, and on stable storage within that time; none, only snapshots are "
           "kept [sync]")
      .Check(CheckDurability)
      .FromEnvironment();
  line.Add("--snapshot-seconds", &o.snapshot_seconds,
           "Take a snapshot this often, when anything has changed; 0: only by --max-log-bytes, on "
           "varscopectl snapshot and on SIGTERM")
      .Within(0, 7 * 24 * 3600)
      .FromEnvironment()
      .ShowDefault();
  line.Add("--max-log-bytes", &o.max_log_bytes,
           "Take a snapshot when the log since the last one without a name has more bytes than "
           "this, "
           "or when the disk has little room left; the log from before the kept ones is removed [4 "
           "times what the store takes, at least 32 MiB]")
      .Bytes()
      .FromEnvironment();
  line.AddFlag("--accept-mismatches", &o.accept_mismatches,
               "Start although changes in --data-dir lead elsewhere than at their first time, with "
               "what they lead to now");
  line.Add("--snapshots-kept", &o.snapshots_kept, "Older ones are removed")
      .Within(1, 1000)
      .FromEnvironment()
      .ShowDefault();
  line.Add("--grace-seconds", &o.grace_seconds, "How long calls may go on after SIGTERM")
      .Within(0, 3600)
      .FromEnvironment()
      .ShowDefault();
  line.Add("--log-level", &o.log_level, "What to log, on standard error")
      .OneOf({"trace", "debug", "info", "warning", "error", "off"})
      .FromEnvironment()
      .ShowDefault();
  if (const std::optional<int> code = line.Parse(argc, argv, std::cout)) return *code;
  o.warnings = UnknownVariables(line.EnvironmentNames());
  if (const std::string twice = FindTwice(o.listen); !twice.empty()) {
    std::cerr << "varscoped: --listen: " << twice << " is there twice\n";
    return kExitUsage;
  }
  if (!o.durability.empty() && o.data_dir.empty() && o.durability != "none") {
    std::cerr << "varscoped: --durability " << o.durability << " needs a --data-dir\n";
    return kExitUsage;
  }
  if (o.durability.empty()) o.durability = o.data_dir.empty() ? "none" : "sync";
  ParseDurability(o.durability, &o.durability_level, &o.durability_interval_ms);
  if (const std::string wrong = CheckMemory(o); !wrong.empty()) {
    std::cerr << "varscoped: " << wrong << "\n";
    return kExitUsage;
  }
  if (o.memory_limit == 0) o.memory_limit = UsableMemory();
  if (o.max_store_bytes == 0) o.max_store_bytes = o.memory_limit / 2;
  if (const std::string wrong = ReadGroups(groups, o.groups); !wrong.empty()) {
    std::cerr << "varscoped: " << wrong << "\n";
    return kExitUsage;
  }
  if (o.max_inflight_bytes == 0) o.max_inflight_bytes = o.max_store_bytes / 2;
  if (o.max_variable_bytes == 0) o.max_variable_bytes = o.max_store_bytes;
  if (o.max_push_bytes == 0) o.max_push_bytes = o.max_store_bytes;
  return o;
}

}  // namespace varscope::server

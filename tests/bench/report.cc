#include "tests/bench/report.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <ostream>
#include <stdexcept>
#include <thread>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace varscope::bench {
namespace {

constexpr const char* kPeers[] = {"TensorFlow", "TensorFlow, no ps", "torch RPC", "Ray", "Redis"};

std::string Bytes(uint64_t n) {
  if (n >= uint64_t{1} << 30) return absl::StrFormat("%.4g GiB", n / double(uint64_t{1} << 30));
  if (n >= 1 << 20) return absl::StrFormat("%.4g MiB", n / double(1 << 20));
  if (n >= 1 << 10) return absl::StrFormat("%.4g KiB", n / double(1 << 10));
  return absl::StrFormat("%d B", n);
}

std::string Seconds(double s) {
  if (s < 1e-3) return absl::StrFormat("%.1f us", s * 1e6);
  if (s < 1) return absl::StrFormat("%.2f ms", s * 1e3);
  return absl::StrFormat("%.2f s", s);
}

std::string Ratio(double of, double to) {
  return to == 0 || of == 0 ? "" : absl::StrFormat("%.2f", of / to);
}

// The median of `what` over the transport, or 0.
double MedianOf(const std::vector<Result>& all, const std::string& what,
                const std::string& transport, uint64_t bytes, int workers) {
  for (const Result& r : all) {
    if (r.what == what && r.transport == transport && r.bytes == bytes && r.workers == workers) {
      return r.median;
    }
  }
  return 0;
}

bool IsOfThisMachine(const Result& r) {
  return r.what == "socket" || r.what.starts_with("gRPC floor") || r.what == "memcpy";
}

bool IsPeer(const Result& r) {
  for (const char* peer : kPeers) {
    if (r.transport == peer) return true;
  }
  return false;
}

std::vector<std::string> Ratios(const std::vector<Result>& all, const Result& r) {
  // Without what distinguishes a variant.
  const std::string what = r.what.substr(0, r.what.find(','));
  // Both ways together: twice the ceiling of one way.
  const uint64_t ways = what == "pull+push" ? 2 : 1;
  const uint64_t one_way = r.bytes / ways;
  const auto ceiling = [&](const std::string& name, const std::string& transport) {
    return static_cast<double>(ways) * MedianOf(all, name, transport, one_way, 1);
  };
  if (IsOfThisMachine(r) || IsPeer(r)) return std::vector<std::string>(4 + std::size(kPeers));
  std::vector<std::string> ratios = {
      Ratio(r.median, ceiling("memcpy", "memory")), Ratio(r.median, ceiling("socket", r.transport)),
      Ratio(r.median, ceiling("gRPC floor", r.transport)),
      Ratio(r.median, ceiling("gRPC floor, own queue", r.transport))};
  for (const char* peer : kPeers) {
    ratios.push_back(Ratio(MedianOf(all, what, peer, r.bytes, r.workers), r.median));
  }
  return ratios;
}

}  // namespace

void PrintTable(const std::vector<Result>& all, std::ostream& out) {
  out << "| what | over | bytes | workers | median | p99 | GB/s | ops/s | CPU client | CPU server "
         "| server peak | time / memcpy | time / socket | time / gRPC floor | time / own queue |";
  for (const char* peer : kPeers) out << " times the speed of " << peer << " |";
  out << "\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|";
  for (size_t i = 0; i < std::size(kPeers); ++i) out << "---|";
  out << "\n";
  for (const Result& r : all) {
    out << absl::StrFormat("| %s | %s | %s | %d | %s | %s | %.2f | %.0f | %s | %s | %s | %s |\n",
                           r.what, r.transport, Bytes(r.bytes), r.workers, Seconds(r.median),
                           r.p99 > 0 ? Seconds(r.p99) : "", r.bytes_per_second() / 1e9, r.rate,
                           Seconds(r.client_cpu), Seconds(r.server_cpu),
                           r.server_peak > 0 ? Bytes(static_cast<uint64_t>(r.server_peak)) : "",
                           absl::StrJoin(Ratios(all, r), " | "));
  }
}

void PrintExplanation(int rounds, std::ostream& out) {
  out << "# One run of tests/bench/run.sh\n\n"
      << std::thread::hardware_concurrency()
      << " cores, server and workers on them together. Each figure was measured in " << rounds
      << " round(s), the peers' too, and is that of its best round. NOTES.md says what the figures "
         "mean.\n\n"
         "Lines:\n\n"
         "- memcpy, socket, gRPC floor: what this machine can do without varscope.\n"
         "- pull, push+SGD, push+Adam: one call of a worker for one float32 variable; the server "
         "applies the optimizer. pull+push is both in one call.\n"
         "- training step: `Session::run` of the SGD update of one variable w for the loss "
         "sum(w * w): a pull, the gradient, a push. TensorFlow: the same program with its "
         "`Session` (a callable made by `make_callable`) and w on a ps of its own process. "
         "\"training step, prefetched\" is the same with `ConnectOptions::prefetch`.\n"
         "- digit classifier: the program client/examples/classifier.cc, each worker a process; "
         "\"ops/s\" is the steps of all workers together, \"median\" the mean time of a step.\n"
         "- MLP (784-512-512-10), CNN (5x5x32, 5x5x64, 1024, 10) and LSTM (a cell of 128 units "
         "over "
         "the 28 rows): the forward pass and a step of Adam for 64 images of 28x28, with variables "
         "on the server; embedding: the same with Adagrad for 64 texts of 20 words, whose mean row "
         "of 50,000 x 64 a layer of 10 takes. \"TensorFlow, no ps\" is one process with all in "
         "it.\n"
         "- Peers: TensorFlow 2.21 with one ps; torch RPC is `torch.distributed.rpc`, calls of "
         "`rpc_sync` to a process that has the tensor and applies SGD; Ray is an actor that has "
         "the array and applies SGD; Redis keeps what is pushed and applies nothing.\n\n"
         "Columns: shm is shared memory. \"bytes\" is the payload, both ways together where there "
         "are two. CPU is of one operation. \"times the speed of\" a peer is its median divided by "
         "ours, in the line of the same name and bytes.\n\n";
}

void WriteJson(const std::vector<Result>& all, const std::string& path) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Result& r : all) {
    list.push_back({{"what", r.what},
                    {"transport", r.transport},
                    {"bytes", r.bytes},
                    {"workers", r.workers},
                    {"runs", r.runs},
                    {"median_seconds", r.median},
                    {"p99_seconds", r.p99},
                    {"operations_per_second", r.rate},
                    {"client_cpu_seconds", r.client_cpu},
                    {"server_cpu_seconds", r.server_cpu},
                    {"server_peak_bytes", r.server_peak}});
  }
  std::ofstream(path) << list.dump(1) << "\n";
}

std::vector<Result> ReadJson(const std::string& path) {
  std::ifstream in(path);
  const nlohmann::json list = nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) throw std::runtime_error(path + " has no list of results");
  std::vector<Result> all;
  for (const nlohmann::json& r : list) {
    all.push_back({.what = r.at("what"),
                   .transport = r.at("transport"),
                   .bytes = r.at("bytes"),
                   .workers = r.at("workers"),
                   .runs = r.at("runs"),
                   .median = r.at("median_seconds"),
                   .p99 = r.at("p99_seconds"),
                   .rate = r.at("operations_per_second"),
                   .client_cpu = r.at("client_cpu_seconds"),
                   .server_cpu = r.at("server_cpu_seconds"),
                   .server_peak = r.at("server_peak_bytes")});
  }
  return all;
}

}  // namespace varscope::bench

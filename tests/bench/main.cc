// varscope_bench [--quick] [--json FILE] [--table FILE] [--only SECTION]: what run.sh runs.
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/str_format.h"
#include "tests/bench/ceilings.h"
#include "tests/bench/varscope_bench.h"

namespace varscope::bench {
namespace {

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

// The median of `what` at the same transport and size, or 0.
double Baseline(const std::vector<Result>& all, const std::string& what, const Result& of,
                uint64_t bytes) {
  for (const Result& r : all) {
    if (r.what == what && r.transport == of.transport && r.bytes == bytes) return r.median;
  }
  return 0;
}

std::string Ratio(double of, double to) { return to == 0 ? "" : absl::StrFormat("%.2f", of / to); }

void PrintTable(const std::vector<Result>& all, std::ostream& out) {
  out << "| what | over | bytes | workers | median | p99 | GB/s | ops/s | CPU client | CPU server "
         "| server peak | time / socket | time / gRPC floor |\n"
      << "|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const Result& r : all) {
    // Both ways together: twice the ceiling of one way.
    const bool both = r.what.starts_with("pull+push");
    const uint64_t one_way = both ? r.bytes / 2 : r.bytes;
    const double ways = both ? 2 : 1;
    const double socket = ways * Baseline(all, "socket", r, one_way);
    const double floor = ways * Baseline(all, "gRPC floor", r, one_way);
    out << absl::StrFormat(
        "| %s | %s | %s | %d | %s | %s | %.2f | %.0f | %s | %s | %s | %s | %s |\n", r.what,
        r.transport, Bytes(r.bytes), r.workers, Seconds(r.median), Seconds(r.p99),
        r.bytes_per_second() / 1e9, r.rate, Seconds(r.client_cpu), Seconds(r.server_cpu),
        r.server_peak > 0 ? Bytes(static_cast<uint64_t>(r.server_peak)) : "",
        r.what == "socket" ? "" : Ratio(r.median, socket),
        r.what == "gRPC floor" || r.what == "socket" ? "" : Ratio(r.median, floor));
  }
}

nlohmann::ordered_json ToJson(const std::vector<Result>& all) {
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
  return list;
}

int Main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "--serve-floor") {
    ServeGrpcFloor(argv[2], std::stoi(argv[3]));
    return 0;
  }
  bool quick = false;
  std::string json;
  std::string table;
  std::string only;
  CLI::App app("Measures varscope beside the limits of this machine.");
  app.add_flag("--quick", quick, "A minute, up to 16 MiB");
  app.add_option("--json", json, "Write all figures to this file");
  app.add_option("--table", table, "Write the table to this file");
  app.add_option("--only", only, "ceilings, transfers, workers, variables, sparse or durability");
  CLI11_PARSE(app, argc, argv);
  const Effort effort = quick ? Effort{0.2, 5} : Effort{1.5, 7};
  std::vector<uint64_t> sizes = {4, 4 << 10, 64 << 10, 1 << 20, 16 << 20};
  if (!quick) sizes.insert(sizes.end(), {100 << 20, 1 << 30});
  std::vector<Result> all;
  const auto section = [&](const std::string& name, const auto& run) {
    if (!only.empty() && only != name) return;
    std::cerr << "measuring " << name << "\n";
    const std::vector<Result> results = run();
    all.insert(all.end(), results.begin(), results.end());
  };
  // The sockets' other side is forked, which must come before gRPC has threads here.
  section("ceilings", [&] { return MeasureCeilings(sizes, effort); });
  section("ceilings", [&] { return MeasureGrpcFloor(sizes, effort); });
  section("transfers", [&] { return MeasureTransfers(sizes, effort); });
  const std::vector<int> workers = quick ? std::vector<int>{1, 4} : std::vector<int>{1, 4, 16, 64};
  section("workers", [&] { return MeasureWorkers(workers, 64 << 10, effort); });
  const std::vector<int> counts =
      quick ? std::vector<int>{10, 200, 1000} : std::vector<int>{10, 200, 1000, 10000};
  section("variables", [&] { return MeasureManyVariables(counts, effort); });
  section("sparse", [&] { return MeasureSparse(effort); });
  section("durability", [&] {
    return MeasureDurability(uint64_t{1} << (quick ? 28 : 30), Effort{quick ? 1.0 : 5.0, 7});
  });
  PrintTable(all, std::cout);
  if (!table.empty()) {
    std::ofstream out(table);
    out << "# One run of tests/bench/run.sh\n\n"
        << std::thread::hardware_concurrency()
        << " cores, daemon and workers on them together. Bytes are payload, both ways of "
           "pull+push; "
           "CPU is of one operation.\n\n";
    PrintTable(all, out);
  }
  if (!json.empty()) std::ofstream(json) << ToJson(all).dump(1) << "\n";
  return 0;
}

}  // namespace
}  // namespace varscope::bench

int main(int argc, char** argv) {
  try {
    return varscope::bench::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "varscope_bench: " << error.what() << "\n";
    return 1;
  }
}

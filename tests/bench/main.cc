// varscope_bench [--quick] [--json FILE] [--table FILE] [--only SECTION] [--bytes N] [--peer FILE]:
// what run.sh runs, which checks the arguments.
#include <fstream>
#include <iostream>

#include "proto/command_line/command_line.h"
#include "tests/bench/ceilings.h"
#include "tests/bench/models.h"
#include "tests/bench/report.h"
#include "tests/bench/training.h"
#include "tests/bench/varscope_bench.h"

namespace varscope::bench {
namespace {

int Main(int argc, char** argv) {
  if (argc == 5 && std::string(argv[1]) == "--serve-floor") {
    ServeGrpcFloor(argv[2], std::string(argv[3]) == "1", std::stoi(argv[4]));
    return 0;
  }
  bool quick = false;
  std::string json;
  std::string table;
  std::string only;
  std::vector<uint64_t> sizes;
  std::vector<std::string> peers;
  CommandLine line("Measures varscope beside the limits of this machine.", "varscope_bench");
  line.AddFlag("--quick", &quick, "A minute, up to 16 MiB");
  line.Add("--json", &json, "Write all figures to this file");
  line.Add("--table", &table, "Write the table to this file");
  line.Add("--only", &only, "This section only")
      .OneOf({"ceilings", "transfers", "training", "workers", "variables", "compression", "overlap",
              "sparse", "durability"});
  Filter filter;
  line.Add("--what", &filter.what, "Of the transfers and the training only this")
      .OneOf({"pull", "push+SGD", "pull+push", "push+Adam", "training step", "digit classifier",
              "MLP forward", "MLP step", "CNN forward", "CNN step", "LSTM forward", "LSTM step",
              "embedding forward", "embedding step"});
  line.Add("--over", &filter.over, "Transfers and training over this only")
      .OneOf({"tcp", "unix", "shm"});
  line.Add("--bytes", &sizes, "Variables of this size only; repeatable");
  line.Add("--peer", &peers, "Compare with the figures in this file; repeatable");
  if (const auto code = line.Parse(argc, argv, std::cout)) return *code;
  const Effort effort = quick ? Effort{0.1, 0.2, 5} : Effort{0.5, 0.75, 7};
  const int rounds = quick ? 1 : 2;
  if (sizes.empty()) {
    sizes = {4, 4 << 10, 64 << 10, 1 << 20, 16 << 20};
    if (!quick) sizes.insert(sizes.end(), {100 << 20, 1 << 30});
  }
  std::vector<Result> all;
  const auto add = [&](const std::vector<Result>& results) {
    all.insert(all.end(), results.begin(), results.end());
  };
  const auto wanted = [&](const std::string& name) {
    if (!only.empty() && only != name) return false;
    std::cerr << "measuring " << name << "\n";
    return true;
  };
  const auto section = [&](const std::string& name, const auto& run) {
    if (wanted(name)) add(BestOf(rounds, run));
  };
  // The sockets' other side is forked, which must come before gRPC has threads here.
  section("ceilings", [&] { return MeasureCeilings(sizes, effort); });
  for (const std::string& peer : peers) add(ReadJson(peer));
  // In each round beside each other.
  add(BestOf(rounds, [&] {
    std::vector<Result> round;
    const auto part = [&](const std::vector<Result>& results) {
      round.insert(round.end(), results.begin(), results.end());
    };
    if (wanted("ceilings")) {
      for (const bool own_queue : {false, true}) part(MeasureGrpcFloor(sizes, effort, own_queue));
    }
    if (wanted("transfers")) part(MeasureTransfers(sizes, effort, filter));
    return round;
  }));
  std::vector<uint64_t> trained = sizes;
  std::erase_if(trained, [](uint64_t size) { return size > 100 << 20; });
  section("training", [&] { return MeasureTraining(trained, effort, filter); });
  section("training", [&] { return MeasureModels(effort, filter); });
  section("training", [&] { return MeasureClassifier({1, 3}, quick ? 1 : 4, filter); });
  const std::vector<int> workers = quick ? std::vector<int>{1, 4} : std::vector<int>{1, 4, 16, 64};
  section("workers", [&] { return MeasureWorkers(workers, 64 << 10, effort); });
  const std::vector<int> counts =
      quick ? std::vector<int>{10, 200, 1000} : std::vector<int>{10, 200, 1000, 10000};
  section("variables", [&] { return MeasureManyVariables(counts, effort); });
  section("variables", [&] { return MeasureModel(effort); });
  section("compression", [&] { return MeasureCompression(effort); });
  section("overlap", [&] { return MeasureOverlap(effort); });
  section("sparse", [&] { return MeasureSparse(effort); });
  section("durability", [&] {
    return MeasureDurability(uint64_t{1} << (quick ? 28 : 30), Effort{0.1, quick ? 1.0 : 5.0, 7});
  });
  PrintTable(all, std::cout);
  if (!table.empty()) {
    std::ofstream out(table);
    PrintExplanation(rounds, out);
    PrintTable(all, out);
  }
  if (!json.empty()) WriteJson(all, json);
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

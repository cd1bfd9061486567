// varscope_conformance DIR: runs the recordings in DIR against the client library and real servers.
// Prints a difference for each failure and one closing line; exit code 1 when something fell short,
// 2 when DIR cannot be read.
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/conformance/report.h"

namespace varscope::conformance {
namespace {

Json Read(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return Json::parse(in);
}

bool Run(const std::filesystem::path& directory) {
  std::vector<std::pair<std::string, Report>> reports = {
      {"scopes", RunScopes(Read(directory / "scopes.json"))},
      {"ops", RunOps(Read(directory / "ops.json"))},
      {"optimizers", RunOptimizers(Read(directory / "optimizers.json"))}};
  if (std::filesystem::exists(directory / "slots.json")) {
    reports.emplace_back("slots", RunScopes(Read(directory / "slots.json")));
  }
  if (std::filesystem::exists(directory / "differential.json")) {
    reports.emplace_back("differential", RunDifferential(Read(directory / "differential.json")));
  }
  bool all = true;
  std::string line;
  for (const auto& [name, report] : reports) {
    for (const std::string& difference : report.differences) {
      std::cout << name << " " << difference << "\n";
    }
    if (!line.empty()) line += "  ";
    line += name + " " + std::to_string(report.passed) + "/" + std::to_string(report.total);
    all = all && report.passed == report.total;
  }
  std::cout << line << std::endl;
  return all;
}

}  // namespace
}  // namespace varscope::conformance

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: varscope_conformance DIR (with scopes.json, ops.json and optimizers.json, "
                 "perhaps slots.json and differential.json)\n";
    return 2;
  }
  try {
    return varscope::conformance::Run(argv[1]) ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}

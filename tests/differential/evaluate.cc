// varscope_differential: reads a graph program in JSON from each line of the standard input, and
// prints what the client library answers as a line: see conformance/graph_program.h. What kills it
// is a crash of the program that it read last.
#include <exception>
#include <iostream>
#include <string>

#include "tests/conformance/graph_program.h"
#include "tests/support/server_process.h"

namespace varscope::conformance {
namespace {

int AnswerAll() {
  const testing::ServerProcess server;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::cout << Evaluate(Json::parse(line), server.target()).dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace varscope::conformance

int main() {
  try {
    return varscope::conformance::AnswerAll();
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}

// What was measured, as a table and as JSON.
#ifndef VARSCOPE_TESTS_BENCH_REPORT_H_
#define VARSCOPE_TESTS_BENCH_REPORT_H_

#include <iosfwd>
#include <string>
#include <vector>

#include "tests/bench/measure.h"

namespace varscope::bench {

// Peers are results whose transport is their name: a figure is compared with theirs of the same
// `what` and bytes.
void PrintTable(const std::vector<Result>& all, std::ostream& out);

// What the table's lines and columns are.
void PrintExplanation(int rounds, std::ostream& out);

void WriteJson(const std::vector<Result>& all, const std::string& path);
// Throws std::runtime_error for a file that WriteJson, or a peer, has not written.
std::vector<Result> ReadJson(const std::string& path);

}  // namespace varscope::bench

#endif  // VARSCOPE_TESTS_BENCH_REPORT_H_

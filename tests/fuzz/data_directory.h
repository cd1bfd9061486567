// What the fuzzers of the server's own files share: a directory in memory with a file, and what
// must hold when a server starts from it.
#ifndef VARSCOPE_TESTS_FUZZ_DATA_DIRECTORY_H_
#define VARSCOPE_TESTS_FUZZ_DATA_DIRECTORY_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "proto/memory/memory_account.h"
#include "server/durability/frame.h"
#include "server/durability/recovery.h"
#include "server/durability/verify.h"
#include "tests/simulation/sim_env.h"
#include "tests/support/state_of.h"

namespace varscope::server {

inline std::unique_ptr<Directory> FuzzDirectory(Env& env) {
  return env.OpenDirectory("/data", IfMissing::kError).value();
}

inline void WriteFile(Env& env, const std::string& name, const std::string& bytes) {
  auto file = FuzzDirectory(env)->Create(name);
  if (!file.ok() || !(*file)->Write(std::as_bytes(std::span(bytes))).ok()) abort();
}

// Two bytes that say how many of the following there are at most.
inline std::string TakeText(std::span<const uint8_t>& left) {
  if (left.size() < 2) return "";
  const size_t length = std::min<size_t>(left[0] | left[1] << 8, left.size() - 2);
  std::string text(reinterpret_cast<const char*>(left.data()) + 2, length);
  left = left.subspan(2 + length);
  return text;
}

// A record, or the piece of a snapshot's head, whose checksums are right.
inline std::string Framed(const std::string& header, const std::string& body, uint64_t position,
                          uint64_t durable) {
  RecordBytes record{.header = header};
  if (!body.empty()) {
    record.body.push_back(
        Tensor::Of<uint8_t>(Shape{static_cast<int64_t>(body.size())}, {body.begin(), body.end()}));
  }
  const auto prefix = EncodePrefix(record, position, durable);
  return std::string(reinterpret_cast<const char*>(prefix.data()), prefix.size()) + header + body;
}

// It starts or says why not, each time the same.
inline void StartTwice(Env& env) {
  const auto start = [&env]() -> absl::StatusOr<std::string> {
    Store store(StoreLimits{0, 0}, env);
    Workers workers(std::chrono::milliseconds(0), env);
    const absl::StatusOr<Recovered> recovered =
        Recover(*FuzzDirectory(env), store, workers, env, {.read_only = true});
    if (!recovered.ok()) return recovered.status();
    return testing::StateOf(store, workers);
  };
  const uint64_t before = MemoryAccount::Process().used();
  const absl::StatusOr<std::string> first = start();
  if (MemoryAccount::Process().used() > before + (uint64_t{64} << 20)) abort();
  const absl::StatusOr<std::string> second = start();
  if (first.ok() != second.ok() || (first.ok() && *first != *second)) abort();
  if (!first.ok() && first.status() != second.status()) abort();
}

}  // namespace varscope::server

#endif  // VARSCOPE_TESTS_FUZZ_DATA_DIRECTORY_H_

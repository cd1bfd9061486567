// A store that is kept in a directory, and what can be seen of it once it is gone.
#ifndef VARSCOPE_TESTS_UNIT_SERVER_DURABILITY_KEPT_H_
#define VARSCOPE_TESTS_UNIT_SERVER_DURABILITY_KEPT_H_

#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/durability/log.h"
#include "server/durability/recorder.h"
#include "server/durability/recovery.h"
#include "server/durability/snapshot.h"
#include "server/membership/workers.h"
#include "server/store/store.h"
#include "tests/support/state_of.h"

namespace varscope::server {

namespace fs = std::filesystem;
using testing::RecoveredState;

// A store that is kept in a directory, and random changes of every kind.
class Kept {
 public:
  explicit Kept(const fs::path& directory, DurabilityLevel level = DurabilityLevel::kSync);

  void Change(std::mt19937& random);

  // Until everything is on stable storage.
  void Settle();
  fs::path TakeSnapshot(const std::string& name = "") {
    return recorder_->TakeSnapshot(name).value().path;
  }
  // Everything that must survive, as text.
  std::string state() const;
  Store& store() { return store_; }
  const Recovered& recovered() const { return recovered_; }

 private:
  void Create(const Caller& caller, std::mt19937& random);

  const fs::path directory_;
  Store store_;
  Workers workers_;
  Recovered recovered_;
  std::optional<Recorder> recorder_;
  uint64_t incarnation_ = 0;
  uint64_t sequence_ = 0;
  std::vector<std::string> names_;
};

std::string ReadAll(const fs::path& path);
void WriteAll(const fs::path& path, const std::string& bytes);
// Expects that there is one.
fs::path OnlyLog(const fs::path& directory);

}  // namespace varscope::server

#endif  // VARSCOPE_TESTS_UNIT_SERVER_DURABILITY_KEPT_H_

// A disk in memory that keeps its promises and nothing more.
#ifndef VARSCOPE_TESTS_SIMULATION_DISK_H_
#define VARSCOPE_TESTS_SIMULATION_DISK_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/env/files.h"
#include "tests/simulation/trace.h"

namespace varscope::simulation {

// Has what is durable, and in order what is not: bytes, truncations, names. A program sees both; a
// crash keeps all of the second (the process is killed), or some of it (the power fails). What a
// call makes durable is what files.h promises. One directory, whatever it is opened as; not
// thread-safe.
class Disk {
 public:
  explicit Disk(Trace& trace) : trace_(trace) {}

  enum class Fault : uint8_t {
    kOnce,            // one call fails
    kTwice,           // and the next one
    kStays,           // that call, and all after it that change something, until Heal
    kAllButRemovals,  // the same, but files can be removed
    kFull             // writes alone, from that call on, until Heal: no space is left
  };
  // From the call whose number is `call` on, counted from 1 over the disk's life. Writes to the
  // file `except` do not fail.
  void FailAt(uint64_t call, Fault fault, std::string except = "") {
    fault_ = {call, fault, std::move(except), false};
  }
  // From the next call of this kind on ("rename", "sync directory", …), however rare they are.
  void FailAtNext(std::string kind, Fault fault) { fails_at_next_ = {std::move(kind), fault}; }
  void Heal() {
    fault_.reset();
    fails_at_next_.reset();
  }
  // From now on there is room for so many bytes of files. None: for all.
  void LimitTo(std::optional<uint64_t> bytes) { limit_ = bytes; }
  // That call, and all after it, fail and change nothing, until Restart.
  void CrashAt(uint64_t call) { crash_at_ = call; }
  // So many calls after the first one that fails.
  void CrashAfterFault(uint64_t calls) { crash_after_fault_ = calls; }
  // Whether the directory's path leads to it. Where it does not, all calls go on.
  void LeadThere(bool leads) { leads_there_ = leads; }
  // Called at the beginning of each write, but not of those that it makes itself; null: nothing is.
  void Meanwhile(std::function<void()> meanwhile) { meanwhile_ = std::move(meanwhile); }
  uint64_t calls() const { return calls_; }
  // A fault has come to be, and may stay.
  bool failing() const { return fault_ && fault_->has_begun; }
  // How many of the faults that were planned have come to be.
  uint64_t faults() const { return faults_; }
  bool crashed() const { return crashed_; }
  void Crash() { crashed_ = true; }

  enum class Loss : uint8_t {
    kNothing,  // a killed process
    kOrdered,  // power: of all changes that were not durable, the first ones are there
    kPosix     // power: of each file's bytes the first ones are, with holes; of each name's changes
  };
  // After a crash. Whoever still has a file of before, gets errors.
  void Restart(Loss loss);
  // Between two lives: a byte of the file's end flips.
  void Damage(const std::string& name);
  // What a program would read now.
  std::map<std::string, std::string> contents() const;

  // Goes before the disk does. Only kMake is a call that may fail.
  absl::StatusOr<std::unique_ptr<server::Directory>> OpenDirectory(
      const std::filesystem::path& path, server::IfMissing missing);

 private:
  class Opened;
  class File;
  class Contents;

  // One change of a file that is not durable.
  struct Change {
    uint64_t number;         // in the order of all changes
    bool truncates = false;  // to nothing; else:
    uint64_t offset = 0;
    std::string bytes;
    bool lost = false;  // a sync of it failed: no later one makes it durable
  };
  struct Node {
    std::string durable;
    std::string seen;
    std::vector<Change> pending;
  };
  using NodePtr = std::shared_ptr<Node>;
  using Names = std::map<std::string, NodePtr>;
  // One change of names that is not durable: `to` is `node` (null: nothing), `from` is nothing.
  struct NameChange {
    uint64_t number;
    std::string from;
    std::string to;
    NodePtr node;
  };

  enum class Kind : uint8_t { kReads, kWrites, kRemoves, kChanges };

  // Counts a call on the file `name`; the error that it meets.
  absl::Status Begin(const std::string& call, const std::string& name, Kind kind);
  bool Fails(const std::string& name, Kind kind) const;
  // Something fails: counts the fault, when it is its first time.
  void CountFault();
  uint64_t Room() const;
  void ChangeName(const std::string& from, const std::string& to, const NodePtr& node);
  static void Apply(const Change& change, std::string& bytes);
  static void Apply(const NameChange& change, Names& names);
  void KeepSome(Node& node, std::optional<uint64_t> first_lost);

  Trace& trace_;
  Names seen_;
  Names durable_;
  std::vector<NameChange> pending_names_;
  std::set<std::string> locked_;
  bool leads_there_ = true;
  uint64_t changes_ = 0;
  uint64_t calls_ = 0;
  uint64_t faults_ = 0;
  uint64_t life_ = 1;
  bool crashed_ = false;
  struct Planned {
    uint64_t from;
    Fault fault;
    std::string except;
    bool has_begun = false;
  };
  std::optional<Planned> fault_;
  std::optional<std::pair<std::string, Fault>> fails_at_next_;
  std::optional<uint64_t> limit_;
  std::optional<uint64_t> crash_at_;
  std::optional<uint64_t> crash_after_fault_;
  std::function<void()> meanwhile_;
};

}  // namespace varscope::simulation

#endif  // VARSCOPE_TESTS_SIMULATION_DISK_H_

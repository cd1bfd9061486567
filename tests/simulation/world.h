// A whole server without a network, its workers, and what they were promised.
#ifndef VARSCOPE_TESTS_SIMULATION_WORLD_H_
#define VARSCOPE_TESTS_SIMULATION_WORLD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/rpc/call_done.h"
#include "server/server.h"
#include "server/store/state.h"
#include "tests/simulation/sim_env.h"
#include "tests/support/push.h"

namespace varscope::simulation {

// Each of the methods below does one thing; the events that it causes run when RunOne and RunDue of
// the Env say so. Not thread-safe.
class World {
 public:
  static constexpr uint64_t kMaxLogBytes = uint64_t{64} << 10;

  explicit World(uint64_t seed, server::DurabilityLevel level = server::DurabilityLevel::kSync);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Throws std::runtime_error when the server does not start.
  void Start();
  // The process is gone, with all that it had in memory; its clients hear nothing.
  void Crash();
  bool running() const { return server_ != nullptr; }
  // Runs one event; false: none is due.
  bool RunOne() { return env_.RunOne(); }

  // Requests. Their answers come later, or never. Connect makes the worker's marks, too.
  void Connect(const std::string& worker);
  void Create(const std::string& worker, const std::string& name);
  // Adds 1 to an element of the worker's marks that no other push of its has, and updates
  // `variable`, in one push.
  void Push(const std::string& worker, const std::string& variable, const std::string& optimizer);
  // The last one, as it was.
  void PushAgain(const std::string& worker);
  void Leave(const std::string& worker);
  // An empty reason ends it.
  void Quarantine(const std::string& worker, const std::string& reason);
  // These two end before they return.
  void TakeSnapshot(const std::string& name);
  // To one that was taken.
  void RollBack(const std::string& name);

  // Empty, or what was wrong: after a start the state is one that the server was in, not older than
  // what it acknowledged; a rollback makes the snapshot's state or changes nothing.
  const std::string& wrong() const { return wrong_; }

  SimEnv& env() { return env_; }
  size_t answered() const { return answered_; }
  size_t acknowledged() const { return acknowledged_; }
  const std::vector<std::string>& workers() const { return worker_names_; }
  const std::vector<std::string>& variables() const { return variables_; }
  const std::map<std::string, server::StoreState>& snapshots() const { return snapshots_; }
  bool connected(const std::string& worker) const { return workers_.at(worker).incarnation > 0; }

 private:
  struct Worker {
    uint64_t incarnation = 0;  // 0: not connected
    std::string session_key;
    uint64_t sequence = 0;
    std::optional<server::Push> last;
  };
  struct Request;

  server::GradientUpdate DrawGradient(const std::string& variable);
  void Submit(const std::string& worker, const server::Push& push);
  void ReadAnswer(Request& request);
  void Call(const std::string& worker, const std::function<void(server::CallDone)>& begin);
  void NoteState(Request& request);
  void Answered(Request& request, const absl::Status& status);
  // What is to survive now.
  void Remember();
  // No push was applied twice.
  void CheckMarks();
  std::string State() const;

  SimEnv env_;
  server::Options options_;
  std::unique_ptr<server::Server> server_;
  std::map<std::string, Worker> workers_;
  std::vector<std::string> worker_names_;
  std::vector<std::string> variables_;
  std::vector<std::unique_ptr<Request>> requests_;
  // Each state that the server was in since its start, and the first of them that may come back.
  std::vector<std::string> states_;
  size_t oldest_allowed_ = 0;
  std::string maybe_;  // of a rollback that failed; empty: none
  std::map<std::string, server::StoreState> snapshots_;
  bool hears_ = true;
  size_t answered_ = 0;
  size_t acknowledged_ = 0;
  std::string wrong_;
};

}  // namespace varscope::simulation

#endif  // VARSCOPE_TESTS_SIMULATION_WORLD_H_

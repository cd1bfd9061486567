// A whole server without a network, its workers, and what they were promised.
#ifndef VARSCOPE_TESTS_SIMULATION_WORLD_H_
#define VARSCOPE_TESTS_SIMULATION_WORLD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/durability/recorder.h"
#include "server/rpc/call_done.h"
#include "server/server.h"
#include "server/store/state.h"
#include "tests/simulation/history.h"
#include "tests/simulation/reached.h"
#include "tests/simulation/sim_env.h"
#include "tests/support/push.h"

namespace varscope::simulation {

// How the next life of the server is started.
struct Setup {
  server::DurabilityLevel level = server::DurabilityLevel::kSync;
  std::vector<std::string> groups;  // as --sync has them
  double lease_seconds = 0;
  uint64_t max_store_bytes = uint64_t{1} << 24;
  uint64_t max_inflight_bytes = uint64_t{1} << 24;
};

// Variables of a worker's request, and how their values are wanted.
struct Pulled {
  std::string name;
  v1::Encoding encoding = v1::ENCODING_NONE;
  std::optional<std::vector<int64_t>> rows = std::nullopt;  // without: all
};

// Each of the methods below does one thing; the events that it causes run when RunOne, RunDue and
// Advance of the Env say so. Not thread-safe.
class World {
 public:
  static constexpr uint64_t kMaxLogBytes = uint64_t{64} << 10;
  // A worker that keeps to nothing. It is none of workers().
  static constexpr char kRogue[] = "rogue";

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
  Setup& setup() { return setup_; }

  // Requests. Their answers come later, or never. Connect makes the worker's marks, too.
  void Connect(const std::string& worker);
  void Create(const std::string& worker, const std::string& name);
  void Resolve(const std::string& worker, const v1::ResolveRequest& request);
  void Heartbeat(const std::string& worker);
  void Leave(const std::string& worker);
  void Arrive(const std::string& worker, const v1::BarrierRequest& request);
  // An empty reason ends it.
  void Quarantine(const std::string& worker, const std::string& reason);
  // What lists and describes; they change nothing.
  void AskOperatorsQuestions(const std::string& about);

  // Updates `variable`, and adds 1 to an element of the worker's marks that no other push of its
  // has.
  void Push(const std::string& worker, const std::string& variable, const std::string& optimizer);
  // The same of any push, which gets its number here. `rows` (Reached) are reached when it is
  // applied.
  void Push(const std::string& worker, server::Push push, std::vector<std::string> rows = {});
  // The last one, as it was.
  void PushAgain(const std::string& worker);
  // Another push, as the incarnation before the worker's present one.
  void PushAsBefore(const std::string& worker);
  void Pull(const std::string& worker, const std::vector<Pulled>& pulled, bool repeat = false);
  // Whatever it is, on a stream of its own, in the session of `key`. The body comes in two frames.
  void SendAnything(const std::string& key, const v1::FrameHeader& head, const std::string& body,
                    bool checksum);
  void SendBytes(const std::string& key, const std::string& bytes);
  // Unary calls with any message.
  void CallAnything(const std::string& key, const v1::ConnectRequest& request);
  void CallAnything(const std::string& key, const v1::ResolveRequest& request);
  void CallAnything(const std::string& key, const v1::BarrierRequest& request);

  // These two end before they return. While a snapshot is written, `meanwhile` is called at each of
  // its calls of the disk.
  void TakeSnapshot(const std::string& name, const std::function<void()>& meanwhile = nullptr);
  // To one that was taken.
  void RollBack(const std::string& name);

  // The end of a story: the disk is well, all workers leave; then nobody waits, nothing is
  // reserved, and the server takes requests, also after one more restart.
  void Finish();

  // Empty, or what was wrong: after a start the state is one that the server was in, not older than
  // what it acknowledged; a push was applied once, with all its parts, or not at all; versions
  // grow.
  const std::string& wrong() const { return wrong_; }

  SimEnv& env() { return env_; }
  Reached& reached() { return reached_; }
  size_t answered() const { return answered_; }
  size_t acknowledged() const { return acknowledged_; }
  const std::vector<std::string>& workers() const { return worker_names_; }
  // Of the store, without slots and marks, as far as workers were told.
  const std::vector<std::string>& variables() const { return variables_; }
  const server::VariableDefinition* Definition(const std::string& name) const;
  uint64_t VersionOf(const std::string& name) const;
  // How gradients of the variable are synchronized in this life, as Reached::Modes has it.
  std::string ModeOf(const std::string& variable) const;
  const std::map<std::string, server::StoreState>& snapshots() const { return snapshots_; }
  bool connected(const std::string& worker) const { return workers_.at(worker).incarnation > 0; }
  uint64_t incarnation(const std::string& worker) const { return workers_.at(worker).incarnation; }
  const std::string& session_key(const std::string& worker) const {
    return workers_.at(worker).session_key;
  }
  // Of the incarnation before; empty: there was none.
  const std::string& old_key(const std::string& worker) const {
    return workers_.at(worker).old_key;
  }

 private:
  struct Stream;
  struct Worker {
    uint64_t incarnation = 0;  // 0: not connected
    std::string session_key;
    std::string old_key;
    uint64_t sequence = 0;
    std::optional<server::Push> last;
    std::optional<server::SentPush> last_sent;  // that push
    std::vector<std::string> last_rows;         // what it reaches when it is sent again
    std::shared_ptr<Stream> stream;
  };
  struct Request;

  Request& NewRequest(const std::string& worker, std::string kind);
  server::GradientUpdate DrawGradient(const std::string& variable);
  void Submit(const std::string& worker, const std::string& key, const server::Push& push,
              std::vector<std::string> rows, bool first_time);
  std::shared_ptr<Stream> StreamOf(const std::string& worker, const std::string& key);
  void Send(Request& request, v1::FrameHeader head, std::vector<Tensor> tensors);
  // Gives the stream one frame.
  void Receive(Request& request, grpc::ByteBuffer frame);
  void RunRequest(Request& request);
  void ReadAnswer(Request& request);
  void CheckPulled(Request& request, const wire::FrameReader& answer);
  void CheckPushed(Request& request, const absl::Status& status, const v1::PushResponse& pushed);
  void Call(const std::string& worker, const std::string& kind,
            const std::function<void(server::CallDone)>& begin);
  void Answered(Request& request, const absl::Status& status);
  void ReachResolved(const v1::ResolveRequest& request);
  absl::StatusOr<server::Caller> Identify(const std::string& key) const;
  // Looks at what the last event did.
  void Look();
  void LookAt(const server::StoreState& state);
  std::optional<int> MarkOf(const Request& request) const;
  void Wrong(const std::string& what);
  std::string State() const;
  server::Recorder& recorder() const;
  // Whether changes are in the log, so that each has a position of its own.
  bool has_log() const { return level_ != server::DurabilityLevel::kNone; }
  void ForgetRequests();
  void ExpectThatItServes();

  SimEnv env_;
  Setup setup_;
  server::DurabilityLevel level_;  // of this life
  std::unique_ptr<server::Server> server_;
  std::map<std::string, Worker> workers_;
  std::vector<std::string> worker_names_;
  std::vector<std::string> variables_;
  std::vector<std::unique_ptr<Request>> requests_;
  History history_;
  uint64_t snapshot_position_ = 0;  // without a log: of the last one
  std::map<std::string, uint64_t> versions_;
  bool rolled_back_ = false;  // since the last start, or it was tried
  std::map<std::string, server::StoreState> snapshots_;
  Reached reached_;
  std::set<std::string> modes_;  // of pushes that this life has applied
  uint64_t era_ = 0;             // rollbacks and restarts
  bool hears_ = true;
  bool looking_ = false;
  size_t answered_ = 0;
  size_t acknowledged_ = 0;
  std::string wrong_;
};

}  // namespace varscope::simulation

#endif  // VARSCOPE_TESTS_SIMULATION_WORLD_H_

// Session: runs parts of a graph against the server's variables.
#ifndef VARSCOPE_SESSION_H_
#define VARSCOPE_SESSION_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "varscope/graph.h"
#include "varscope/variables.h"

namespace varscope {

namespace internal {
struct SessionAccess;  // from a session to what it refers to
}

// What to run: an output or a variable gives its value; an operation gives an undefined tensor. A
// value that keeps its graph alive.
class Fetch {
 public:
  Fetch(Output output) : what_(std::move(output)) {}
  Fetch(Operation operation) : what_(std::move(operation)) {}
  // The value of the run's first pull: variable.unordered_value(). Throws ValueError when the
  // variable is undefined.
  Fetch(const Variable& variable) : Fetch(variable.unordered_value()) {}

 private:
  friend struct internal::SessionAccess;
  std::variant<Output, Operation> what_;
};

// A value for an output, in place of what its op computes; of the output's dtype, and of a shape
// that is compatible. Any output can be fed, not only a placeholder's.
using Feed = std::pair<Output, Tensor>;

// A handle: copies are the same session. It keeps its graph alive.
//
// Thread-safe: threads may run at the same time, in one session or in several; their runs are
// independent of each other. No thread may add to the graph meanwhile.
//
// One run pulls all variables that it needs in one request (a consistent set), computes, and pushes
// all its updates in one request, applied together or not at all; when the server synchronizes
// them in several groups (--sync), in one request for each group. Where an op depends on a write of
// the same run, by an input or by control_dependencies, the run goes on in a further stage after
// that push: it pulls again what it reads there, and pushes what it writes there. A read that
// depends on no write comes before all of them. Variables of a `local` group are trained on this
// session's copies for a number of steps before anything is pushed. A run is compiled once for each
// set of fetches and fed outputs, of which a session keeps the last 64.
//
// Each pull and each push has ConnectOptions::timeout, and until then goes on through broken
// connections and restarts of the server. A push that is sent again is applied once.
class Session {
 public:
  // Connects the default graph to `target`, and has the server check all its variables, in one
  // batch. Throws what Graph(target) throws, and what definitions throw (variables.h); then the
  // graph is not connected, though the store has what it did not refuse. When the graph is
  // connected already, neither happens, and target and options are not used.
  explicit Session(const std::string& target, const ConnectOptions& options = {});
  // Runs the default graph. Throws ValueError when it is not connected.
  Session();
  // Makes this the thread's default session, until Leave. The default graph stays.
  ScopeToken Enter() const;
  // The same, for the lifetime of the result.
  ScopeGuard as_default() const { return ScopeGuard(Enter()); }

  // Returns one tensor for each fetch, in their order; of an assignment, the value after it.
  // Tensors may share their bytes with the session and with each other: call MakeUnique() before
  // you write to one. Values that are fed must not be written during the run.
  //
  // Nothing has happened yet when it throws
  //   ValueError    for a fetch or a feed that is undefined or of another graph, for a feed that
  //                 does not fit, a fetch that has no value, a placeholder that is not fed
  //   RuntimeError  when a scope of the graph was closed out of order (scope_guard.h)
  // A push that is refused changes nothing. Earlier pushes of the same run stay: the message says
  // which variables they had changed. It throws
  //   InvalidArgumentError     when an op or the server refuses something; names op or variable
  //   FailedPreconditionError  when a variable has no value yet, or the worker is in quarantine
  //   NotFoundError            when the store does not have a variable
  //   AbortedError             when the store was rolled back, the server was restarted with other
  //                            groups or without its state, another store is at its address, or
  //                            this worker's id connected elsewhere
  //   FailedPreconditionError  in a process that was forked after connecting
  //   ResourceExhaustedError   when memory ends, or a limit of the server is reached
  //   UnavailableError,        when no answer came in time: the last push may have been applied,
  //   DeadlineExceededError    or not
  std::vector<Tensor> run(const std::vector<Fetch>& fetches, const std::vector<Feed>& feeds = {});
  // The same of one fetch.
  Tensor run(const Fetch& fetch, const std::vector<Feed>& feeds = {});

  // Returns the server's present value of any variable of the store, by its name there ("w" or
  // "w:0"; an optimizer's slot, a part, another program's variable), whether or not this graph
  // knows it; in every bit, whatever `compression` says. Throws ValueError for another output than
  // 0, NotFoundError when there is no such variable, FailedPreconditionError when it has no value
  // yet, and what run throws.
  Tensor read(const std::string& name);

  // Returns how many pushes with gradients the server has applied, of all workers, as far as this
  // session has heard with its own pushes; 0 before the first.
  uint64_t global_step() const;

  // Returns how many of this session's pushes the server did not apply: computed from values too
  // old, or with a NaN or an infinity that their group skips. See the server's --sync.
  uint64_t dropped_pushes() const;

  // Waits until `parties` workers have come to the barrier `name`, this one among them. One that
  // was there the last time and is gone since counts as come. `timeout` of zero or less: the
  // connection's. Discards prefetched values. Throws
  //   DeadlineExceededError  when the time is over; it says who has come, and who is missing
  //   InvalidArgumentError   for a name that no variable could have, for no parties, for another
  //                          number of them than who waits there said, for more than 24 hours
  //   AbortedError           when another thread of this worker came to the same barrier meanwhile,
  //                          or the server was restarted while this worker waited in its first
  //                          round there, and the round may have ended before
  //   UnavailableError       when the server is not there in time
  void barrier(const std::string& name, uint32_t parties,
               std::chrono::milliseconds timeout = std::chrono::milliseconds(0));

 private:
  friend struct internal::SessionAccess;
  friend std::optional<Session> get_default_session();
  struct Impl;
  explicit Session(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

  std::shared_ptr<Impl> impl_;
};

// Returns the innermost Session::as_default() of this thread; nothing when none is open.
std::optional<Session> get_default_session();

}  // namespace varscope

#endif  // VARSCOPE_SESSION_H_

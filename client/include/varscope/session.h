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

// What to run: an output or a variable gives its value; an operation gives an undefined tensor.
class Fetch {
 public:
  Fetch(Output output) : what_(std::move(output)) {}
  Fetch(Operation operation) : what_(std::move(operation)) {}
  // Throws ValueError when the variable is undefined.
  Fetch(const Variable& variable) : Fetch(variable.unordered_value()) {}

 private:
  friend struct internal::SessionAccess;
  std::variant<Output, Operation> what_;
};

// A value for an output, in place of what its op computes.
using Feed = std::pair<Output, Tensor>;

// A handle: copies are the same session. It keeps its graph alive.
//
// Thread-safe: threads may run at the same time; their runs are independent of each other.
//
// One run pulls all variables that it needs in one request (a consistent set), computes, and pushes
// all its updates in one request, applied together or not at all; when the server synchronizes
// them in several groups (--sync), in one request for each group. Where an op depends on a write of
// the same run, by an input or by control_dependencies, the run goes on in a further stage after
// that push: it pulls again what it reads there, and pushes what it writes there. A read that
// depends on no write comes before all of them. Variables of a `local` group are trained on this
// session's copies for a number of steps before anything is pushed. A run is compiled once for each
// set of fetches and fed outputs.
class Session {
 public:
  // Connects the default graph to `target`, unless it is connected already: then all its variables
  // resolve now, in one batch, and ValueError tells what the contract refuses.
  explicit Session(const std::string& target, ConnectOptions options = {});
  // Of the default graph, which must be connected.
  Session();
  // Makes this the thread's default session, until Leave. The default graph stays.
  ScopeToken Enter() const;
  // The same, for the lifetime of the result.
  ScopeGuard as_default() const { return ScopeGuard(Enter()); }

  // One tensor for each fetch; of an assignment, the value after it. ValueError for a placeholder
  // that is not fed or a feed that does not fit, InvalidArgumentError for what an op refuses;
  // errors of the server name the variable. A push that is refused leaves the store unchanged; the
  // error says which variables earlier pushes of the same run had changed.
  std::vector<Tensor> run(const std::vector<Fetch>& fetches, const std::vector<Feed>& feeds = {});
  Tensor run(const Fetch& fetch, const std::vector<Feed>& feeds = {});

  // The present value of any variable of the store, by its name there (an optimizer's slot, another
  // program's variable), whether or not this graph knows it. NotFoundError when there is none.
  Tensor read(const std::string& name);

  // Pushes with gradients that the server has applied, as far as this session has heard.
  uint64_t global_step() const;

  // This session's pushes that the server did not apply: computed from values too old, or with a
  // NaN or an infinity that their group skips. See the daemon's --sync.
  uint64_t dropped_pushes() const;

  // Waits until `parties` workers have come to the barrier `name`. DeadlineExceededError says who
  // had come; `timeout` zero: the connection's.
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

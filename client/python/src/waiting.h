// Calls that wait: for the server, for other workers, for the network.
//
// They release the GIL. On Python's main thread, the only one that Python tells of signals, the
// call itself runs on a helper thread, while the main thread looks for signals ten times a second:
// so Ctrl-C ends the waiting. The call goes on until its own timeout; nobody takes what it returns.
#ifndef VARSCOPE_CLIENT_PYTHON_WAITING_H_
#define VARSCOPE_CLIENT_PYTHON_WAITING_H_

#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "client/python/src/gil.h"
#include "client/python/src/python.h"

namespace varscope::python {

// Throws RuntimeError in a process that was forked after varscope had connected. Every call that
// uses a connection begins with it.
void CheckProcess();
// Notes that this process has connected.
void NoteConnected();

bool OnMainThread();

// A call on a helper thread.
class HandedCall {
 public:
  virtual ~HandedCall() = default;
  // Runs it; never throws. On the helper thread.
  void Run();
  // Waits for its end without the GIL, and looks for signals. Throws what the call threw, or what a
  // signal handler raised (KeyboardInterrupt). Requires the GIL.
  void Await();

 private:
  virtual void Call() = 0;

  std::mutex mutex_;
  std::condition_variable over_;
  bool done_ = false;
  std::exception_ptr thrown_;
};

// Runs the call on an idle helper thread, or a new one.
void HandOff(std::shared_ptr<HandedCall> call);

template <typename Fn, typename Result>
class HandedFunction final : public HandedCall {
 public:
  explicit HandedFunction(Fn fn) : fn_(std::move(fn)) {}
  Result Take() { return std::move(*result_); }

 private:
  void Call() override { result_.emplace(std::exchange(fn_, std::nullopt).value()()); }

  std::optional<Fn> fn_;
  std::optional<Result> result_;
};

// Returns fn(), which waits. `fn` must own all that it uses, as C++ values: it may go on when the
// caller is gone. It takes the GIL where it needs it. Requires the GIL.
template <typename Fn>
auto Wait(Fn fn) -> std::invoke_result_t<Fn> {
  using Result = std::invoke_result_t<Fn>;
  CheckProcess();
  if constexpr (std::is_void_v<Result>) {
    Wait([fn = std::move(fn)]() mutable {
      fn();
      return 0;
    });
  } else {
    if (!OnMainThread()) {
      const WithoutGil others;
      return fn();
    }
    const auto call = std::make_shared<HandedFunction<Fn, Result>>(std::move(fn));
    HandOff(call);
    call->Await();
    return call->Take();
  }
}

// Who changes a graph. The GIL keeps threads apart as long as nobody waits meanwhile; a definition,
// which asks the server, does. Until it is over nobody else adds to any graph.

// Waits until no definition is under way, but for that of the calling thread. Throws what a signal
// handler raised. Every function that changes a graph, or looks at its scopes, begins with it.
// Requires the GIL.
void AwaitDefinitions();

// Does this at once, or, while a definition is under way, at the end of the next AwaitDefinitions:
// for what must not wait, such as the end of a `with` block that Ctrl-C leaves. Requires the GIL.
void AfterDefinitions(std::function<void()> what);

// A definition that is under way: from its making, which requires the GIL and that there is no
// other, until it is destroyed, on any thread.
class Definition {
 public:
  Definition();
  ~Definition();
  Definition(const Definition&) = delete;
  Definition& operator=(const Definition&) = delete;

  // The thread that makes it is inside it, and so are the callbacks that it calls.
  class Inside {
   public:
    Inside();
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
  };
  static bool Here();
};

// As Wait, for what changes a graph and waits.
template <typename Fn>
auto Define(Fn fn) -> std::invoke_result_t<Fn> {
  CheckProcess();
  if (Definition::Here()) {
    const WithoutGil others;
    return fn();
  }
  AwaitDefinitions();
  return Wait([fn = std::move(fn), definition = std::make_shared<Definition>()]() mutable {
    const Definition::Inside inside;
    return fn();
  });
}

// A Python callable that C++ keeps, and calls on any thread.
class Callable {
 public:
  explicit Callable(nb::object function);
  // Returns it. Requires the GIL.
  nb::object operator*() const { return nb::borrow(function_->ptr()); }

 private:
  std::shared_ptr<nb::object> function_;  // its end takes the GIL
};

}  // namespace varscope::python

#endif  // VARSCOPE_CLIENT_PYTHON_WAITING_H_

#include "client/python/src/waiting.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <thread>
#include <vector>

#include "client/python/src/gil.h"
#include "client/python/src/handles.h"

namespace varscope::python {
namespace {

constexpr std::chrono::milliseconds kBetweenSignals{100};

// Of this process. A fork leaves the child these values and one thread.
std::atomic<bool> connected = false;
std::atomic<bool> orphaned = false;
std::atomic<uint64_t> main_thread = 0;  // Python's number of it

// A thread that runs one call after the other.
struct Helper {
  std::mutex mutex;
  std::condition_variable given;
  std::shared_ptr<HandedCall> call;
};

// Never freed: helper threads use it until the process is gone.
struct Helpers {
  std::mutex mutex;
  std::vector<std::shared_ptr<Helper>> idle;
};
Helpers* helpers = new Helpers();

// Definitions, of which one at a time is under way.
struct Definitions {
  std::mutex mutex;
  std::condition_variable over;
  std::atomic<bool> under_way = false;
  std::deque<std::function<void()>> afterwards;  // guarded by the GIL
};
Definitions* definitions = new Definitions();
thread_local bool in_definition = false;

// In the child the helpers and whoever defined are not there; their locks may be held for ever.
void AfterFork() {
  helpers = new Helpers();
  definitions = new Definitions();
  in_definition = false;
  if (connected) orphaned = true;
}

[[noreturn]] void Serve(const std::shared_ptr<Helper>& helper) {
  for (;;) {
    std::shared_ptr<HandedCall> call;
    {
      std::unique_lock lock(helper->mutex);
      helper->given.wait(lock, [&] { return helper->call != nullptr; });
      call = std::move(helper->call);
      helper->call = nullptr;
    }
    call->Run();
    call = nullptr;
    const std::lock_guard lock(helpers->mutex);
    helpers->idle.push_back(helper);
  }
}

std::shared_ptr<Helper> TakeHelper() {
  {
    const std::lock_guard lock(helpers->mutex);
    if (!helpers->idle.empty()) {
      std::shared_ptr<Helper> helper = std::move(helpers->idle.back());
      helpers->idle.pop_back();
      return helper;
    }
  }
  auto helper = std::make_shared<Helper>();
  std::thread([helper] { Serve(helper); }).detach();
  return helper;
}

bool MustAwait() {
  return !in_definition && definitions->under_way.load(std::memory_order_acquire);
}

// In their order. One that throws is gone all the same.
void DoWhatIsLeft() {
  std::deque<std::function<void()>>& afterwards = definitions->afterwards;
  while (!afterwards.empty()) {
    const std::function<void()> next = std::move(afterwards.front());
    afterwards.pop_front();
    next();
  }
}

void RaiseSignals() {
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

}  // namespace

bool Orphaned() { return orphaned.load(std::memory_order_relaxed); }

void NoteConnected() { connected = true; }

void CheckProcess() {
  if (!Orphaned()) return;
  throw RuntimeError(
      "this process was forked after varscope had connected, and connections do not survive a "
      "fork; start processes before the first Session, or with multiprocessing's 'spawn'.");
}

bool OnMainThread() { return PyThread_get_thread_ident() == main_thread; }

void HandedCall::Run() {
  std::exception_ptr thrown;
  try {
    Call();
  } catch (...) {
    thrown = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  thrown_ = std::move(thrown);
  done_ = true;
  over_.notify_all();
}

void HandedCall::Await() {
  for (;;) {
    {
      const WithoutGil others;
      std::unique_lock lock(mutex_);
      if (over_.wait_for(lock, kBetweenSignals, [&] { return done_; })) break;
    }
    RaiseSignals();
  }
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

void HandOff(std::shared_ptr<HandedCall> call) {
  const std::shared_ptr<Helper> helper = TakeHelper();
  const std::lock_guard lock(helper->mutex);
  helper->call = std::move(call);
  helper->given.notify_one();
}

void AwaitDefinitions() {
  // With the GIL: another thread may have begun one meanwhile.
  while (MustAwait()) {
    {
      const WithoutGil others;
      std::unique_lock lock(definitions->mutex);
      definitions->over.wait_for(lock, kBetweenSignals,
                                 [&] { return !definitions->under_way.load(); });
    }
    RaiseSignals();
  }
  if (in_definition) return;
  DoWhatIsLeft();
  GraphBox::UseScopesHere();
}

void AfterDefinitions(std::function<void()> what) {
  if (in_definition) return what();
  definitions->afterwards.push_back(std::move(what));
  if (!MustAwait()) DoWhatIsLeft();
}

Definition::Definition() { definitions->under_way = true; }

Definition::~Definition() {
  const std::lock_guard lock(definitions->mutex);
  definitions->under_way = false;
  definitions->over.notify_all();
}

Definition::Inside::Inside() { in_definition = true; }

Definition::Inside::~Inside() { in_definition = false; }

bool Definition::Here() { return in_definition; }

Callable::Callable(nb::object function)
    : function_(new nb::object(std::move(function)), [](nb::object* last) {
        if (Py_IsInitialized() == 0) {
          last->release();  // the interpreter has freed it
        } else {
          const WithGil gil;
          last->reset();
        }
        delete last;
      }) {}

void AddWaiting(nb::module_& m) {
  main_thread =
      nb::cast<uint64_t>(nb::module_::import_("threading").attr("main_thread")().attr("ident"));
  pthread_atfork(nullptr, nullptr, AfterFork);
  // The forking thread is the child's main one.
  m.def("_after_fork", [] { main_thread = PyThread_get_thread_ident(); });
  nb::module_::import_("os").attr("register_at_fork")("after_in_child"_a = m.attr("_after_fork"));
}

}  // namespace varscope::python

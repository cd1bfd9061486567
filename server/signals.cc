#include "server/signals.h"

#include <pthread.h>

#include <csignal>
#include <initializer_list>

namespace varscope::server {
namespace {

bool IsIgnored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  // One that is blocked would wait for AwaitStop even though it is ignored.
  if (!IsIgnored(SIGHUP)) sigaddset(&signals, SIGHUP);
  return signals;
}

}  // namespace

void PrepareSignals() {
  for (const int of_writes : {SIGPIPE, SIGXFSZ, SIGTTOU}) std::signal(of_writes, SIG_IGN);
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

bool StopIsWanted() {
  sigset_t pending;
  sigset_t signals = StopSignals();
  if (sigpending(&pending) != 0) return false;
  sigandset(&signals, &signals, &pending);
  return sigisemptyset(&signals) == 0;
}

int AwaitStop() {
  const sigset_t signals = StopSignals();
  int signal = 0;
  sigwait(&signals, &signal);
  return signal;
}

}  // namespace varscope::server

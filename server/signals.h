// Signals of the server: which stop it, and which must not end it.
#ifndef VARSCOPE_SERVER_SIGNALS_H_
#define VARSCOPE_SERVER_SIGNALS_H_

namespace varscope::server {

// Before any thread starts. SIGTERM, SIGINT and, unless whoever started the server has it ignored
// (nohup), SIGHUP are for AwaitStop from now on. What would end or stop the process because of one
// write, to a pipe that nobody reads, a terminal in the foreground of others, or a file that is too
// large, is an error of that write.
void PrepareSignals();

// Whether there is a signal to stop that AwaitStop will return.
bool StopIsWanted();

// Waits for a signal to stop; returns which.
int AwaitStop();

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SIGNALS_H_

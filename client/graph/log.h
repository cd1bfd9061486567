// The client library's log.
#ifndef VARSCOPE_CLIENT_GRAPH_LOG_H_
#define VARSCOPE_CLIENT_GRAPH_LOG_H_

#include <spdlog/spdlog.h>

namespace varscope::internal {

// The logger "varscope", which writes to standard error: standard output is the program's own. A
// program that registers a logger of that name with spdlog before its first Graph gets the lines
// there. Thread-safe.
spdlog::logger& Log();

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_LOG_H_

#include "client/graph/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

namespace varscope::internal {

spdlog::logger& Log() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    std::shared_ptr<spdlog::logger> registered = spdlog::get("varscope");
    return registered != nullptr ? registered : spdlog::stderr_color_mt("varscope");
  }();
  return *logger;
}

}  // namespace varscope::internal

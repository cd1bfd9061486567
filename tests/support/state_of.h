// Everything about a store that must survive, as text.
#ifndef VARSCOPE_TESTS_SUPPORT_STATE_OF_H_
#define VARSCOPE_TESTS_SUPPORT_STATE_OF_H_

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/membership/workers.h"
#include "server/store/state.h"
#include "server/store/store.h"

namespace varscope::testing {

// Byte for byte, in an order that depends on nothing else.
std::string StateOf(const server::StoreState& state,
                    const std::vector<server::WorkerRecord>& workers);
std::string StateOf(const server::Store& store, const server::Workers& workers);

// What a directory recovers to, even where no variable would be created any more; or the refusal.
absl::StatusOr<std::string> RecoveredState(const std::filesystem::path& directory);

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_STATE_OF_H_

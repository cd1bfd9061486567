// Everything about a store that must survive, as text.
#ifndef VARSCOPE_TESTS_SUPPORT_STATE_OF_H_
#define VARSCOPE_TESTS_SUPPORT_STATE_OF_H_

#include <string>
#include <vector>

#include "server/membership/workers.h"
#include "server/store/store.h"

namespace varscope::testing {

// Byte for byte, in an order that depends on nothing else.
std::string StateOf(const server::StoreState& state,
                    const std::vector<server::WorkerRecord>& workers);
std::string StateOf(const server::Store& store, const server::Workers& workers);

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_STATE_OF_H_

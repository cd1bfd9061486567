// Messages that no worker of ours sends.
#ifndef VARSCOPE_TESTS_SIMULATION_MESSAGES_H_
#define VARSCOPE_TESTS_SIMULATION_MESSAGES_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "tests/simulation/draws.h"

namespace varscope::simulation {

// Sets one field of `message`, or of a message in it, to something else: numbers at their ends,
// NaN, numbers that no enumeration has, texts that are `names`, empty, long or not to be printed,
// entries that are missing, there twice or many times.
void Disturb(Draws& draws, const std::vector<std::string>& names,
             google::protobuf::Message* message);
// Sets many of them.
void DrawMessage(Draws& draws, const std::vector<std::string>& names,
                 google::protobuf::Message* message, int depth = 0);

}  // namespace varscope::simulation

#endif  // VARSCOPE_TESTS_SIMULATION_MESSAGES_H_

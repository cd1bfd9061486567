// What a stream's last pull brought, so that the next one can say "the same again".
#ifndef VARSCOPE_SERVER_RPC_LAST_PULL_H_
#define VARSCOPE_SERVER_RPC_LAST_PULL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "proto/wire/encoding.h"
#include "server/store/variable.h"

namespace varscope::server {

// Empty before the first. Belongs to one stream.
struct LastPull {
  // A list that is longer than this is not kept.
  static constexpr size_t kMaxVariables = 100'000;

  uint64_t incarnation = 0;
  std::vector<std::string> names;
  std::vector<VariablePtr> variables;
  std::vector<uint64_t> versions;
  std::vector<wire::Encoding> encodings;
  uint64_t changes = 0;  // Store::changes() then
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_LAST_PULL_H_

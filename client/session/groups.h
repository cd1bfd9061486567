// Which of the server's groups a variable is in.
#ifndef VARSCOPE_CLIENT_SESSION_GROUPS_H_
#define VARSCOPE_CLIENT_SESSION_GROUPS_H_

#include <string>
#include <vector>

#include "client/graph/remote_store.h"
#include "proto/core/names.h"

namespace varscope::internal {

// The one with the longest prefix; null when none has it, which a server's groups never leave.
inline const SyncGroup* FindGroup(const std::vector<SyncGroup>& groups,
                                  const std::string& variable) {
  const SyncGroup* longest = nullptr;
  for (const SyncGroup& group : groups) {
    if (!IsUnder(group.prefix, variable)) continue;
    if (longest == nullptr || group.prefix.size() > longest->prefix.size()) longest = &group;
  }
  return longest;
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_GROUPS_H_

// Which of the server's groups a variable is in.
#ifndef VARSCOPE_CLIENT_SESSION_GROUPS_H_
#define VARSCOPE_CLIENT_SESSION_GROUPS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/graph/remote_store.h"
#include "proto/naming/names.h"

namespace varscope::internal {

// Null when none has it, which a server's groups never leave.
inline const SyncGroup* FindGroup(const std::vector<SyncGroup>& groups,
                                  const std::string& variable) {
  const auto it = FindGroupOf(
      groups, [](const SyncGroup& group) -> absl::string_view { return group.prefix; }, variable);
  return it == groups.end() ? nullptr : &*it;
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_GROUPS_H_

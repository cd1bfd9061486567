// From a session and its fetches to what they refer to.
#ifndef VARSCOPE_CLIENT_SESSION_ACCESS_H_
#define VARSCOPE_CLIENT_SESSION_ACCESS_H_

#include <vector>

#include "client/graph/remote_store.h"
#include "client/graph/state.h"
#include "client/session/stored_slots.h"
#include "varscope/session.h"

namespace varscope::internal {

// References are valid as long as a handle of the session.
struct SessionAccess {
  static RemoteStore& StoreOf(const Session& session);
  static GraphState& GraphOf(const Session& session);
  static StoredSlots& SlotsOf(const Session& session);
  // Has the server do these, and the session's own copies of local variables.
  static void Assign(const Session& session,
                     const std::vector<PushRequest::Assignment>& assignments);
  // Of each of these whether the store has a value of it. Asks for no value.
  static std::vector<bool> HaveValues(const Session& session,
                                      const std::vector<Variable>& variables);
  // The output to fetch, or the op with the index -1. ValueError when it is undefined or of another
  // graph.
  static NodeOutput Get(const GraphState& graph, const Fetch& fetch);
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_ACCESS_H_

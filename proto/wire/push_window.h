// How far apart the numbers of one worker's pushes may be while they are under way.
#ifndef VARSCOPE_PROTO_WIRE_PUSH_WINDOW_H_
#define VARSCOPE_PROTO_WIRE_PUSH_WINDOW_H_

#include <cstdint>

namespace varscope {

// The server remembers the answers of a worker's last so many pushes
// (server/store/completion_records.h), and a push that is sent again must be among them: a worker
// keeps the numbers of those under way less than this apart (client/rpc/push_order.h).
inline constexpr uint64_t kPushWindow = 16;

}  // namespace varscope

#endif  // VARSCOPE_PROTO_WIRE_PUSH_WINDOW_H_

// What get_variable does when it meets a name.
#ifndef VARSCOPE_REUSE_H_
#define VARSCOPE_REUSE_H_

#include <cstdint>

namespace varscope {

// kFalse: it creates, and an existing variable is an error. kTrue: it shares, and a missing one is
// an error. kAuto: it shares what exists and creates what does not.
enum class Reuse : uint8_t { kFalse = 0, kTrue = 1, kAuto = 2 };

}  // namespace varscope

#endif  // VARSCOPE_REUSE_H_

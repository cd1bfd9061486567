// What get_variable does when it meets a name.
#ifndef VARSCOPE_REUSE_H_
#define VARSCOPE_REUSE_H_

#include <cstdint>

namespace varscope {

// kFalse: it creates, and an existing variable is a ValueError. kTrue: it shares, and a missing one
// is a ValueError. kAuto: it shares what exists and creates what does not. TensorFlow's
// reuse=False, True and tf.AUTO_REUSE. Whether a variable exists, SharingMode
// (varscope/connect_options.h) says.
enum class Reuse : uint8_t { kFalse = 0, kTrue = 1, kAuto = 2 };

}  // namespace varscope

#endif  // VARSCOPE_REUSE_H_

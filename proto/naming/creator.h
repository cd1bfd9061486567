// Who created a variable: a worker, its process, and the line of its program.
#ifndef VARSCOPE_PROTO_NAMING_CREATOR_H_
#define VARSCOPE_PROTO_NAMING_CREATOR_H_

#include <cstdint>
#include <string>

namespace varscope {

struct Creator {
  std::string worker_id;
  std::string host;
  int64_t pid = 0;
  std::string file;
  int32_t line = 0;
  int64_t time_unix_micros = 0;
};

// "worker 'a' (host:1234) at train.cc:42"
std::string ToString(const Creator& creator);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_NAMING_CREATOR_H_

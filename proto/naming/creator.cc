#include "proto/naming/creator.h"

#include "absl/strings/str_cat.h"

namespace varscope {

std::string ToString(const Creator& d) {
  std::string out = absl::StrCat("worker '", d.worker_id, "'");
  if (!d.host.empty()) absl::StrAppend(&out, " (", d.host, ":", d.pid, ")");
  if (!d.file.empty()) absl::StrAppend(&out, " at ", d.file, ":", d.line);
  return out;
}

}  // namespace varscope

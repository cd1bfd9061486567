// The checksum of the records of event files.
#include <cstddef>
#include <span>

#include "client/python/src/python.h"
#include "proto/wire/crc32c.h"

namespace varscope::python {

void AddChecksums(nb::module_& m) {
  m.def(
      "_crc32c",
      [](const nb::bytes& data) {
        return Crc32c(std::as_bytes(std::span(data.c_str(), data.size())));
      },
      "data"_a);
}

}  // namespace varscope::python

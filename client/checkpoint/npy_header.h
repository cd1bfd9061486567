// The header of NumPy's .npy format: a dict, written as Python writes it.
#ifndef VARSCOPE_CLIENT_CHECKPOINT_NPY_HEADER_H_
#define VARSCOPE_CLIENT_CHECKPOINT_NPY_HEADER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace varscope::checkpoint {

struct NpyHeader {
  std::string descr;  // such as "<f4"; a structured dtype's as it is written
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

// Nothing for a text that numpy.load refuses: the dict has these three keys, each once, in any
// order.
std::optional<NpyHeader> ParseNpyHeader(absl::string_view text);

}  // namespace varscope::checkpoint

#endif  // VARSCOPE_CLIENT_CHECKPOINT_NPY_HEADER_H_

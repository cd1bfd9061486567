// Which known word was meant by one that is not known.
#ifndef VARSCOPE_PROTO_TENSOR_NEAREST_H_
#define VARSCOPE_PROTO_TENSOR_NEAREST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace varscope {

// The one of `known` that takes the fewest mistakes to become `word`: letters left out, added,
// changed, or swapped with their neighbour. Empty when the nearest takes more than every third
// letter, unless it begins with `word`.
std::string Nearest(absl::string_view word, const std::vector<std::string>& known);

// "; did you mean 'NEAREST'?", or nothing when it is empty.
std::string DidYouMean(absl::string_view nearest);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_TENSOR_NEAREST_H_

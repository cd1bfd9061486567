// Grey images for the terminal and as PNG.
#ifndef VARSCOPE_CLIENT_EXAMPLES_PICTURES_H_
#define VARSCOPE_CLIENT_EXAMPLES_PICTURES_H_

#include <string>

#include "varscope/tensor.h"

namespace varscope::examples {

// images: float32 [n, side * side], 0 black to 1 white. Eight in a row, two pixels to a character.
std::string InTerminal(const Tensor& images, int side);

// As a grid, enlarged. Throws std::runtime_error when the file cannot be written.
void WritePng(const Tensor& images, int side, const std::string& path);

}  // namespace varscope::examples

#endif  // VARSCOPE_CLIENT_EXAMPLES_PICTURES_H_

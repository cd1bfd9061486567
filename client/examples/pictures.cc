#include "client/examples/pictures.h"

#include <png.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace varscope::examples {
namespace {

constexpr int kPerRow = 8;
constexpr int kEnlarge = 8;
constexpr int kGap = 1;  // pixels between images, before enlarging

// A canvas of grey values with the images on a grid.
struct Canvas {
  int width;
  int height;
  std::vector<uint8_t> pixels;

  Canvas(const Tensor& images, int side) {
    const auto n = static_cast<int>(images.shape().dim(0));
    const int columns = std::min(n, kPerRow);
    const int rows = (n + kPerRow - 1) / kPerRow;
    width = columns * (side + kGap) - kGap;
    height = rows * (side + kGap) - kGap;
    pixels.assign(static_cast<size_t>(width) * height, 0);
    for (int i = 0; i < n; ++i) {
      for (int p = 0; p < side * side; ++p) {
        const int x = i % kPerRow * (side + kGap) + p % side;
        const int y = i / kPerRow * (side + kGap) + p / side;
        const float value = std::clamp(images.data<float>()[i * side * side + p], 0.0F, 1.0F);
        pixels[y * width + x] = static_cast<uint8_t>(value * 255);
      }
    }
  }

  uint8_t at(int x, int y) const { return y < height ? pixels[y * width + x] : 0; }
};

}  // namespace

std::string InTerminal(const Tensor& images, int side) {
  static constexpr const char* kShades[] = {" ", "░", "▒", "▓", "█"};
  constexpr int kLevels = 5;
  const Canvas canvas(images, side);
  std::string out;
  for (int y = 0; y < canvas.height; ++y) {
    for (int x = 0; x < canvas.width; ++x) {
      const char* const shade = kShades[canvas.at(x, y) * kLevels / 256];
      out += shade;
      out += shade;
    }
    out += "\n";
  }
  return out;
}

void WritePng(const Tensor& images, int side, const std::string& path) {
  const Canvas canvas(images, side);
  const int width = canvas.width * kEnlarge;
  const int height = canvas.height * kEnlarge;
  std::vector<uint8_t> pixels(static_cast<size_t>(width) * height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      pixels[y * width + x] = canvas.at(x / kEnlarge, y / kEnlarge);
    }
  }
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_GRAY;
  if (png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr) == 0) {
    throw std::runtime_error("cannot write " + path + ": " + image.message);
  }
}

}  // namespace varscope::examples

// Sliding windows over volumes, [batch, z, y, x, channels], counted as those over images are.
#ifndef VARSCOPE_CLIENT_KERNELS_VOLUME_H_
#define VARSCOPE_CLIENT_KERNELS_VOLUME_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "client/graph/attrs.h"
#include "varscope/shape.h"

namespace varscope::internal {

using Place = std::array<int64_t, 3>;  // z, y, x

inline int64_t ProductOf(const Place& sizes) { return sizes[0] * sizes[1] * sizes[2]; }

// Calls fn(place) for each one in [first, end), row by row.
template <typename Fn>
void ForPlacesIn(const Place& first, const Place& end, Fn fn) {
  for (int64_t z = first[0]; z < end[0]; ++z) {
    for (int64_t y = first[1]; y < end[1]; ++y) {
      for (int64_t x = first[2]; x < end[2]; ++x) fn(Place{z, y, x});
    }
  }
}

struct VolumeWindow {
  int64_t batch, channels;
  Place in, size, stride, before, out;

  // Of volumes of fully defined shape, in which there are positions; `size` is that of the windows.
  VolumeWindow(const Shape& volumes, const Place& size, const Attrs& attrs);

  // The part of the window at an output's place that lies inside its volume: [first, end).
  struct Region {
    Place first, end;
  };
  Region At(const Place& out_place) const {
    Region region;
    for (int i = 0; i < 3; ++i) {
      const int64_t from = out_place[i] * stride[i] - before[i];
      region.first[i] = std::max<int64_t>(from, 0);
      region.end[i] = std::min(from + size[i], in[i]);
    }
    return region;
  }

  int64_t in_count() const { return ProductOf(in); }
  int64_t out_count() const { return ProductOf(out); }
  // Which voxel of a volume, which element of the result a place is.
  int64_t InIndex(const Place& p) const { return (p[0] * in[1] + p[1]) * in[2] + p[2]; }
  Place OutPlace(int64_t index) const {
    return {index / (out[1] * out[2]), index / out[2] % out[1], index % out[2]};
  }
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_VOLUME_H_

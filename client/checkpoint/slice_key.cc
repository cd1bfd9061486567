#include "client/checkpoint/slice_key.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace varscope::checkpoint {
namespace {

// Big-endian, without leading zeros.
std::string BigEndian(uint64_t value) {
  std::string bytes;
  for (; value > 0; value >>= 8) bytes.insert(bytes.begin(), static_cast<char>(value & 0xff));
  return bytes;
}

void AppendNumber(uint64_t value, std::string& out) {
  const std::string bytes = BigEndian(value);
  out.push_back(static_cast<char>(bytes.size()));
  out += bytes;
}

// For -1 and up to 2^48: n bytes hold values below 2^(7n - 1), the first with n leading ones.
void AppendSigned(int64_t value, std::string& out) {
  if (value < 0) {
    out.push_back(static_cast<char>(0x80 ^ (value & 0xff)));
    return;
  }
  size_t length = 1;
  while (length < 7 && value >= int64_t{1} << (7 * length - 1)) ++length;
  std::string bytes = BigEndian(value);
  bytes.insert(0, length - std::min(length, bytes.size()), '\0');
  bytes[0] = static_cast<char>(bytes[0] ^ (0xff << (8 - length)));
  out += bytes;
}

void AppendText(const std::string& text, std::string& out) {
  for (char c : text) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xff');
    if (c == '\xff') out.push_back('\0');
  }
  out.append({'\0', '\x01'});
}

}  // namespace

std::string SliceKey(const std::string& name, const BundleSlice& slice) {
  std::string key;
  AppendNumber(0, key);
  AppendText(name, key);
  AppendNumber(slice.extent_size(), key);
  for (const BundleSlice::Extent& extent : slice.extent()) {
    AppendSigned(extent.has_length() ? extent.start() : 0, key);
    AppendSigned(extent.has_length() ? extent.length() : -1, key);
  }
  return key;
}

bool PlaceSlice(const Tensor& part, const BundleSlice& slice, Tensor& whole,
                std::vector<bool>& placed) {
  const int rank = whole.shape().rank();
  if (part.dtype() != whole.dtype() || part.shape().rank() != rank || rank == 0 ||
      slice.extent_size() != rank) {
    return false;
  }
  std::vector<int64_t> start(rank);
  for (int d = 0; d < rank; ++d) {
    const BundleSlice::Extent& extent = slice.extent(d);
    start[d] = extent.has_length() ? extent.start() : 0;
    const int64_t size = whole.shape().dim(d);
    const int64_t length = extent.has_length() ? extent.length() : size;
    if (start[d] < 0 || part.shape().dim(d) != length || part.shape().dim(d) > size ||
        start[d] > size - part.shape().dim(d)) {
      return false;
    }
  }
  // One run of the last dimension after the other.
  const int64_t run = part.shape().dim(rank - 1);
  const int64_t runs = run == 0 ? 0 : part.num_elements() / run;
  const size_t element = SizeOf(part.dtype());
  std::vector<int64_t> at(rank, 0);
  for (int64_t r = 0; r < runs; ++r) {
    int64_t to = 0;
    for (int d = 0; d < rank; ++d) to = to * whole.shape().dim(d) + start[d] + at[d];
    const auto first = placed.begin() + to;
    if (std::find(first, first + run, true) != first + run) return false;
    std::fill(first, first + run, true);
    std::memcpy(whole.mutable_raw() + to * element, part.raw() + r * run * element, run * element);
    for (int d = rank - 2; d >= 0 && ++at[d] == part.shape().dim(d); --d) at[d] = 0;
  }
  return true;
}

}  // namespace varscope::checkpoint

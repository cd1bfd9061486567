#include "proto/wire/frame_writer.h"

#include <algorithm>
#include <string>
#include <utility>

namespace varscope::wire {
namespace {

// Measured with tests/bench: steps of many variables of 1 to 4 KiB.
constexpr size_t kCopiedBytes = 4096;

// A slice of the tensor's own memory, which it keeps alive.
grpc::Slice ShareBytes(const Tensor& tensor, size_t offset, size_t length) {
  auto* const owner = new BlockRef(tensor.block());
  return grpc::Slice((*owner)->data() + offset, length,
                     [](void* p) { delete static_cast<BlockRef*>(p); }, owner);
}

// Slices in order. What is small is copied beside its neighbours, which costs less than a slice.
class Body {
 public:
  void Add(const Tensor& tensor, size_t offset, size_t length) {
    if (length <= kCopiedBytes) {
      copied_.append(reinterpret_cast<const char*>(tensor.raw()) + offset, length);
      return;
    }
    EndCopied();
    slices_.push_back(ShareBytes(tensor, offset, length));
  }
  std::vector<grpc::Slice> slices() && {
    EndCopied();
    return std::move(slices_);
  }

 private:
  void EndCopied() {
    if (copied_.empty()) return;
    auto* const owner = new std::string(std::exchange(copied_, {}));
    slices_.emplace_back(
        owner->data(), owner->size(), [](void* p) { delete static_cast<std::string*>(p); }, owner);
  }

  std::vector<grpc::Slice> slices_;
  std::string copied_;
};

uint64_t TotalBytes(const std::vector<Tensor>& tensors) {
  uint64_t total = 0;
  for (const Tensor& tensor : tensors) total += tensor.defined() ? tensor.byte_size() : 0;
  return total;
}

}  // namespace

FrameWriter::FrameWriter(const v1::FrameHeader& head, std::vector<Tensor> tensors,
                         const FrameOptions& options)
    : head_(&head),
      tensors_(std::move(tensors)),
      options_(options),
      total_(TotalBytes(tensors_)),
      window_(total_) {}

std::vector<grpc::Slice> FrameWriter::NextBody() {
  size_t room = options_.body_bytes;
  Body body;
  while (room > 0 && tensor_ < tensors_.size()) {
    const Tensor& tensor = tensors_[tensor_];
    const size_t size = tensor.defined() ? tensor.byte_size() : 0;
    if (offset_ == size) {
      ++tensor_;
      offset_ = 0;
      continue;
    }
    const size_t length = std::min(room, size - offset_);
    body.Add(tensor, offset_, length);
    offset_ += length;
    room -= length;
  }
  return std::move(body).slices();
}

std::optional<grpc::ByteBuffer> FrameWriter::Next() {
  const std::vector<grpc::Slice> body = NextBody();
  for (const grpc::Slice& slice : body) window_.Sent(slice.size());
  if (head_ == nullptr) {
    if (body.empty()) return std::nullopt;
    return Encode({}, body, options_.checksums);
  }
  v1::FrameHeader rest;
  rest.set_body_bytes(total_);
  rest.set_checksums(options_.checksums);
  rest.set_flow_control(options_.flow_control);
  return Encode({std::exchange(head_, nullptr), &rest}, body, options_.checksums);
}

bool FrameWriter::must_wait() const { return options_.flow_control && window_.full(); }

}  // namespace varscope::wire

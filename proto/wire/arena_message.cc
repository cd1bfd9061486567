#include "proto/wire/arena_message.h"

#include <google/protobuf/io/zero_copy_stream.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>

namespace varscope::wire {
namespace {

void* TakeBlock(size_t size) {
  MemoryAccount::Process().Take(size);
  return ::operator new(size);
}

void GiveBlock(void* block, size_t size) {
  ::operator delete(block);
  MemoryAccount::Process().Give(size);
}

// Reads across slices without joining them, in steps, and ends early when the account is full.
class SliceStream final : public google::protobuf::io::ZeroCopyInputStream {
 public:
  SliceStream(const std::vector<grpc::Slice>& slices, uint64_t size)
      : slices_(slices), size_(size) {}

  bool Next(const void** data, int* size) override {
    while (slice_ < slices_.size() && offset_ == slices_[slice_].size()) {
      ++slice_;
      offset_ = 0;
    }
    if (slice_ == slices_.size()) return false;
    full_ = !MemoryAccount::Process().Allows(size_);
    if (full_) return false;
    const size_t step = std::min(kStep, slices_[slice_].size() - offset_);
    *data = slices_[slice_].begin() + offset_;
    *size = static_cast<int>(step);
    offset_ += step;
    count_ += static_cast<int64_t>(step);
    return true;
  }
  // Of what the last Next gave.
  void BackUp(int count) override {
    offset_ -= count;
    count_ -= count;
  }
  bool Skip(int count) override {
    const void* data = nullptr;
    for (int size = 0; count > 0; count -= size) {
      if (!Next(&data, &size)) return false;
      if (size > count) {
        BackUp(size - count);
        return true;
      }
    }
    return true;
  }
  int64_t ByteCount() const override { return count_; }
  bool full() const { return full_; }

 private:
  // What one step becomes in memory is the most that goes beyond the limit.
  static constexpr size_t kStep = size_t{16} << 10;

  const std::vector<grpc::Slice>& slices_;
  const uint64_t size_;
  size_t slice_ = 0;
  size_t offset_ = 0;
  int64_t count_ = 0;
  bool full_ = false;
};

}  // namespace

std::unique_ptr<google::protobuf::Arena> MakeArena() {
  google::protobuf::ArenaOptions options;
  options.block_alloc = TakeBlock;
  options.block_dealloc = GiveBlock;
  return std::make_unique<google::protobuf::Arena>(options);
}

absl::Status Parse(const std::vector<grpc::Slice>& slices, google::protobuf::MessageLite& message,
                   MemoryAccount::Hold& held) {
  uint64_t size = 0;
  for (const grpc::Slice& slice : slices) size += slice.size();
  MemoryAccount& account = MemoryAccount::Process();
  absl::StatusOr<MemoryAccount::Hold> reserved = account.Reserve(size);
  if (!reserved.ok()) return reserved.status();
  held = *std::move(reserved);
  SliceStream stream(slices, size);
  const bool parsed = message.ParseFromZeroCopyStream(&stream);
  if (stream.full()) return account.Refusal(size);
  if (!parsed) return absl::InvalidArgumentError("it does not parse");
  return absl::OkStatus();
}

}  // namespace varscope::wire

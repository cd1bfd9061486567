// The numbers under which one stream's requests name variables.
#ifndef VARSCOPE_CLIENT_RPC_STREAM_VARIABLES_H_
#define VARSCOPE_CLIENT_RPC_STREAM_VARIABLES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "varscope/dtype.h"
#include "varscope/shape.h"
#include "varscope/v1/tensor_stream.pb.h"

namespace varscope::internal {

// The worker's half of server/push/stream_variables.h. Not thread-safe.
class StreamVariables {
 public:
  // A variable that gets a value of that dtype and shape, or, with `rows`, of that shape but for
  // its first dimension.
  struct Target {
    const std::string& name;
    const std::vector<std::string>& slots;  // their names; empty: the server's own
    DType dtype;
    const Shape& shape;
    bool rows;
  };
  struct Type {
    DType dtype = DType::kInvalid;  // until the server has told
    Shape shape;
  };

  // The variable's number. One that is new is added to `head`, the request's: so is one whose value
  // the server will refuse.
  uint32_t NumberOf(const Target& target, v1::FrameHeader& head);
  // The same, of a variable that is read, or gets slots alone.
  uint32_t NumberOf(const std::string& name, v1::FrameHeader& head);
  uint32_t NumberOf(const std::string& name, const std::vector<std::string>& slots,
                    v1::FrameHeader& head);

  // Takes what the answer says of the variables that its request named. Internal when these are
  // others.
  absl::Status Learn(const v1::FrameHeader& answer);
  const Type& TypeOf(uint32_t number) const { return entries_[number].type; }
  // No more should be added; see the server's limit.
  bool full() const { return bytes_ > kFullBytes; }

 private:
  static constexpr size_t kFullBytes = size_t{16} << 20;
  struct Entry {
    std::vector<std::string> slots;
    Type type;  // what the worker thinks, until the server has told
  };

  template <typename Fits>
  const uint32_t* Find(const std::string& name, const Fits& fits) const;
  uint32_t Add(const std::string& name, const std::vector<std::string>& slots, Type type,
               v1::FrameHeader& head);

  std::vector<Entry> entries_;  // by number
  absl::flat_hash_map<std::string, absl::InlinedVector<uint32_t, 1>> by_name_;
  size_t known_ = 0;  // entries of which the server has told the type
  size_t bytes_ = 0;  // about what the server keeps of them
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_STREAM_VARIABLES_H_

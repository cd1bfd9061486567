// What a gRPC byte buffer holds, in one piece.
#ifndef VARSCOPE_TESTS_SUPPORT_BYTES_OF_H_
#define VARSCOPE_TESTS_SUPPORT_BYTES_OF_H_

#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace varscope::testing {

inline std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& s : slices) {
    bytes.append(reinterpret_cast<const char*>(s.begin()), s.size());
  }
  return bytes;
}

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_BYTES_OF_H_

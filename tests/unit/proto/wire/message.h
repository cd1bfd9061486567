// Messages of a head and tensors, as tests send them.
#ifndef VARSCOPE_TESTS_UNIT_PROTO_WIRE_MESSAGE_H_
#define VARSCOPE_TESTS_UNIT_PROTO_WIRE_MESSAGE_H_

#include <utility>
#include <vector>

#include "proto/wire/frame_reader.h"
#include "varscope/tensor.h"
#include "varscope/v1/tensor_stream.pb.h"

namespace varscope::wire {

// What a stream carries: `announced` is what its reader is told of the tensors.
struct Message {
  v1::FrameHeader head;
  std::vector<Tensor> tensors;
  std::vector<IncomingTensor> announced;

  FrameReader Reader() const {
    return FrameReader([announced = announced](const v1::FrameHeader&) { return announced; });
  }
};

inline Message MakeMessage(const std::vector<Shape>& shapes) {
  Message message;
  for (const Shape& shape : shapes) {
    Tensor t(DType::kFloat32, shape);
    float next = 0;
    for (float& x : t.mutable_values<float>()) x = next++;
    message.announced.push_back({DType::kFloat32, shape});
    message.tensors.push_back(std::move(t));
  }
  return message;
}

}  // namespace varscope::wire

#endif  // VARSCOPE_TESTS_UNIT_PROTO_WIRE_MESSAGE_H_

// A worker that sends what it likes: messages of its own in a session of its own.
#ifndef VARSCOPE_TESTS_SUPPORT_RAW_WORKER_H_
#define VARSCOPE_TESTS_SUPPORT_RAW_WORKER_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "proto/wire/protocol.h"
#include "proto/wire/session.h"
#include "varscope/v1/worker.grpc.pb.h"

namespace varscope::testing {

// Never deregisters, and sends no heartbeats.
class RawWorker {
 public:
  // Throws std::runtime_error when the server does not take it.
  RawWorker(const std::string& target, const std::string& worker_id)
      : channel_(grpc::CreateChannel(target, grpc::InsecureChannelCredentials())),
        stub_(v1::ParameterServer::NewStub(channel_)) {
    v1::ConnectRequest request;
    request.set_protocol(wire::kProtocol);
    request.set_worker_id(worker_id);
    grpc::ClientContext context;
    const grpc::Status status = stub_->Connect(&context, request, &connected_);
    if (!status.ok()) throw std::runtime_error(worker_id + ": " + status.error_message());
  }

  const v1::ConnectResponse& connected() const { return connected_; }
  const std::string& session_key() const { return connected_.session_key(); }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  v1::ParameterServer::Stub& stub() const { return *stub_; }
  // What a call is made with.
  void Prepare(grpc::ClientContext& context) const {
    context.AddMetadata(wire::kSessionMetadata, session_key());
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  }

  // A call in its session.
  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::ParameterServer::Stub::*method)(grpc::ClientContext*,
                                                                      const Request&, Response*),
                    const Request& request, Response* response) const {
    grpc::ClientContext context;
    Prepare(context);
    return ((*stub_).*method)(&context, request, response);
  }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::ParameterServer::Stub> stub_;
  v1::ConnectResponse connected_;
};

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_RAW_WORKER_H_

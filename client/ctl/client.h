// One question to a running server, its answer, and the exit code that follows.
#ifndef VARSCOPE_CLIENT_CTL_CLIENT_H_
#define VARSCOPE_CLIENT_CTL_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "client/rpc/connection.h"
#include "client/rpc/list_parts.h"
#include "client/rpc/reason.h"
#include "varscope/v1/admin.grpc.pb.h"

namespace varscope::ctl {

inline constexpr int kExitOk = 0;
inline constexpr int kExitRefused = 1;   // the server answered with an error, or there is no output
inline constexpr int kExitUsage = 2;     // wrong command line
inline constexpr int kExitNoAnswer = 3;  // nobody answers

// Says why on standard error, in one line, and returns the exit code.
int Refuse(const std::string& why, int code = kExitRefused);

// How long an answer may take unless --timeout says so.
enum class Patience { kQuick, kLong };

class Client {
 public:
  Client(const std::string& target, std::optional<double> timeout);

  // Prints whether the server serves. Returns the exit code.
  int Health(std::ostream& out);
  // A connection as a worker of its own, for what a checkpoint needs.
  internal::Connection Connect() const;

  template <typename Request, typename Response>
  using Method = grpc::Status (v1::Admin::Stub::*)(grpc::ClientContext*, const Request&, Response*);

  template <typename Stub, typename Request, typename Response>
  grpc::Status Send(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response, Patience patience) {
    Stub stub(channel_);
    return Retried(patience, [&](grpc::ClientContext& context) {
      return (stub.*method)(&context, request, response);
    });
  }

  // Reads a list to its end.
  template <typename Request, typename Response>
  grpc::Status List(internal::List<Request, Response> list, const Request& request,
                    Response* response, Patience patience) {
    v1::Admin::Stub stub(channel_);
    return Retried(patience, [&](grpc::ClientContext& context) {
      return internal::ReadParts(stub, list, context, request, response);
    });
  }

  // Sends one request and gives the answer to `print`. Returns the exit code.
  template <typename Request, typename Response, typename Print>
  int Ask(Method<Request, Response> method, const Request& request, Print print) {
    Response response;
    const grpc::Status status = Send(method, request, &response, Patience::kQuick);
    if (!status.ok()) return Failed(status);
    print(response);
    return kExitOk;
  }

  // The same for what takes the server long: `what` may still happen, or have happened, when no
  // answer comes.
  template <typename Request, typename Response, typename Print>
  int Change(const char* what, Method<Request, Response> method, const Request& request,
             Print print) {
    Response response;
    const bool is_there = WaitForConnected(Patience::kLong);
    const grpc::Status status = Send(method, request, &response, Patience::kLong);
    if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) return NotYet(what);
    if (is_there && internal::IsTheTransports(status)) return Perhaps(what);
    if (!status.ok()) return Failed(status);
    print(response);
    return kExitOk;
  }

  // Says why a call failed. Returns the exit code.
  int Failed(const grpc::Status& status) const;

 private:
  std::chrono::milliseconds Timeout(Patience patience) const;
  // One attempt, unless what it met was the end of another call, or the server's buffers were full.
  grpc::Status Retried(Patience patience,
                       const std::function<grpc::Status(grpc::ClientContext&)>& attempt) const;
  // False: there is nobody, or not in time.
  bool WaitForConnected(Patience patience) const;
  int NotYet(const char* what) const;
  int Perhaps(const char* what) const;

  const std::string target_;
  const std::optional<double> timeout_;
  const std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace varscope::ctl

#endif  // VARSCOPE_CLIENT_CTL_CLIENT_H_

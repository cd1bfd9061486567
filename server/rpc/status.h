// absl::Status inside, grpc::Status on the wire: the same codes and text, and retry info as
// trailing metadata.
#ifndef VARSCOPE_SERVER_RPC_STATUS_H_
#define VARSCOPE_SERVER_RPC_STATUS_H_

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/naming/names.h"
#include "proto/wire/retry_info.h"
#include "varscope/v1/types.pb.h"

namespace varscope::server {

// As UTF-8, the beginning of a longer text. gRPC's trailing metadata has 8 KiB, where a byte of a
// text may take three; beyond that the caller would get another error.
inline std::string Told(absl::string_view text) {
  constexpr size_t kMost = 2000;
  std::string beginning = Utf8(text.substr(0, kMost));
  if (text.size() <= kMost && beginning.size() <= kMost) return beginning;
  // A character may have been cut.
  return absl::StrCat(Utf8(absl::string_view(beginning).substr(0, kMost)), " ...");
}

inline grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.raw_code()), Told(status.message())};
}

inline grpc::Status ToGrpc(const absl::Status& status, grpc::ServerContext& context) {
  for (const char* key : {kRetryAfterKey, kReconnectKey}) {
    if (const auto retry_info = status.GetPayload(key)) {
      context.AddTrailingMetadata(key, std::string(*retry_info));
    }
  }
  return ToGrpc(status);
}

// The same, as a message.
inline void ToProto(const absl::Status& status, v1::Error* out) {
  out->set_code(status.raw_code());
  out->set_message(Told(status.message()));
  status.ForEachPayload([&](absl::string_view key, const absl::Cord& value) {
    v1::NamedText* const info = out->add_retry_info();
    info->set_name(key.data(), key.size());
    info->set_value(std::string(value));
  });
}

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_STATUS_H_

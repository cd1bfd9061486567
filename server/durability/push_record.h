// A push in the log: what a ValidPush with its slots says, and back.
#ifndef VARSCOPE_SERVER_DURABILITY_PUSH_RECORD_H_
#define VARSCOPE_SERVER_DURABILITY_PUSH_RECORD_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "server/durability/frame.h"
#include "server/durability/records.pb.h"
#include "server/durability/value_check.h"
#include "server/push/push.h"

namespace varscope::server {

// A record whose answer is filled in when the push has been applied.
class PushRecord {
 public:
  // Takes all memory. `push` has its slots. `check`: what SetChecksum will say; none: it is not
  // called.
  explicit PushRecord(const PushContents& push,
                      const std::optional<ValueCheck>& check = std::nullopt);

  // Takes no memory. Before SetAnswer.
  void SetChecksum(uint32_t checksum) noexcept;

  // Takes no memory.
  void SetAnswer(const PushResult& result) noexcept;
  // Requires SetAnswer.
  RecordBytes Take() && { return std::move(bytes_); }
  const RecordBytes& bytes() const { return bytes_; }

 private:
  RecordBytes bytes_;
  durability::Answer answer_;
};

// The header of its record has at most so many bytes. `push` need not have its slots yet.
uint64_t MostHeaderBytes(const PushContents& push);

// A push that was read, before its names are looked up.
struct LoggedPush {
  durability::Pushed pushed;
  std::vector<Tensor> tensors;
};

// DataLoss when the body is not what the header says.
absl::StatusOr<LoggedPush> ReadPush(const durability::Pushed& pushed,
                                    std::span<const std::byte> body);
// DataLoss when `store` is not as it was when the push was applied.
absl::StatusOr<ValidPush> FromRecord(const Catalog& catalog, const LoggedPush& logged);

void ToProto(const PushId& id, durability::PushId* out);
PushId PushIdOf(const durability::PushId& id);
void ToProto(const PushResult& result, durability::Answer* out);
PushResult PushResultOf(const durability::Answer& answer);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_PUSH_RECORD_H_

#include "server/rpc/stream_places.h"

#include "absl/strings/str_cat.h"
#include "server/rpc/call_bytes.h"
#include "server/rpc/status.h"

namespace varscope::server {

StreamPlaces::Place& StreamPlaces::Place::operator=(Place&& other) noexcept {
  Leave();
  places_ = std::exchange(other.places_, nullptr);
  held_ = std::move(other.held_);
  return *this;
}

void StreamPlaces::Place::Leave() {
  if (places_ == nullptr) return;
  StreamPlaces& places = *std::exchange(places_, nullptr);
  MutexLock lock(places.mutex_);
  --places.without_session_;
}

absl::Status StreamPlaces::EnterWithoutSession() {
  MutexLock lock(mutex_);
  if (without_session_ >= kMostWithoutSession) {
    return absl::ResourceExhaustedError(
        absl::StrCat(kMostWithoutSession, " streams of callers without a session are open, no ",
                     "more may be: end one, or connect as a worker"));
  }
  ++without_session_;
  return absl::OkStatus();
}

absl::StatusOr<StreamPlaces::Place> StreamPlaces::Take(const Caller& caller) {
  Place place;
  absl::StatusOr<IdleMemory::Hold> held =
      IdleMemory::Process().Reserve(caller.holder(), kCallBytes);
  if (!held.ok()) return Prefixed(Who(caller), held.status());
  place.held_ = *std::move(held);
  if (caller.is_worker()) return place;
  if (absl::Status status = EnterWithoutSession(); !status.ok()) return status;
  place.places_ = this;
  return place;
}

}  // namespace varscope::server

// A function that somebody waits for: it is called exactly once, whatever becomes of its owner.
#ifndef VARSCOPE_PROTO_CONCURRENCY_DONE_ONCE_H_
#define VARSCOPE_PROTO_CONCURRENCY_DONE_ONCE_H_

#include <concepts>
#include <new>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

namespace varscope {

// What is told where there is no memory to say more. A copy of it takes none.
inline const absl::Status* const kNobodyAnswered = new absl::Status(absl::UnavailableError(
    "there was no memory to go on with it; whether it was done is not known, send it again"));

// What `make` returns; without memory for that, `otherwise`, which was made before.
template <typename Make>
absl::Status Said(const Make& make, const absl::Status& otherwise = *kNobodyAnswered) noexcept {
  try {
    return make();
  } catch (const std::bad_alloc&) {
    return otherwise;
  }
}

// Calls the function that it was made of with a T, an absl::Status or StatusOr, once: when it is
// called, or else at its end, with *kNobodyAnswered. So an exception on the way to a call leaves
// nobody waiting; whoever has it may not let it end under a lock that the function takes. Empty, it
// calls nothing. Not thread-safe.
template <typename T>
class DoneOnce {
 public:
  DoneOnce() = default;
  template <typename F>
  requires(!std::same_as<F, DoneOnce> && std::invocable<F&, T>)
      DoneOnce(F function)  // NOLINT: it is one
      : function_(std::move(function)) {}
  ~DoneOnce() {
    if (function_) Tell(T(*kNobodyAnswered));
  }
  DoneOnce(DoneOnce&& other) noexcept : function_(std::exchange(other.function_, nullptr)) {}
  DoneOnce& operator=(DoneOnce&& other) noexcept {
    DoneOnce ended(std::move(other));
    std::swap(function_, ended.function_);
    return *this;
  }

  // Requires that it is not empty, which it is from then on. Throws what the function throws.
  void operator()(T value) { std::exchange(function_, nullptr)(std::move(value)); }
  // The same for whoever has others to tell: without memory the function ends here.
  void Tell(T value) noexcept {
    try {
      (*this)(std::move(value));
    } catch (const std::bad_alloc&) {
    }
  }

 private:
  absl::AnyInvocable<void(T)> function_;
};

}  // namespace varscope

#endif  // VARSCOPE_PROTO_CONCURRENCY_DONE_ONCE_H_

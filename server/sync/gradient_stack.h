// One variable's gradients of all pushes of a step, side by side.
#ifndef VARSCOPE_SERVER_SYNC_GRADIENT_STACK_H_
#define VARSCOPE_SERVER_SYNC_GRADIENT_STACK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "server/push/push.h"

namespace varscope::server {

// Sums of the squared distances of n gradients from each other.
class Distances {
 public:
  explicit Distances(size_t n) : n_(n), squares_(n * n) {}

  void Add(size_t i, size_t j, long double square) {
    squares_[i * n_ + j] += square;
    squares_[j * n_ + i] += square;
  }
  // Of gradient i to the others, in no order.
  std::vector<long double> Of(size_t i) const;

 private:
  size_t n_;
  std::vector<long double> squares_;
};

// Reads the gradients where they are. Not thread-safe.
class GradientStack {
 public:
  // Of each push, or null. At least one is not null; all are for one variable, and outlive it.
  explicit GradientStack(std::vector<const PushUpdate*> updates) : updates_(std::move(updates)) {}

  // How many pushes have one.
  size_t count() const;
  // Bytes that each of the functions below takes while it runs, beside its result: numbers of rows,
  // sorted.
  uint64_t working_bytes() const;

  // The mean of those that are there. Rows that one does not have count as zero; where one is
  // dense, the result is. Of finite gradients it is finite. ResourceExhausted without memory.
  absl::StatusOr<PushUpdate> Mean() const;

  // Of each element the mean of all pushes' without the `trim` largest and smallest, which are
  // fewer than half; who has no gradient, or not that row, counts as zero. Only rows that more than
  // `ignored` pushes name are there; a dense gradient names all. Each element is between the
  // smallest and the largest of what is left. ResourceExhausted without memory.
  absl::StatusOr<PushUpdate> TrimmedMean(size_t trim, size_t ignored) const;

  // Adds those between all pushes, with zeros as above.
  void AddDistances(Distances& distances) const;

 private:
  using Rows = std::optional<std::vector<int64_t>>;  // sorted; nothing: all

  size_t CountDense() const;
  // Those that more than `ignored` of them name.
  Rows RowsNamedByMoreThan(size_t ignored) const;
  absl::StatusOr<PushUpdate> Blank(const Rows& rows) const;
  // Calls `piece` with each part of the elements of `rows`: where it begins among them, and of each
  // push where its elements are; null: they are zero.
  template <typename T, typename Piece>
  void ForEachPiece(const Rows& rows, const Piece& piece) const;

  std::vector<const PushUpdate*> updates_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_GRADIENT_STACK_H_

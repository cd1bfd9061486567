#include "server/sync/gradient_stack.h"

#include <algorithm>
#include <array>
#include <span>
#include <type_traits>
#include <utility>

#include "proto/tensor/allocate.h"
#include "proto/tensor/rows.h"

namespace varscope::server {
namespace {

// What sums are made in: of numbers that are finite they are, too, and so is their mean.
template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, float>, double, long double>;

constexpr size_t kPieceElements = 1024;

// Where each row of a sparse gradient is; asked for rows that only grow.
class RowCursor {
 public:
  explicit RowCursor(std::span<const int64_t> rows) {
    for (size_t i = 0; i < rows.size(); ++i) places_.emplace_back(rows[i], i);
    std::sort(places_.begin(), places_.end());
  }
  // Its place; nothing: it is not there.
  std::optional<size_t> Find(int64_t row) {
    while (next_ < places_.size() && places_[next_].first < row) ++next_;
    if (next_ == places_.size() || places_[next_].first != row) return std::nullopt;
    return places_[next_].second;
  }

 private:
  std::vector<std::pair<int64_t, size_t>> places_;
  size_t next_ = 0;
};

std::span<const int64_t> IndicesOf(const PushUpdate& update) {
  return update.indices->value.values<int64_t>();
}

}  // namespace

std::vector<long double> Distances::Of(size_t i) const {
  std::vector<long double> all;
  for (size_t j = 0; j < n_; ++j) {
    if (j != i) all.push_back(squares_[i * n_ + j]);
  }
  return all;
}

size_t GradientStack::count() const {
  return updates_.size() - std::count(updates_.begin(), updates_.end(), nullptr);
}

uint64_t GradientStack::working_bytes() const {
  // All of them together, those that are kept, and a RowCursor for each.
  constexpr uint64_t kRow = 2 * sizeof(int64_t) + sizeof(std::pair<int64_t, size_t>);
  uint64_t rows = 0;
  for (const PushUpdate* update : updates_) {
    if (update != nullptr && update->indices) rows += IndicesOf(*update).size();
  }
  return rows * kRow;
}

size_t GradientStack::CountDense() const {
  return std::count_if(updates_.begin(), updates_.end(), [](const PushUpdate* update) {
    return update != nullptr && !update->indices;
  });
}

GradientStack::Rows GradientStack::RowsNamedByMoreThan(size_t ignored) const {
  const size_t dense = CountDense();
  if (dense > ignored) return std::nullopt;
  std::vector<int64_t> all;
  for (const PushUpdate* update : updates_) {
    if (update == nullptr || !update->indices) continue;
    const std::span<const int64_t> own = IndicesOf(*update);
    all.insert(all.end(), own.begin(), own.end());
  }
  std::sort(all.begin(), all.end());
  std::vector<int64_t> rows;
  for (auto it = all.begin(); it != all.end();) {
    const auto end = std::upper_bound(it, all.end(), *it);
    if (dense + static_cast<size_t>(end - it) > ignored) rows.push_back(*it);
    it = end;
  }
  return rows;
}

absl::StatusOr<PushUpdate> GradientStack::Blank(const Rows& rows) const {
  const PushUpdate& first =
      **std::find_if(updates_.begin(), updates_.end(), [](const auto* u) { return u != nullptr; });
  PushUpdate blank{.variable = first.variable,
                   .slot_names = first.slot_names,
                   .base_version = {},
                   .gradient = {},
                   .indices = {},
                   .slots = {}};
  const VariableDefinition& def = first.variable->def;
  absl::StatusOr<Shape> shape = def.shape;
  if (rows) {
    const auto count = static_cast<int64_t>(rows->size());
    shape = RowsShape(def.shape, count);
    if (!shape.ok()) return shape.status();
    absl::StatusOr<Tensor> numbers = TryAllocate(DType::kInt64, Shape{count});
    if (!numbers.ok()) return numbers.status();
    std::copy(rows->begin(), rows->end(), numbers->mutable_data<int64_t>());
    blank.indices = PushTensor{0, *std::move(numbers)};
  }
  absl::StatusOr<Tensor> gradient = TryAllocate(def.dtype, *shape);
  if (!gradient.ok()) return gradient.status();
  blank.gradient.value = *std::move(gradient);
  return blank;
}

template <typename T, typename Piece>
void GradientStack::ForEachPiece(const Rows& rows, const Piece& piece) const {
  const PushUpdate& first =
      **std::find_if(updates_.begin(), updates_.end(), [](const auto* u) { return u != nullptr; });
  const Shape& shape = first.variable->def.shape;
  std::vector<const T*> begins(updates_.size(), nullptr);
  std::vector<const T*> from(updates_.size());
  // `size` elements, of each push from begins[p] on, in pieces.
  const auto cut = [&](size_t at, size_t size) {
    for (size_t done = 0; done < size; done += kPieceElements) {
      for (size_t p = 0; p < from.size(); ++p) {
        from[p] = begins[p] == nullptr ? nullptr : begins[p] + done;
      }
      piece(at + done, std::min(kPieceElements, size - done), std::span<const T* const>(from));
    }
  };
  if (!rows && CountDense() == count()) {
    for (size_t p = 0; p < updates_.size(); ++p) {
      if (updates_[p] != nullptr) begins[p] = updates_[p]->gradient.value.data<T>();
    }
    return cut(0, static_cast<size_t>(shape.num_elements()));
  }
  const auto row_size = static_cast<size_t>(RowSize(shape));
  std::vector<std::optional<RowCursor>> cursors(updates_.size());
  for (size_t p = 0; p < updates_.size(); ++p) {
    const PushUpdate* const update = updates_[p];
    if (update != nullptr && update->indices) cursors[p].emplace(IndicesOf(*update));
  }
  const size_t all = rows ? rows->size() : static_cast<size_t>(shape.dim(0));
  for (size_t i = 0; i < all; ++i) {
    const int64_t row = rows ? (*rows)[i] : static_cast<int64_t>(i);
    for (size_t p = 0; p < updates_.size(); ++p) {
      if (updates_[p] == nullptr) continue;
      const std::optional<size_t> place =
          cursors[p] ? cursors[p]->Find(row) : std::optional<size_t>(row);
      begins[p] = place ? updates_[p]->gradient.value.data<T>() + *place * row_size : nullptr;
    }
    cut(i * row_size, row_size);
  }
}

absl::StatusOr<PushUpdate> GradientStack::Mean() const {
  const Rows rows = RowsNamedByMoreThan(0);
  absl::StatusOr<PushUpdate> mean = Blank(rows);
  if (!mean.ok()) return mean;
  Tensor& gradient = mean->gradient.value;
  VisitGradient(gradient.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* const to = gradient.mutable_data<T>();
    const auto pushes = static_cast<Wide<T>>(count());
    std::array<Wide<T>, kPieceElements> sums;
    ForEachPiece<T>(rows, [&](size_t at, size_t n, std::span<const T* const> from) {
      sums.fill(0);
      for (const T* const own : from) {
        if (own == nullptr) continue;
        for (size_t i = 0; i < n; ++i) sums[i] += own[i];
      }
      for (size_t i = 0; i < n; ++i) to[at + i] = static_cast<T>(sums[i] / pushes);
    });
  });
  return mean;
}

absl::StatusOr<PushUpdate> GradientStack::TrimmedMean(size_t trim, size_t ignored) const {
  const Rows rows = RowsNamedByMoreThan(ignored);
  absl::StatusOr<PushUpdate> mean = Blank(rows);
  if (!mean.ok()) return mean;
  Tensor& gradient = mean->gradient.value;
  VisitGradient(gradient.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* const to = gradient.mutable_data<T>();
    const size_t last = updates_.size() - trim - 1;
    std::vector<T> column(updates_.size());
    ForEachPiece<T>(rows, [&](size_t at, size_t n, std::span<const T* const> from) {
      for (size_t i = 0; i < n; ++i) {
        for (size_t p = 0; p < from.size(); ++p) column[p] = from[p] == nullptr ? 0 : from[p][i];
        std::sort(column.begin(), column.end());
        Wide<T> sum{0};
        for (size_t p = trim; p <= last; ++p) sum += column[p];
        const auto middle = static_cast<T>(sum / static_cast<Wide<T>>(last - trim + 1));
        to[at + i] = std::clamp(middle, column[trim], column[last]);
      }
    });
  });
  return mean;
}

void GradientStack::AddDistances(Distances& distances) const {
  const auto* const first =
      *std::find_if(updates_.begin(), updates_.end(), [](const auto* u) { return u != nullptr; });
  VisitGradient(first->variable->def.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto add = [&](size_t, size_t n, std::span<const T* const> from) {
      const auto element = [&](size_t p, size_t i) -> Wide<T> {
        return from[p] == nullptr ? 0 : from[p][i];
      };
      for (size_t a = 0; a < from.size(); ++a) {
        for (size_t b = 0; b < a; ++b) {
          if (from[a] == nullptr && from[b] == nullptr) continue;
          Wide<T> sum{0};
          for (size_t i = 0; i < n; ++i) {
            const Wide<T> d = element(a, i) - element(b, i);
            sum += d * d;
          }
          distances.Add(a, b, sum);
        }
      }
    };
    ForEachPiece<T>(RowsNamedByMoreThan(0), add);
  });
}

}  // namespace varscope::server

// varscope/array_ops.h and varscope/random.h: what Python files make TensorFlow's functions of.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/python/src/op_table.h"
#include "varscope/array_ops.h"
#include "varscope/random.h"

namespace varscope::python {
namespace {

DType TypeOr(nb::handle dtype, DType otherwise) {
  return ToOptionalDType(dtype).value_or(otherwise);
}

// An int32 vector or scalar, unless it is a tensor.
Input ToNumbers(nb::handle x) { return ToInput(x, DType::kInt32); }

void AddShapesOf(nb::module_& m) {
  m.def(
      "shape",
      [](nb::handle input, OptionalName name, nb::handle out_type) {
        AwaitDefinitions();
        return Hold(shape(ToInput(input), TypeOr(out_type, DType::kInt32), NameOf(name)));
      },
      "input"_a, "name"_a = nb::none(), "out_type"_a = nb::none());
  m.def(
      "size",
      [](nb::handle input, OptionalName name, nb::handle out_type) {
        AwaitDefinitions();
        return Hold(size(ToInput(input), TypeOr(out_type, DType::kInt32), NameOf(name)));
      },
      "input"_a, "name"_a = nb::none(), "out_type"_a = nb::none());
  Unary(m, "rank", "input", rank);
  const auto by = [&m](const char* op, BinaryOp make) {
    m.def(
        op,
        [make](nb::handle x, nb::handle numbers, OptionalName name) {
          AwaitDefinitions();
          return Hold(make(ToInput(x), ToNumbers(numbers), NameOf(name)));
        },
        "x"_a, "numbers"_a, nb::arg("name").none());
  };
  by("_reshape_to", reshape_to);
  by("_tile_by", tile_by);
  by("_broadcast_to", broadcast_to);
  by("_gather_nd", gather_nd);
  m.def(
      "fill",
      [](nb::handle dims, nb::handle value, OptionalName name) {
        AwaitDefinitions();
        return Hold(fill(ToNumbers(dims), ToInput(value), NameOf(name)));
      },
      "dims"_a, "value"_a, "name"_a = nb::none());
  m.def(
      "_range",
      [](nb::handle start, nb::handle limit, nb::handle delta, OptionalName name) {
        AwaitDefinitions();
        return Hold(range(ToInput(start), ToInput(limit), ToInput(delta), NameOf(name)));
      },
      "start"_a, "limit"_a, "delta"_a, nb::arg("name").none());
  m.def(
      "_strided_slice",
      [](nb::handle x, nb::handle begin, nb::handle end, nb::handle strides, int64_t begin_mask,
         int64_t end_mask, int64_t ellipsis_mask, int64_t new_axis_mask, int64_t shrink_axis_mask,
         OptionalName name) {
        AwaitDefinitions();
        const SliceMasks masks{begin_mask, end_mask, ellipsis_mask, new_axis_mask,
                               shrink_axis_mask};
        return Hold(strided_slice(ToInput(x), ToNumbers(begin), ToNumbers(end), ToNumbers(strides),
                                  masks, NameOf(name)));
      },
      "x"_a, "begin"_a, "end"_a, "strides"_a, "begin_mask"_a = 0, "end_mask"_a = 0,
      "ellipsis_mask"_a = 0, "new_axis_mask"_a = 0, "shrink_axis_mask"_a = 0,
      "name"_a = nb::none());
}

void AddElements(nb::module_& m) {
  Unary(m, "_where_true", "condition",
        [](const Input& x, const std::string& name) { return where(x, name); });
  m.def(
      "_unique",
      [](nb::handle x, nb::handle out_idx, OptionalName name) {
        AwaitDefinitions();
        const varscope::Unique both =
            unique(ToInput(x), TypeOr(out_idx, DType::kInt32), NameOf(name));
        return std::pair(Hold(both.y), Hold(both.idx));
      },
      "x"_a, nb::arg("out_idx").none(), nb::arg("name").none());
  m.def(
      "scatter_nd",
      [](nb::handle indices, nb::handle updates, nb::handle shape, OptionalName name) {
        AwaitDefinitions();
        return Hold(
            scatter_nd(ToNumbers(indices), ToInput(updates), ToNumbers(shape), NameOf(name)));
      },
      "indices"_a, "updates"_a, "shape"_a, "name"_a = nb::none());
  m.def(
      "reverse",
      [](nb::handle tensor, nb::handle axis, OptionalName name) {
        AwaitDefinitions();
        return Hold(reverse(ToInput(tensor), ToIntList(axis), NameOf(name)));
      },
      "tensor"_a, "axis"_a, "name"_a = nb::none());
  m.def(
      "_reverse_sequence",
      [](nb::handle x, nb::handle lengths, int seq_axis, int batch_axis, OptionalName name) {
        AwaitDefinitions();
        return Hold(
            reverse_sequence(ToInput(x), ToNumbers(lengths), seq_axis, batch_axis, NameOf(name)));
      },
      "x"_a, "lengths"_a, "seq_axis"_a, "batch_axis"_a, nb::arg("name").none());
  m.def(
      "_top_k",
      [](nb::handle x, int64_t k, OptionalName name) {
        AwaitDefinitions();
        const Largest largest = top_k(ToInput(x), k, NameOf(name));
        return std::pair(Hold(largest.values), Hold(largest.indices));
      },
      "x"_a, "k"_a, nb::arg("name").none());
  m.def(
      "in_top_k",
      [](nb::handle predictions, nb::handle targets, int64_t k, OptionalName name) {
        AwaitDefinitions();
        return Hold(in_top_k(ToInput(predictions), ToNumbers(targets), k, NameOf(name)));
      },
      "predictions"_a, "targets"_a, "k"_a, "name"_a = nb::none());
  m.def(
      "unsorted_segment_sum",
      [](nb::handle data, nb::handle segment_ids, nb::handle num_segments, OptionalName name) {
        AwaitDefinitions();
        return Hold(unsorted_segment_sum(ToInput(data), ToNumbers(segment_ids),
                                         ToNumbers(num_segments), NameOf(name)));
      },
      "data"_a, "segment_ids"_a, "num_segments"_a, "name"_a = nb::none());
  const auto running = [&m](const char* op,
                            Output (*make)(const Input&, int, bool, bool, const std::string&)) {
    m.def(
        op,
        [make](nb::handle x, int axis, bool exclusive, bool reverse, OptionalName name) {
          AwaitDefinitions();
          return Hold(make(ToInput(x), axis, exclusive, reverse, NameOf(name)));
        },
        "x"_a, "axis"_a = 0, "exclusive"_a = false, "reverse"_a = false, "name"_a = nb::none());
  };
  running("cumsum", cumsum);
  running("cumprod", cumprod);
}

// Elements in an order, and what is found by it.
void AddOrders(nb::module_& m) {
  const auto ordered = [&m](const char* op,
                            Output (*make)(const Input&, int, bool, const std::string&)) {
    m.def(
        op,
        [make](nb::handle values, int axis, bool descending, OptionalName name) {
          AwaitDefinitions();
          return Hold(make(ToInput(values), axis, descending, NameOf(name)));
        },
        "values"_a, "axis"_a, "descending"_a, nb::arg("name").none());
  };
  ordered("_argsort", argsort);
  ordered("_sort", sort);
  m.def(
      "_searchsorted",
      [](nb::handle sorted_sequence, nb::handle values, bool right, nb::handle out_type,
         OptionalName name) {
        AwaitDefinitions();
        const auto [rows, wanted] = Pair(sorted_sequence, values);
        return Hold(searchsorted(rows, wanted, right, ToDType(out_type), NameOf(name)));
      },
      "sorted_sequence"_a, "values"_a, "right"_a, "out_type"_a, nb::arg("name").none());
  m.def(
      "_setdiff1d",
      [](nb::handle x, nb::handle y, nb::handle index_dtype, OptionalName name) {
        AwaitDefinitions();
        const auto [one, other] = Pair(x, y);
        const Difference both = setdiff1d(one, other, ToDType(index_dtype), NameOf(name));
        return std::pair(Hold(both.out), Hold(both.idx));
      },
      "x"_a, "y"_a, "index_dtype"_a, nb::arg("name").none());
}

using Distribution = Output (*)(const Input&, DType, const Input&, const Input&, RandomSeed,
                                const std::string&);

void AddRandom(nb::module_& m) {
  const auto draws = [&m](const char* op, Distribution draw) {
    m.def(
        op,
        [draw](nb::handle shape, nb::handle dtype, nb::handle first, nb::handle second,
               int64_t seed, int64_t seed2, OptionalName name) {
          AwaitDefinitions();
          const DType type = ToDType(dtype);
          return Hold(draw(ToNumbers(shape), type, ToInput(first, type), ToInput(second, type),
                           RandomSeed{seed, seed2}, NameOf(name)));
        },
        "shape"_a, "dtype"_a, "first"_a, "second"_a, "seed"_a, "seed2"_a, nb::arg("name").none());
  };
  draws("_seeded_uniform", random_uniform);
  draws("_seeded_normal", random_normal);
  draws("_seeded_truncated_normal", truncated_normal);
  m.def(
      "_seeded_gamma",
      [](nb::handle shape, nb::handle alpha, int64_t seed, int64_t seed2, OptionalName name) {
        AwaitDefinitions();
        return Hold(
            random_gamma(ToNumbers(shape), ToInput(alpha), RandomSeed{seed, seed2}, NameOf(name)));
      },
      "shape"_a, "alpha"_a, "seed"_a, "seed2"_a, nb::arg("name").none());
  m.def(
      "_seeded_poisson",
      [](nb::handle shape, nb::handle lam, nb::handle dtype, int64_t seed, int64_t seed2,
         OptionalName name) {
        AwaitDefinitions();
        return Hold(random_poisson(ToNumbers(shape), ToInput(lam), ToDType(dtype),
                                   RandomSeed{seed, seed2}, NameOf(name)));
      },
      "shape"_a, "lam"_a, "dtype"_a, "seed"_a, "seed2"_a, nb::arg("name").none());
  m.def(
      "_seeded_shuffle",
      [](nb::handle value, int64_t seed, int64_t seed2, OptionalName name) {
        AwaitDefinitions();
        return Hold(random_shuffle(ToInput(value), RandomSeed{seed, seed2}, NameOf(name)));
      },
      "value"_a, "seed"_a, "seed2"_a, nb::arg("name").none());
  m.def(
      "_seeded_multinomial",
      [](nb::handle logits, int64_t num_samples, int64_t seed, int64_t seed2, nb::handle dtype,
         OptionalName name) {
        AwaitDefinitions();
        return Hold(multinomial(ToInput(logits), num_samples, RandomSeed{seed, seed2},
                                TypeOr(dtype, DType::kInt64), NameOf(name)));
      },
      "logits"_a, "num_samples"_a, "seed"_a, "seed2"_a, nb::arg("dtype").none(),
      nb::arg("name").none());
}

}  // namespace

void AddArrays(nb::module_& m) {
  AddShapesOf(m);
  AddElements(m);
  AddOrders(m);
  AddRandom(m);
}

}  // namespace varscope::python

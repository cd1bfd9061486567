// DType, ConnectOptions, initializers and partitioners as Python's types.
#include <chrono>

#include "client/python/src/convert.h"
#include "client/python/src/initializers.h"
#include "client/python/src/python.h"

namespace varscope::python {
namespace {

bool SameDType(const PyDType& dtype, nb::handle other) {
  if (other.is_none()) return false;
  try {
    return ToDType(other) == dtype.dtype;
  } catch (const TypeError&) {
    return false;
  }
}

void AddDType(nb::module_& m) {
  nb::class_<PyDType> type(m, "DType", "The type of a tensor's elements; TensorFlow's tf.DType.");
  type.def(
          "__init__", [](PyDType* self, nb::handle type) { new (self) PyDType{ToDType(type)}; },
          "type"_a)
      .def_prop_ro(
          "name", [](const PyDType& d) { return Name(d.dtype); },
          "TensorFlow's and NumPy's name: 'float32'.")
      .def_prop_ro(
          "as_numpy_dtype", [](const PyDType& d) { return NumpyDType(d.dtype).attr("type"); },
          "NumPy's type. TypeError for bfloat16 without the package ml_dtypes.")
      .def_prop_ro(
          "base_dtype", [](const PyDType& d) { return d; }, "Itself.")
      .def_prop_ro(
          "size", [](const PyDType& d) { return SizeOf(d.dtype); }, "The bytes of one element.")
      .def_prop_ro("is_floating", [](const PyDType& d) { return IsFloating(d.dtype); })
      .def_prop_ro("is_integer", [](const PyDType& d) { return IsInteger(d.dtype); })
      .def_prop_ro("is_bool", [](const PyDType& d) { return d.dtype == DType::kBool; })
      .def_prop_ro(
          "is_unsigned",
          [](const PyDType& d) { return IsInteger(d.dtype) && !InfoOf(d.dtype).is_signed; })
      .def("__eq__", SameDType, nb::arg("other").none())
      .def("__hash__", [](const PyDType& d) { return static_cast<Py_ssize_t>(d.dtype); })
      .def("__repr__", [](const PyDType& d) { return "tf." + Name(d.dtype); })
      .def("__str__", [](const PyDType& d) { return "<dtype: '" + Name(d.dtype) + "'>"; })
      .def("__reduce__", [type](const PyDType& d) {
        return nb::make_tuple(type, nb::make_tuple(Name(d.dtype)));
      });
  m.def(
      "as_dtype", [](nb::handle x) { return PyDType{ToDType(x)}; }, "type_value"_a,
      "Returns the DType of a DType, a NumPy dtype, a Python type, or a name.");
}

SharingMode ToSharing(const std::string& sharing) {
  if (sharing == "global") return SharingMode::kGlobal;
  if (sharing == "replicated") return SharingMode::kReplicated;
  throw ValueError("sharing: '" + sharing + "' is neither 'global' nor 'replicated'.");
}

TransportMode ToTransport(const std::string& transport) {
  if (transport == "auto") return TransportMode::kAuto;
  if (transport == "target") return TransportMode::kTarget;
  throw ValueError("transport: '" + transport + "' is neither 'auto' nor 'target'.");
}

// The core refuses what is too long or not above 0.
std::chrono::milliseconds ToTimeout(double seconds) {
  constexpr double kMost = 1e12;  // milliseconds have it
  if (!(seconds > 0 && seconds <= kMost)) {
    throw ValueError("timeout: " + std::to_string(seconds) + " s, and must be above 0 and finite");
  }
  return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
}

void AddConnectOptions(nb::module_& m) {
  nb::class_<ConnectOptions>(m, "ConnectOptions", "How a graph is connected to a server.")
      .def(
          "__init__",
          [](ConnectOptions* self, std::string worker_id, const std::string& sharing,
             double timeout, bool cache_pulls, bool prefetch, bool checksums,
             const std::string& transport, int threads) {
            new (self) ConnectOptions{.worker_id = std::move(worker_id),
                                      .sharing = ToSharing(sharing),
                                      .timeout = ToTimeout(timeout),
                                      .cache_pulls = cache_pulls,
                                      .prefetch = prefetch,
                                      .checksums = checksums,
                                      .transport = ToTransport(transport),
                                      .threads = threads};
          },
          nb::kw_only(), "worker_id"_a = "", "sharing"_a = "global", "timeout"_a = 60.0,
          "cache_pulls"_a = true, "prefetch"_a = false, "checksums"_a = true,
          "transport"_a = "auto", "threads"_a = 0,
          "worker_id: empty is the environment's VARSCOPE_WORKER, else host-pid-number.\n"
          "sharing: 'global', for different programs that share one store, or 'replicated', for\n"
          "    copies of one program.\n"
          "timeout: seconds that each call to the server may take, its repetitions included.\n"
          "prefetch: a run that trains also brings the values that the next run pulls.\n"
          "threads: how many threads may compute at a time; 0 is VARSCOPE_THREADS of the\n"
          "    environment, else one for each core.");
}

void AddInitializers(nb::module_& m) {
  nb::class_<Initializer>(m, "Initializer", "How a variable gets its initial value.");
  m.def("zeros_initializer", &zeros_initializer);
  m.def("ones_initializer", &ones_initializer);
  m.def("constant_initializer", &constant_initializer, "value"_a);
  m.def("random_uniform_initializer", &random_uniform_initializer, "minval"_a, "maxval"_a,
        nb::arg("seed").none());
  m.def("random_normal_initializer", &random_normal_initializer, "mean"_a, "stddev"_a,
        nb::arg("seed").none());
  m.def("truncated_normal_initializer", &truncated_normal_initializer, "mean"_a, "stddev"_a,
        nb::arg("seed").none());
  m.def("glorot_uniform_initializer", &glorot_uniform_initializer, nb::arg("seed").none());
  m.def("glorot_normal_initializer", &glorot_normal_initializer, nb::arg("seed").none());
  m.def("variance_scaling_initializer", &variance_scaling_initializer, "scale"_a, "mode"_a,
        "distribution"_a, nb::arg("seed").none());
  m.def("orthogonal_initializer", &orthogonal_initializer, "gain"_a, nb::arg("seed").none());
  m.def("identity_initializer", &identity_initializer, "gain"_a);
}

void AddPartitioners(nb::module_& m) {
  nb::class_<PyPartitioner>(m, "Partitioner", "Says into how many parts to split each dimension.")
      .def(
          "__call__",
          [](const PyPartitioner& partitioner, nb::handle shape, nb::handle dtype) {
            return partitioner.function(ToShape(shape), ToDType(dtype));
          },
          "shape"_a, "dtype"_a);
  m.def(
      "fixed_size_partitioner",
      [](int64_t num_shards, int axis) {
        return PyPartitioner{fixed_size_partitioner(num_shards, axis)};
      },
      "num_shards"_a, "axis"_a = 0,
      "Returns a partitioner that splits one dimension into num_shards parts, or as many as it has "
      "rows if these are fewer. LookupError in get_variable for a dimension that is not there.");
}

}  // namespace

void AddTypes(nb::module_& m) {
  AddDType(m);
  AddConnectOptions(m);
  AddInitializers(m);
  AddPartitioners(m);
}

}  // namespace varscope::python

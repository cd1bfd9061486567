// The static parameters of one op, by name.
#ifndef VARSCOPE_CLIENT_GRAPH_ATTRS_H_
#define VARSCOPE_CLIENT_GRAPH_ATTRS_H_

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "varscope/dtype.h"
#include "varscope/shape.h"
#include "varscope/tensor.h"

namespace varscope::internal {

using AttrValue =
    std::variant<bool, int64_t, double, std::string, std::vector<int64_t>, DType, Shape, Tensor>;

// Reading an attribute that an op does not have is a bug of the op's table entry and throws
// std::out_of_range or std::bad_variant_access.
class Attrs {
 public:
  Attrs() = default;
  Attrs(std::initializer_list<std::pair<const std::string, AttrValue>> values) : values_(values) {}

  template <typename T>
  const T& get(const std::string& name) const {
    return std::get<T>(values_.at(name));
  }
  bool flag(const std::string& name) const { return get<bool>(name); }
  int64_t integer(const std::string& name) const { return get<int64_t>(name); }
  double real(const std::string& name) const { return get<double>(name); }
  const std::string& text(const std::string& name) const { return get<std::string>(name); }
  const std::vector<int64_t>& list(const std::string& name) const {
    return get<std::vector<int64_t>>(name);
  }
  const Tensor& tensor(const std::string& name) const { return get<Tensor>(name); }

  bool has(const std::string& name) const { return values_.contains(name); }
  void Set(const std::string& name, AttrValue value) { values_[name] = std::move(value); }

  const std::map<std::string, AttrValue>& values() const { return values_; }

 private:
  std::map<std::string, AttrValue> values_;
};

// Equal attributes give equal texts; a tensor counts by identity. For finding repeated work.
std::string Fingerprint(const Attrs& attrs);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_ATTRS_H_

// A list that may be left out, which is another thing than an empty one.
#ifndef VARSCOPE_OPTIONAL_LIST_H_
#define VARSCOPE_OPTIONAL_LIST_H_

#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

namespace varscope {

// `{}` is a list left out, as TensorFlow's None; std::vector<T>() is the empty list. A value.
// Thread-compatible.
template <typename T>
class OptionalList {
 public:
  OptionalList() = default;
  OptionalList(std::nullopt_t) {}
  OptionalList(std::initializer_list<T> list) : list_(list) {}
  OptionalList(std::vector<T> list) : list_(std::move(list)) {}

  // False when the list is left out.
  bool given() const { return list_.has_value(); }
  // Returns the list. Requires given(). Valid as long as this object.
  const std::vector<T>& operator*() const { return *list_; }
  const std::vector<T>* operator->() const { return &*list_; }

 private:
  std::optional<std::vector<T>> list_;
};

}  // namespace varscope

#endif  // VARSCOPE_OPTIONAL_LIST_H_

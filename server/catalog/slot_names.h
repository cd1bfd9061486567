// The names that a worker proposes for a variable's slots.
#ifndef VARSCOPE_SERVER_CATALOG_SLOT_NAMES_H_
#define VARSCOPE_SERVER_CATALOG_SLOT_NAMES_H_

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace varscope::server {

// In the rule's order; empty: the store's own. Copies share the names, which never change.
class SlotNames {
 public:
  using value_type = std::string;
  using const_iterator = std::vector<std::string>::const_iterator;

  SlotNames() = default;
  SlotNames(std::vector<std::string> names)  // NOLINT: it is one
      : names_(names.empty() ? nullptr
                             : std::make_shared<const std::vector<std::string>>(std::move(names))) {
  }
  SlotNames(std::initializer_list<std::string> names)
      : SlotNames(std::vector<std::string>(names)) {}
  template <typename Iterator>
  SlotNames(Iterator begin, Iterator end) : SlotNames(std::vector<std::string>(begin, end)) {}

  bool empty() const { return names_ == nullptr; }
  size_t size() const { return all().size(); }
  const std::string& operator[](size_t i) const { return all()[i]; }
  const_iterator begin() const { return all().begin(); }
  const_iterator end() const { return all().end(); }
  friend bool operator==(const SlotNames& a, const SlotNames& b) {
    return a.names_ == b.names_ || a.all() == b.all();
  }
  friend bool operator<(const SlotNames& a, const SlotNames& b) { return a.all() < b.all(); }

 private:
  const std::vector<std::string>& all() const {
    static const auto* const none = new std::vector<std::string>;
    return names_ == nullptr ? *none : *names_;
  }

  std::shared_ptr<const std::vector<std::string>> names_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_CATALOG_SLOT_NAMES_H_

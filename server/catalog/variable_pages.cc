#include "server/catalog/variable_pages.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace varscope::server {

VariablePages::VariablePages(const Catalog& catalog)
    : VariablePages(catalog, [](const NameTable& names) -> const std::vector<VariablePtr>& {
        return names.variables();
      }) {}

VariablePages VariablePages::OfSlots(const Catalog& catalog, std::string primary) {
  return {
      catalog,
      [primary = std::move(primary)](const NameTable& names) -> const std::vector<VariablePtr>& {
        return names.SlotsOf(primary);
      }};
}

VariablePages::VariablePages(const Catalog& catalog, Which which)
    : catalog_(&catalog), which_(std::move(which)) {
  catalog.Read([&](const NameTable& names) {
    generation_ = catalog_->generation();
    end_ = which_(names).size();
  });
}

absl::StatusOr<std::vector<VariablePtr>> VariablePages::Next() {
  const size_t count = std::min(kPage, end_ - next_);
  std::vector<VariablePtr> page;
  page.reserve(count);
  bool is_gone = false;
  catalog_->Read([&](const NameTable& names) {
    is_gone = catalog_->generation() != generation_;
    if (is_gone) return;
    const auto begin = which_(names).begin() + static_cast<std::ptrdiff_t>(next_);
    page.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
  });
  if (is_gone) {
    return absl::AbortedError(
        "the store was rolled back while its variables were listed; list them again");
  }
  next_ += page.size();
  return page;
}

}  // namespace varscope::server
